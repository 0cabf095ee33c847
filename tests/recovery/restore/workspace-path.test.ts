import { describe, expect, it } from "vitest";
import { projectName, workspacePath } from "../../../recovery/restore/workspace-path.ts";

describe("a path within the workspace", () => {
  it.each([
    ["notes/plan.md", "notes/plan.md"],
    ["./notes//plan.md/", "notes/plan.md"],
    ["notes/../other/a", "other/a"],
    ["/data/workspace/notes/a", "notes/a"],
    ["/workspace/notes", "notes"],
    ["..notes", "..notes"],
    ["a [1]*?.txt", "a [1]*?.txt"],
  ])("%s", (given, path) => {
    expect(workspacePath(given)).toBe(path);
  });

  it.each(["", ".", "/", "..", "../etc", "notes/../../etc", "/etc/passwd", "a\0b", "/workspace/"])(
    "is not %j",
    (given) => {
      expect(() => workspacePath(given)).toThrow(/no path within the workspace/);
    },
  );

  it.each([".aihub", ".aihub/history.db", "./.aihub/x", "notes/../.aihub"])(
    "is not %s, which goes with the whole hub",
    (given) => {
      expect(() => workspacePath(given)).toThrow(/whole hub only/);
    },
  );
});

it("takes a folder right in the workspace for a project, and no other", () => {
  expect(projectName("notes/")).toBe("notes");
  expect(() => projectName("notes/a")).toThrow(/restore file notes\/a/);
});
