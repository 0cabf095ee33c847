/** What a drill that is stopped says last: a host that is still there costs, and somebody has to know. */
import { beforeEach, expect, it, vi } from "vitest";
import { silent } from "../../scripts/progress.ts";
import { contents } from "../escrow/example.ts";

/** Outcomes of the removals: before the drill, and after it. */
let removals: (() => void)[];
let stop: boolean;
vi.mock("../../scripts/hub/stack.ts", () => ({
  REHEARSAL: "rehearsal",
  openStack: async () => ({ close: async () => {} }),
}));
vi.mock("../../scripts/hub/remove-drill.ts", () => ({
  removeDrill: async () => removals.shift()?.(),
}));
vi.mock("../../scripts/hub/adopt-escrow.ts", () => ({
  adoptEscrow: async () => {
    // As Node tells it; sent for real it could end the tests.
    if (stop) process.emit("SIGTERM", "SIGTERM");
    throw new Error("no host from nothing");
  },
}));
vi.mock("../../scripts/hub/restic-here.ts", () => ({ newestPointBytes: async () => undefined }));
vi.mock("../../scripts/hub/digitalocean.ts", () => ({
  digitalOcean: () => ({ list: async () => [] }),
}));

const { runDrill } = await import("../../scripts/hub/run-drill.ts");

const fails = () => {
  throw new Error("the engine was stopped");
};
beforeEach(() => {
  stop = true;
  removals = [];
});

it("says that it removed what it had made, when it did", async () => {
  await expect(runDrill(contents, { stack: "prod" }, silent)).rejects.toThrow(
    /^Stopped on request; what the drill had made is removed$/,
  );
});

it("says what is still there, why, and how it goes", async () => {
  removals = [() => {}, fails];
  await expect(runDrill(contents, { stack: "prod" }, silent)).rejects.toThrow(
    /^Stopped on request; THE DRILL'S HOST IS STILL THERE.*the engine was stopped\n {2}fix: npm run hub -- drill --clean --stack prod$/,
  );
});

it("has it in the record when it was not stopped", async () => {
  stop = false;
  removals = [() => {}, fails];
  const { record } = await runDrill(contents, {}, silent);
  expect(record.ok).toBe(false);
  expect(record.checks.at(-1)).toMatchObject({
    ...{ name: "removed all that the drill made", ok: false },
    detail: expect.stringMatching(/fix: npm run hub -- drill --clean$/),
  });
});
