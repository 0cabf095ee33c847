import { matchesGlob } from "node:path/posix";
import { describe, expect, it } from "vitest";
import { compileGlob } from "../../src/search/glob.ts";

describe("compileGlob", () => {
  const parts = ["a", "ab", "b.ts", "*", "?", "a*", "*.ts", "**", "[ab]", "{a,ab}", "[!a]*"];
  const names = ["a", "ab", "b.ts", "c", "ba"];

  it("agrees with Node's own on every pattern and path of up to three parts", () => {
    const upToThree = (words: string[]) => [
      ...words.flatMap((one) => words.map((two) => `${one}/${two}`)),
      ...words.flatMap((one) =>
        words.flatMap((two) => words.map((three) => `${one}/${two}/${three}`)),
      ),
    ];
    const paths = [...names, ...upToThree(names)];
    const wrong: string[] = [];
    for (const glob of upToThree(parts)) {
      const matches = compileGlob(glob);
      for (const path of paths) {
        if (matches(path) !== matchesGlob(path, glob))
          wrong.push(`${glob} on ${path}: ${matches(path)}`);
      }
    }
    expect(wrong.slice(0, 20)).toEqual([]);
  });

  it.each([
    ["*.ts", "deep/down/x.ts", true],
    ["./src/*.ts", "src/x.ts", true],
    ["/src/*.ts", "src/x.ts", true],
    ["src", "a/src", true],
    ["*", ".hidden", true],
    ["**", "any/thing", true],
    ["[a-c]x", "bx", true],
    ["[a-c]x", "dx", false],
    ["[", "[", true],
    ["?", "🙂", true],
    ["a+(b)", "a+(b)", true],
    ["{a", "{a", true],
    ["{a,{b,c}}.x", "c.x", true],
  ])("%s on %s: %s", (glob, path, expected) => {
    expect(compileGlob(glob)(path)).toBe(expected);
  });
});
