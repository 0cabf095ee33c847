/** What a run that was killed while it made something leaves, and what the next run makes of it. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { heal } from "../../scripts/hub/heal.ts";
import { silent } from "../../scripts/progress.ts";

const DROPLET = "digitalocean:index/droplet:Droplet";
const RESERVED_IP = "digitalocean:index/reservedIp:ReservedIp";

let asked: string[];
let server: Server;
beforeEach(async () => {
  asked = [];
  const answers: Record<string, unknown> = {
    "/v2/droplets/7": { droplet: { id: 7, status: "active" } },
    "/v2/reserved_ips/192.0.2.9": { reserved_ip: { ip: "192.0.2.9", droplet: { id: 7 } } },
    "/v2/reserved_ips": {
      reserved_ips: [
        { ip: "192.0.2.1", droplet: null },
        { ip: "192.0.2.2", droplet: { id: 8 } },
        { ip: "192.0.2.9", droplet: { id: 7 } },
      ],
    },
  };
  server = createServer((request, answer) => {
    asked.push(`${request.method} ${request.url}`);
    if (request.url?.startsWith("/v2/reserved_ips/192.0.2.77")) answer.statusCode = 404;
    answer.end(JSON.stringify(answers[request.url?.split("?")[0] ?? ""] ?? {}));
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  vi.stubEnv("DIGITALOCEAN_API_URL", `http://127.0.0.1:${port}`);
  vi.stubEnv("DIGITALOCEAN_TOKEN", "of the tests");
  vi.stubEnv("PULUMI_BACKEND_URL", "s3://bucket");
});
afterEach(() => {
  server.close();
  vi.unstubAllEnvs();
});

type Resource = Record<string, unknown> & { type: string; id?: string };
const host: Resource = { urn: "urn::host", type: DROPLET, id: "7", inputs: {} };
const address = (inputs: object): Resource => ({ urn: "urn::address", type: RESERVED_IP, inputs });

/** @returns the resources of the state afterwards */
async function healed(
  resources: Resource[],
  resource: Resource,
  type = "creating",
): Promise<Resource[]> {
  const exported = { deployment: { resources, pending_operations: [{ type, resource }] } };
  const stack = { name: "prod", exportStack: async () => exported, importStack: async () => {} };
  await heal({ stack, progress: silent } as unknown as Parameters<typeof heal>[0]);
  expect(exported.deployment.pending_operations).toEqual([]);
  return exported.deployment.resources;
}

it("the address at its droplet is taken into the state, and costs nothing unseen", async () => {
  const [, found] = await healed([host], address({ region: "nyc3", dropletId: 7 }));
  expect(found).toMatchObject({
    ...{ type: RESERVED_IP, id: "192.0.2.9", urn: "urn::address" },
    outputs: { ipAddress: "192.0.2.9", region: "nyc3", dropletId: 7 },
  });
  expect(asked.filter((each) => !each.startsWith("GET "))).toEqual([]);
});

it.each([
  ["at another droplet", { dropletId: 9 }],
  ["at none", {}],
])("an address %s is somebody else's", async (_where, inputs) => {
  expect(await healed([host], address(inputs))).toEqual([host]);
  expect(asked.filter((each) => !each.startsWith("GET "))).toEqual([]);
});

it("an address that the state knows already is not taken twice", async () => {
  const known = { ...address({ dropletId: 7 }), id: "192.0.2.9" };
  expect(await healed([host, known], address({ dropletId: 7 }))).toEqual([host, known]);
});

it("an address that came to its droplet unseen is known to be there, and not put there again", async () => {
  const before = {
    ...address({ region: "nyc3", dropletId: 5 }),
    ...{ id: "192.0.2.9", outputs: { ipAddress: "192.0.2.9", dropletId: 5 } },
  };
  const [, known] = await healed([host, before], address({ dropletId: 7 }), "updating");
  expect(known).toMatchObject({
    inputs: { region: "nyc3", dropletId: 7 },
    outputs: { ipAddress: "192.0.2.9", dropletId: 7 },
  });
});

it("an address that is at no droplet yet stays as the state has it", async () => {
  const before = { ...address({ dropletId: 5 }), id: "192.0.2.1", outputs: { dropletId: 5 } };
  const [, known] = await healed([host, before], address({ dropletId: 7 }), "updating");
  expect(known).toMatchObject({ outputs: { dropletId: 5 } });
});

it("an address that is gone stops nobody: the engine finds that out by itself", async () => {
  const gone = { ...address({ dropletId: 7 }), id: "192.0.2.77", outputs: { dropletId: 7 } };
  expect(await healed([host, gone], address({ dropletId: 7 }), "deleting")).toEqual([host, gone]);
});
