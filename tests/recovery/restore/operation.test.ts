import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";

const volume = await mkdtemp(join(tmpdir(), "aihub-operation-"));
vi.stubEnv("AIHUB_VOLUME", volume);
const { Operation, registered, unfinished } = await import("../../../recovery/operation.ts");
const { resume } = await import("../../../recovery/resume.ts");
const { operationKinds } = await import("../../../recovery/operations.ts");

const record = join(volume, "hub/recovery/operation.json");
const steps = ["first", "second", "third"] as const;
const kind = {
  kind: "trial",
  steps,
  params: z.object({ what: z.string(), found: z.number().optional() }),
  resume: vi.fn(async (operation: { done(): Promise<void> }) => operation.done()),
};
const quiet = { step: <T>(_what: string, work: () => Promise<T>) => work(), note: vi.fn() };

beforeEach(async () => {
  await rm(join(volume, "hub"), { recursive: true, force: true });
  kind.resume.mockClear();
  vi.unstubAllEnvs();
});
afterAll(() => rm(volume, { recursive: true, force: true }));

describe("an operation", () => {
  it("is on the disk before each of its steps, and gone after the last", async () => {
    const operation = await Operation.begin(kind, { what: "a" });
    expect(await unfinished()).toMatchObject({ kind: "trial", step: "first" });
    operation.pointOfThePresent = "abc";
    await operation.enter("second", { found: 3 });
    const found = await unfinished();
    expect(found).toMatchObject({ step: "second", pointOfThePresent: "abc" });
    const again = Operation.of(kind, found as NonNullable<typeof found>);
    expect(again).toMatchObject({ params: { what: "a", found: 3 }, id: operation.id });
    await operation.done();
    expect(await unfinished()).toBeUndefined();
    expect(existsSync(record)).toBe(false);
  });

  it("whose record is damaged is not taken for none", async () => {
    await Operation.begin(kind, { what: "a" });
    await writeFile(record, '{"kind":"tri');
    await expect(unfinished()).rejects.toThrow(/is not what this program writes[\s\S]*fix:/);
    await expect(Operation.begin(kind, { what: "b" })).rejects.toThrow(/not what this program/);
  });

  it("is alone", async () => {
    await Operation.begin(kind, { what: "a" });
    await expect(Operation.begin(kind, { what: "b" })).rejects.toThrow(/unfinished.*[\s\S]*resume/);
  });

  it("dies where a test wants it to, with the step recorded", async () => {
    const program = `
      import { Operation } from ${JSON.stringify(new URL("../../../recovery/operation.ts", import.meta.url).href)};
      const operation = await Operation.begin({ kind: "trial", steps: ["first", "second"] }, {});
      await operation.enter("second");
      console.log("went on");`;
    const { signal, stdout } = spawnSync(
      process.execPath,
      ["--input-type=module", "--eval", program],
      { env: { ...process.env, AIHUB_VOLUME: volume, AIHUB_CRASH_AFTER: "second" } },
    );
    expect(signal).toBe("SIGKILL");
    expect(String(stdout)).toBe("");
    expect(await unfinished()).toMatchObject({ step: "second" });
  });
});

describe("resume", () => {
  it("does nothing when nothing is unfinished", async () => {
    expect(await resume([registered(kind)], quiet)).toBeUndefined();
    expect(kind.resume).not.toHaveBeenCalled();
  });

  it("hands what was cut off to its kind, once", async () => {
    const { id } = await Operation.begin(kind, { what: "a" });
    expect(await resume([registered(kind)], quiet)).toEqual({ kind: "trial", id, step: "first" });
    expect(kind.resume).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ id, step: "first", params: { what: "a" } }),
    );
    expect(await resume([registered(kind)], quiet)).toBeUndefined();
  });

  it("leaves alone the one that it is called within", async () => {
    const { id } = await Operation.begin(kind, { what: "a" });
    vi.stubEnv("AIHUB_OPERATION", id);
    expect(await resume([registered(kind)], quiet)).toBeUndefined();
    expect(kind.resume).not.toHaveBeenCalled();
  });

  it("keeps the record when it fails, for the next one", async () => {
    await Operation.begin(kind, { what: "a" });
    kind.resume.mockRejectedValueOnce(new Error("not now"));
    await expect(resume([registered(kind)], quiet)).rejects.toThrow("not now");
    expect(await unfinished()).toMatchObject({ kind: "trial" });
  });

  it.each([
    ["a kind that it does not know", { kind: "other" }, /knows nothing of it/],
    ["a step that it does not know", { step: "fourth" }, /does not know/],
    ["parameters that it does not know", { params: { what: 1 } }, /does not know/],
    ["what it did not write", { id: "../x" }, /not what this program writes/],
  ])("refuses %s and keeps it", async (_what, change, why) => {
    await Operation.begin(kind, { what: "a" });
    const text = JSON.stringify({ ...JSON.parse(await readFile(record, "utf8")), ...change });
    await writeFile(record, text);
    await expect(resume([registered(kind)], quiet)).rejects.toThrow(why);
    expect(await readFile(record, "utf8")).toBe(text);
  });
});

it("every kind has a name and steps of its own", () => {
  expect(new Set(operationKinds.map((one) => one.kind)).size).toBe(operationKinds.length);
  for (const one of operationKinds) expect(new Set(one.steps).size).toBe(one.steps.length);
});
