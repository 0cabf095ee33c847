/** A drill's stack goes, also when a run that was killed holds its lock. */
import { ConcurrentUpdateError } from "@pulumi/pulumi/automation/index.js";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { removeDrill } from "../../scripts/hub/remove-drill.ts";
import { silent } from "../../scripts/progress.ts";

beforeEach(() => void vi.stubEnv("PULUMI_BACKEND_URL", "s3://bucket"));
afterEach(() => void vi.unstubAllEnvs());

const lockedError = () =>
  new ConcurrentUpdateError({
    toString: () => "the stack is currently locked by 1 lock(s)",
  } as never);

/** @returns what was done to the stack; `refusals` are the errors of the first tries */
async function removed(refusals: Error[]): Promise<string[]> {
  const did: string[] = [];
  const act = (name: string) => async () => {
    const refusal = refusals.shift();
    if (refusal) throw refusal;
    did.push(name);
  };
  const open = {
    ...{ progress: silent, workDir: "/nowhere" },
    stack: {
      name: "prod-drill",
      exportStack: async () => ({ deployment: { resources: [{ type: "x", protect: true }] } }),
      importStack: act("import"),
      destroy: act("destroy"),
      cancel: async () => void did.push("cancel"),
      workspace: { removeStack: act("remove") },
    },
  };
  await removeDrill(open as unknown as Parameters<typeof removeDrill>[0]);
  return did;
}

it("takes off a lock that it meets", async () => {
  expect(await removed([])).toEqual(["import", "destroy", "remove"]);
  expect(await removed([lockedError()])).toEqual(["cancel", "import", "destroy", "remove"]);
});

it("takes it off once, and takes off none for another error", async () => {
  await expect(removed([lockedError(), lockedError()])).rejects.toThrow(/currently locked/);
  await expect(removed([new Error("no such bucket")])).rejects.toThrow(/no such bucket/);
});
