import { describe, expect, test } from "vitest";
import { checkChangeable, checkNewName, resolvePath } from "../../src/workspace/paths.ts";

describe("paths", () => {
  test.each([
    ["blog", "src/a.ts", "blog/src/a.ts"],
    ["blog", "./src//a.ts/", "blog/src/a.ts"],
    ["blog", ".", "blog"],
    ["blog", "", "blog"],
    ["blog", "/", "blog"],
    [".", "blog/a", "blog/a"],
    [".", ".", "."],
    ["blog", "a..b/...", "blog/a..b/..."],
    ["blog", "日本/é.txt", "blog/日本/é.txt"],
  ])("%s %s", (project, path, resolved) => {
    expect(resolvePath(project, path)).toBe(resolved);
  });

  test.each([
    ["blog", "../other/a", /goes up by "\.\."/],
    ["blog", "src/../../x", /goes up by "\.\."/],
    ["blog", "src/../x", /goes up by "\.\."/],
    ["blog", "/etc/passwd", /absolute path.*leave the leading "\/" out/],
    ["blog", "a\0b", /NUL/],
    ["blog", "a\nb", /control character \(code 10\)/],
    ["blog", "a\x7f", /control character/],
    ["blog", "\ud800", /half a Unicode character/],
    ["blog", "x".repeat(256), /too long for a name: 256 bytes/],
    ["blog", "é".repeat(128), /too long for a name: 256 bytes/],
    ["blog", "d/".repeat(1600), /path is too long/],
    [".", ".aihub/objects", /where the server keeps history/],
    [".aihub", "history.db", /where the server keeps history/],
    ["", "a", /no project name/],
    ["..", "a", /no project name/],
    ["a/b", "c", /no project name/],
    ["a\0", "c", /NUL/],
  ])("%j %j is refused", (project, path, message) => {
    expect(() => resolvePath(project, path)).toThrow(message);
  });

  test("nothing is changed in git's own folder", () => {
    expect(() => checkChangeable("blog/.git/hooks/pre-commit")).toThrow(/belongs to git/);
    expect(() => checkChangeable("blog/.github/x")).not.toThrow();
    expect(() => checkChangeable(".")).toThrow(/folder itself cannot be changed/);
  });

  test("new names are in composed form and without backslashes", () => {
    expect(() => checkNewName("e\u0301.txt")).toThrow('Use "é.txt"');
    expect(() => checkNewName("src\\a.ts")).toThrow(/Separate folders by "\/"/);
    expect(() => checkNewName("é.txt")).not.toThrow();
  });
});
