/** What the night goes on with when there is no point; all that it does is by stand-ins. */
import { expect, it, vi } from "vitest";
import {
  RepositoryError,
  type RepositoryErrorKind,
} from "../../../recovery/repository/repository-error.ts";
import { useHostFolders } from "../host-folders.ts";

const host = useHostFolders();

interface Outcome {
  did: string[];
  code: number | undefined;
  failure: unknown;
}

/** `tries`: what each try to take a point fails with; then there is one. */
async function night(
  tries: (RepositoryErrorKind | "dump" | "lost")[],
  {
    copy = false,
    enabled = true,
    copyWhole = true,
    copied = { copied: "c3" } as { copied: string } | { copyFailure: RepositoryErrorKind },
  } = {},
): Promise<Outcome> {
  const did: string[] = [];
  const does =
    <T>(what: string, result?: T) =>
    async () => {
      did.push(what);
      return result as T;
    };
  const recovery = "../../../recovery";
  // They are to be the ones that the verb knows, which is imported anew.
  const errors = await import("../../../recovery/repository/repository-error.ts");
  const lost = await import("../../../recovery/repository/remembered-repository.ts");
  const settings = { enabled, keep: {} };
  const own = {};
  const second = {};
  vi.doMock(`${recovery}/point/resume-first.ts`, () => ({ resumeFirst: async () => {} }));
  vi.doMock(`${recovery}/open-hub.ts`, () => ({
    openHub: async () => ({ settings, secrets: {}, repository: own }),
  }));
  vi.doMock(`${recovery}/open-repository.ts`, () => ({
    copyRepository: async () => (copy ? second : undefined),
  }));
  vi.doMock(`${recovery}/proof/leave-canary.ts`, () => ({ leaveCanary: async () => undefined }));
  vi.doMock(`${recovery}/git/push-hub-workspace.ts`, () => ({ pushHubWorkspace: does("git") }));
  vi.doMock(`${recovery}/point/take-recorded.ts`, () => ({
    takeRecorded: async () => {
      did.push("point");
      const next = tries.shift();
      if (next === "dump") throw new Error("no dump");
      if (next === "lost") throw new lost.LostRepositoryError("it is gone");
      if (next !== undefined) throw new errors.RepositoryError(next, "/mnt/points", "so it is");
      if (!copy) return { snapshot: "a1" };
      if ("copied" in copied) return { snapshot: "a1", ...copied };
      const copyFailure = new errors.RepositoryError(copied.copyFailure, "/mnt/copy", "so it is");
      return { snapshot: "a1", copyFailure };
    },
  }));
  vi.doMock(`${recovery}/point/take.ts`, async (original) => ({
    ...(await original<object>()),
    takePoint: async ({ repository, place }: { repository: object; place?: string }) => {
      // What is remembered of the one place is not said of the other.
      const isCopy = repository === second && place === "copy-repository";
      did.push(isCopy ? "point for the copy" : "point elsewhere");
      return { point: { time: "2026-11-25T02:00:00.000Z" }, snapshot: "b2" };
    },
  }));
  vi.doMock(`${recovery}/point/let-go.ts`, () => ({ letGo: does("let go") }));
  vi.doMock(`${recovery}/proof/tend-copy.ts`, () => ({
    tendCopy: async (_: object, snapshot?: string) => {
      did.push(`copy tended: ${snapshot ?? "room"}`);
      return copyWhole;
    },
  }));
  vi.doMock(`${recovery}/proof/check-data.ts`, () => ({ checkData: does("check", true) }));
  vi.doMock(`${recovery}/proof/prove-recorded.ts`, () => ({
    proveRecorded: async (_: object, snapshot?: string) => {
      did.push(`proof of ${snapshot ?? "the newest"}`);
      return { good: true, problems: [], notes: [] };
    },
  }));
  await host.put("data/.aihub-volume", "");
  vi.spyOn(process.stdout, "write").mockReturnValue(true);
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  try {
    const { nightly } = await import("../../../recovery/verbs/nightly.ts");
    const code = await nightly.run({}, []);
    return { did, code, failure: undefined };
  } catch (failure) {
    return { did, code: undefined, failure };
  } finally {
    vi.restoreAllMocks();
  }
}

it("proves the point that it took", async () => {
  expect(await night([])).toEqual({
    did: ["point", "proof of a1", "git", "check", "let go"],
    code: 0,
    failure: undefined,
  });
});

it("makes room in a full place and takes the point then", async () => {
  expect(await night(["no-space"])).toMatchObject({
    did: ["point", "let go", "point", "proof of a1", "git", "check", "let go"],
    code: 0,
  });
});

it("does the rest of the night in a place that stays full, and fails", async () => {
  const { did, failure } = await night(["no-space", "no-space"]);
  expect(did).toEqual([
    ...["point", "let go", "point", "proof of the newest", "git", "check", "let go"],
  ]);
  expect(failure).toMatchObject({ kind: "no-space" });
});

it("does the rest of the night when the point failed for another reason than its place", async () => {
  const { did, failure } = await night(["dump"], { copy: true });
  expect(did).toEqual(["point", "proof of the newest", "git", "check", "let go"]);
  expect(failure).toMatchObject({ message: "no dump" });
});

it("makes the second copy also when the first place is away, which is no fault of the data", async () => {
  const { did, failure } = await night(["unreachable"], { copy: true });
  expect(did).toEqual(["point", "point for the copy", "git", "copy tended: b2"]);
  expect(failure).toMatchObject({ kind: "unreachable" });
  const { standing } = await import("../../../recovery/report.ts");
  expect(await standing()).toMatchObject({ lastCopy: "2026-11-25T02:00:00.000Z" });
});

it.each<[string, Parameters<typeof night>[1], string[], number]>([
  ["what was sent there", {}, ["copy tended: c3"], 0],
  ["what is not whole there", { copyWhole: false }, ["copy tended: c3"], 1],
  ["a full place", { copied: { copyFailure: "no-space" } }, ["copy tended: room"], 0],
  ["no place that is away", { copied: { copyFailure: "unreachable" } }, [], 0],
])("looks after the second copy: %s", async (_, options, tended, code) => {
  const outcome = await night([], { copy: true, ...options });
  expect(outcome.did).toEqual(["point", "proof of a1", "git", "check", "let go", ...tended]);
  expect(outcome.code).toBe(code);
});

it("makes the second copy also when the first place has another repository, and leaves that alone", async () => {
  const { did, failure } = await night(["lost"], { copy: true });
  expect(did).toEqual(["point", "point for the copy", "git", "copy tended: b2"]);
  expect(failure).toMatchObject({ message: "it is gone" });
});

it("lets nothing go where it may only read", async () => {
  const { did, failure } = await night(["denied"], { enabled: false, copy: true });
  expect(did).toEqual(["point"]);
  expect(failure).toMatchObject({ message: expect.stringMatching(/makes no recovery points/) });
  expect(failure).not.toBeInstanceOf(RepositoryError);
});
