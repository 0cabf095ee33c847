/** Generated and nasty inputs: nothing outside is touched, no call ends in a defect, edits do what a simple model does. */
import { execFileSync } from "node:child_process";
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import type { Caller } from "../../src/access/caller.ts";
import { uncounted } from "../../src/http/metrics.ts";
import { performCall } from "../../src/protocol/call-tool.ts";
import { type OpenDeps, openDeps } from "../../src/protocol/open-deps.ts";
import { explain, ToolError } from "../../src/tools/tool-error.ts";
import { resolvePath, STATE } from "../../src/workspace/paths.ts";
import { nastyNames } from "./corpus.ts";
import { amount } from "./scale.ts";

const runs = (share: number) => ({ numRuns: amount(share, share * 20) });
let base: string;
let root: string;
let opened: OpenDeps;

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), "aihub-fuzz-"));
  root = join(base, "root");
  mkdirSync(join(root, "blog/dir/deep"), { recursive: true });
  mkdirSync(join(root, "blog/.git/hooks"), { recursive: true });
  mkdirSync(join(base, "outside"));
  writeFileSync(join(base, "outside/secret.txt"), "OUTSIDE");
  writeFileSync(join(base, "outside/hard.txt"), "OUTSIDE");
  writeFileSync(join(root, "blog/file.txt"), "inside");
  writeFileSync(join(root, "blog/dir/deep/file.txt"), "inside");
  writeFileSync(join(root, "blog/e\u0301"), "decomposed");
  symlinkSync(join(base, "outside"), join(root, "blog/link-out"));
  symlinkSync(join(base, "outside/secret.txt"), join(root, "blog/link-file"));
  symlinkSync("link-loop", join(root, "blog/link-loop"));
  linkSync(join(base, "outside/hard.txt"), join(root, "blog/hard.txt"));
  execFileSync("mkfifo", [join(root, "blog/pipe")]);
  opened = await openDeps({ workspace: root }, uncounted);
});
afterAll(async () => {
  await opened.close();
  rmSync(base, { recursive: true, force: true });
});

const anyName = fc.oneof(
  fc.constantFrom(...nastyNames),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 20 }),
);
/** Names joined in all the ways that look like paths. */
const anyPath = fc.oneof(
  anyName,
  fc
    .array(fc.tuple(anyName, fc.constantFrom("/", "//", "/./", "\\", "/../")), { maxLength: 5 })
    .map((parts) => parts.map(([name, glue]) => name + glue).join("")),
);
const anyProject = fc.oneof(fc.constant("blog"), fc.constant("."), anyName);

/** What a caller can be told. */
function isKnown(error: unknown): boolean {
  return explain(error, "path") !== undefined;
}

test("a path leads into the workspace or is refused", () => {
  fc.assert(
    fc.property(anyProject, anyPath, (project, path) => {
      let place: string;
      try {
        place = resolvePath(project, path);
      } catch (error) {
        expect(error).toBeInstanceOf(ToolError);
        return;
      }
      const absolute = resolve(root, place);
      expect(absolute === root || absolute.startsWith(`${root}/`)).toBe(true);
      expect(absolute).toBe(place === "." ? root : `${root}/${place}`);
      expect(place.split("/")[0]).not.toBe(STATE);
    }),
    { ...runs(3_000), examples: nastyNames.map((name): [string, string] => ["blog", name]) },
  );
});

test("whatever the path, only regular files of the workspace are opened", () => {
  const { files } = opened.deps.workspace;
  fc.assert(
    fc.property(fc.constantFrom("blog", "."), anyPath, (project, path) => {
      try {
        using file = files.file(resolvePath(project, path));
        expect(readFileSync(file.fd, "utf8")).not.toContain("OUTSIDE");
      } catch (error) {
        if (!isKnown(error)) throw error;
      }
      try {
        using directory = files.directory(resolvePath(project, path));
        const names = directory.entries().map(({ name }) => name);
        expect(names).not.toContain("secret.txt");
      } catch (error) {
        if (!isKnown(error)) throw error;
      }
    }),
    { ...runs(1_500), examples: nastyNames.map((name): ["blog", string] => ["blog", name]) },
  );
});

const caller: Caller = {
  token: "fuzz",
  scopes: new Set(["read", "write", "delete"]),
  projects: "all",
};

async function call(name: string, args: unknown) {
  return performCall(opened.deps, name, args, { caller, signal: new AbortController().signal });
}

/** Outside, and what belongs to git: must stay as it is. */
function untouchable(): string {
  const list = (folder: string) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .map((entry) => {
        const path = join(entry.parentPath, entry.name);
        return entry.isFile() ? `${path}=${readFileSync(path, "utf8")}` : path;
      })
      .sort()
      .join("\n");
  return [
    list(join(base, "outside")),
    list(join(root, "blog/.git")),
    readdirSync(base).sort().join("\n"),
  ].join("\n\n");
}

test("no tool ends in a defect, or touches what lies outside, on any path", async () => {
  const before = untouchable();
  const { tools } = opened.deps;
  const outcomes = new Map<string, number>();
  const text = fc.oneof(anyPath, fc.string({ maxLength: 30 }));
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...tools.map(({ name }) => name)),
      anyProject,
      anyPath,
      anyPath,
      text,
      async (name, project, path, other, some) => {
        const args = argumentsOf(name, { project, path, other, some });
        const { outcome, result } = await call(name, args);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        expect(outcome, `${name} ${JSON.stringify(args)}`).not.toBe("defect");
        expect(JSON.stringify(result.content)).not.toContain("OUTSIDE");
      },
    ),
    {
      ...runs(1_500),
      examples: nastyNames.flatMap((name, index): [string, string, string, string, string][] => {
        const tool = tools[index % tools.length]?.name ?? "";
        return [
          [tool, "blog", name, "new/name.txt", "x"],
          [tool, "blog", "file.txt", name, name],
        ];
      }),
    },
  );
  expect(untouchable()).toBe(before);
}, 600_000);

interface Drawn {
  project: string;
  path: string;
  other: string;
  some: string;
}

/** Arguments that a tool takes, as far as it takes them. */
function argumentsOf(name: string, { project, path, other, some }: Drawn): object {
  const input = opened.deps.tools.find((one) => one.name === name)?.input;
  const shape: object = input instanceof z.ZodObject ? input.shape : {};
  const all: Record<string, unknown> = {
    project,
    path,
    name: path,
    from: path,
    to: other,
    to_path: other,
    paths: [path, other, "file.txt"],
    files: [path, other],
    content: some,
    query: some || "x",
    pattern: some || "x",
    glob: some || "*",
    edits: [{ old_text: some || "x", new_text: other }],
    patch: `--- a/${path}\n+++ b/${other}\n@@ -1 +1 @@\n-inside\n+${some}\n`,
    version: some,
    change: some,
    chat: some,
    cursor: some,
  };
  // A cursor that was never given ends every call alike, so most go without.
  if (some.length % 4 !== 0) delete all.cursor;
  return Object.fromEntries(Object.entries(all).filter(([key]) => key in shape));
}

const piece = fc.string({
  unit: fc.constantFrom("a", "b", " ", "\n", "é", "\u{1d11e}", "$", "$&", "\\", "\t"),
  minLength: 1,
  maxLength: 6,
});
const lfText = fc.array(piece, { maxLength: 30 }).map((parts) => parts.join(""));
const anyEdit = fc.record({
  old_text: piece,
  new_text: fc.oneof(piece, fc.constant("")),
  replace_all: fc.boolean(),
});

/** What the edits lead to; undefined when one of them must be refused. */
function edited(
  text: string,
  edits: { old_text: string; new_text: string; replace_all: boolean }[],
) {
  let now = text;
  for (const { old_text, new_text, replace_all } of edits) {
    const parts = now.split(old_text);
    if (parts.length < 2 || (!replace_all && parts.length > 2)) return undefined;
    now = parts.join(new_text);
  }
  return now;
}

test("edits do what splitting and joining does, and keep line ends, mark and all else", async () => {
  await fc.assert(
    fc.asyncProperty(
      lfText,
      fc.array(anyEdit, { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      fc.boolean(),
      async (text, edits, windows, marked) => {
        const spell = (lf: string) =>
          (marked ? "\ufeff" : "") + (windows ? lf.replaceAll("\n", "\r\n") : lf);
        const file = join(root, "blog/edited.txt");
        writeFileSync(file, spell(text));
        const { outcome } = await call("edit_code", { project: "blog", path: "edited.txt", edits });
        const now = readFileSync(file, "utf8");
        const wanted = edited(text, edits);
        if (wanted === undefined) {
          expect(outcome).toBe("error");
          expect(now).toBe(spell(text));
        } else {
          expect(outcome).toBe("ok");
          // A file without any line end has none to keep.
          const keeps = !windows || text.includes("\n");
          if (keeps) expect(now).toBe(spell(wanted));
        }
      },
    ),
    runs(300),
  );
}, 600_000);
