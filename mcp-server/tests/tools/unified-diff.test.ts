import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { unifiedDiff } from "../../src/tools/unified-diff.ts";

/** The same every time, so that a failure can be seen again. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

it("can be applied by git to get from one text to the other", () => {
  const folder = mkdtempSync(join(tmpdir(), "aihub-diff-"));
  try {
    for (let seed = 1; seed <= 60; seed++) {
      const next = numbers(seed);
      const before = Array.from({ length: next(40) }, () => `line ${next(8)}`);
      const after = before.flatMap((line) => {
        const dice = next(10);
        return dice === 0
          ? []
          : dice === 1
            ? [`new ${next(9)}`]
            : dice === 2
              ? [line, "more"]
              : [line];
      });
      const [old, wanted] = [
        `start\n${before.join("\n")}\nend\n`,
        `start\n${after.join("\n")}\nend\n`,
      ];
      const diff = unifiedDiff("f", old, wanted);
      if (old === wanted) {
        expect(diff).toBe("");
        continue;
      }
      writeFileSync(join(folder, "f"), old);
      // The empty piece after the last newline is no line to git.
      writeFileSync(join(folder, "d"), withoutLastEmpty(diff));
      execFileSync("git", ["apply", "--unidiff-zero", "--recount", "d"], {
        cwd: folder,
        stdio: "pipe",
      });
      expect(readFileSync(join(folder, "f"), "utf8"), `seed ${seed}`).toBe(wanted);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it("keeps far changes in hunks of their own, with three lines around", () => {
  const lines = Array.from({ length: 40 }, (_, i) => `${i}`);
  const changed = lines.map((line, i) => (i === 5 || i === 30 ? `${line}!` : line));
  const diff = unifiedDiff("f", lines.join("\n"), changed.join("\n"));
  expect(diff.match(/^@@.*@@$/gm)).toEqual(["@@ -3,7 +3,7 @@", "@@ -28,7 +28,7 @@"]);
});

it("says of a change too large to compare how large it is", () => {
  const before = Array.from({ length: 3000 }, (_, i) => `a${i}`).join("\n");
  const after = Array.from({ length: 3000 }, (_, i) => `b${i}`).join("\n");
  expect(unifiedDiff("f", before, after)).toBe(
    "[f changed nearly everywhere: 3000 lines before, 3000 after]\n",
  );
});

function withoutLastEmpty(diff: string): string {
  return diff.replace(/\n \n$/, "\n");
}
