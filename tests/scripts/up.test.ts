/** What `up` and `preview` do not do to a stack in the cloud. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { parseConfig } from "../../config/parse.ts";
import { DROPLET } from "../../scripts/hub/planned-changes.ts";

const did: string[] = [];
const open = {
  instance: undefined as object | undefined,
  stack: {
    name: "prod",
    exportStack: async () => ({
      deployment: { resources: [{ type: DROPLET, id: "7", replacementTrigger: 2 }] },
    }),
  },
  config: async () =>
    parseConfig({
      ...{ domain: "example.com", adminEmail: "a@example.com", adminCidrs: '["203.0.113.7/32"]' },
      ...{ backup: '{"to":"off"}', hostGeneration: "1" },
    }),
  close: async () => void did.push("closed"),
};
vi.mock("../../scripts/hub/stack.ts", () => ({ REHEARSAL: "rehearsal", openStack: () => open }));
vi.mock("../../scripts/hub/heal.ts", () => ({ heal: () => did.push("healed") }));
vi.mock("../../scripts/hub/update.ts", () => ({ runOperation: () => did.push("ran") }));

const { verb: up } = await import("../../scripts/hub/up.ts");
const { verb: preview } = await import("../../scripts/hub/preview.ts");

const terminal = process.stdin.isTTY;
beforeEach(() => {
  did.length = 0;
  process.stdin.isTTY = false;
});
afterEach(() => {
  process.stdin.isTTY = terminal;
});

it("up changes nothing where nobody can be asked and --yes is missing", async () => {
  await expect(up.main(["--stack", "prod"])).rejects.toThrow(/nobody can answer here; add --yes/);
  expect(did).toEqual(["closed"]);
});

it("up and preview are refused from a checkout that does not know of a replacement", async () => {
  await expect(up.main(["--stack", "prod", "--yes"])).rejects.toThrow(/generation 2 already/);
  await expect(preview.main(["--stack", "prod"])).rejects.toThrow(/generation 2 already/);
  expect(did).toEqual(["closed", "closed"]);
});

it("up makes no empty volume in the place of one that is gone, unless it is to look", async () => {
  vi.stubEnv("DIGITALOCEAN_API_URL", "http://127.0.0.1:9");
  const fetched = vi
    .spyOn(globalThis, "fetch")
    .mockResolvedValue(new Response("", { status: 404 }));
  const resources = [{ type: "digitalocean:index/volume:Volume", id: "v1" }];
  vi.spyOn(open.stack, "exportStack").mockResolvedValue({ deployment: { resources } } as never);
  try {
    await expect(up.main(["--stack", "prod", "--yes"])).rejects.toThrow(/volume v1 .*nothing was/);
    expect(did).toEqual(["closed"]);
    // As far as this test's stack goes.
    await up.main(["--stack", "prod", "--yes", "--refresh"]).catch(() => {});
    expect(did).toContain("healed");
  } finally {
    fetched.mockRestore();
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
  }
});
