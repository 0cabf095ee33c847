/** Whatever one chat does, in whatever order, can be taken back at once, and everything is as it was. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { copy } from "../../src/tools/copy.ts";
import { deleteTool } from "../../src/tools/delete.ts";
import { makeDirectory } from "../../src/tools/make_directory.ts";
import { move } from "../../src/tools/move.ts";
import { restoreVersion } from "../../src/tools/restore_version.ts";
import type { Tool } from "../../src/tools/tool.ts";
import { ToolError } from "../../src/tools/tool-error.ts";
import { writeCode } from "../../src/tools/write_code.ts";
import { run } from "../tools/running.ts";
import { amount } from "../torture/scale.ts";
import { type Opened, openWorkspace } from "./opened.ts";

let opened: Opened;
beforeEach(async () => {
  opened = await openWorkspace();
});
afterEach(() => opened.remove());

const project = "blog";
const paths = ["a", "b", "d", "d/a", "d/b", "d/e", "d/e/a", "new/deep/a"];
const place = fc.constantFrom(...paths);
const step = fc.oneof(
  fc.record({ tool: fc.constant("write"), path: place, content: fc.constantFrom("1", "2", "3") }),
  fc.record({ tool: fc.constant("delete"), path: place }),
  fc
    .record({ tool: fc.constant("move"), path: place, to: place })
    .filter(({ path, to }) => path !== to),
  fc.record({ tool: fc.constant("copy"), path: place, to: place }),
  fc.record({ tool: fc.constant("folder"), path: place }),
) as fc.Arbitrary<{ tool: string; path: string; to: string; content: string }>;

/** Every path with what it is. */
function everything(): string[] {
  return opened.tree().map((path) => {
    const stats = statSync(opened.at(path));
    const mode = (stats.mode & 0o777).toString(8);
    return `${path} ${mode} ${stats.isFile() ? readFileSync(opened.at(path), "utf8") : "folder"}`;
  });
}

/** Whether it was done; what cannot be done is a ToolError. */
async function act(chat: string, tool: unknown, args: object): Promise<boolean> {
  try {
    await run(opened, tool as Tool, { project, ...args } as never, { chat });
    return true;
  } catch (error) {
    if (error instanceof ToolError) return false;
    throw error;
  }
}

async function doStep(
  chat: string,
  { tool, path, to, content }: { tool: string; path: string; to: string; content: string },
): Promise<boolean> {
  if (tool === "write") return act(chat, writeCode, { path, content });
  if (tool === "delete") return act(chat, deleteTool, { path, recursive: true });
  if (tool === "move") return act(chat, move, { from: path, to });
  if (tool === "copy") return act(chat, copy, { from: path, to });
  return act(chat, makeDirectory, { path });
}

/** What ann did in chat "hers" is not undone once bob has worked on it. */
describe("undo refuses, with the name of who was there since,", () => {
  const ann = { chat: "hers", user: "ann" };
  const bob = { chat: "his", user: "bob" };
  const undo = () => run(opened, restoreVersion, { project, chat: "hers" }, { user: "ann" });
  const write = (path: string, content: string, who: object) =>
    run(opened, writeCode, { project, path, content }, who);
  const remove = (path: string, who: object) =>
    run(opened, deleteTool, { project, path, recursive: true }, who);
  const byBob = /Nothing was undone.*by bob with/;

  test("of a file that was edited", async () => {
    await write("a", "hers", ann);
    await write("a", "his", bob);
    await expect(undo()).rejects.toThrow(byBob);
  });

  test("of a move whose place another file has taken", async () => {
    await write("a", "1", bob);
    await run(opened, move, { project, from: "a", to: "b" }, ann);
    await remove("b", bob);
    await write("b", "his", bob);
    await expect(undo()).rejects.toThrow(byBob);
    expect(readFileSync(opened.at("blog/b"), "utf8")).toBe("his");
  });

  test("of a moved folder whose place another folder has taken", async () => {
    await write("d/a", "1", bob);
    await run(opened, move, { project, from: "d", to: "e" }, ann);
    await remove("e", bob);
    await write("e/his", "his", bob);
    await expect(undo()).rejects.toThrow(byBob);
  });

  test("of a large copy that was written anew", async () => {
    writeFileSync(opened.at("blog/large"), Buffer.alloc(9 * 1024 * 1024));
    await run(opened, copy, { project, from: "large", to: "copy" }, ann);
    await write("copy", "his", bob);
    await expect(undo()).rejects.toThrow(byBob);
  });

  test("of a folder that came back and was worked in", async () => {
    await write("d/a", "1", bob);
    const { structured } = await remove("d", bob);
    await run(opened, restoreVersion, { project, change: structured.change as string }, ann);
    await write("d/his", "his", bob);
    await expect(undo()).rejects.toThrow(byBob);
  });

  test("of a file that somebody made very large outside", async () => {
    await write("a", "hers", ann);
    writeFileSync(opened.at("blog/a"), Buffer.alloc(9 * 1024 * 1024));
    await expect(undo()).rejects.toThrow(/"blog\/a" was changed outside the server/);
  });
});

describe("undo of all that a chat did", () => {
  test("brings everything back, whatever the chat did", async () => {
    let chats = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.constantFrom("a", "b", "d/a", "d/e/a"), { maxLength: 4 }),
        fc.array(step, { minLength: 1, maxLength: 12 }),
        async (present, steps) => {
          const chat = `chat-${++chats}`;
          await act("before", deleteTool, { path: ".", recursive: true });
          mkdirSync(opened.at(project), { recursive: true });
          for (const path of present) {
            mkdirSync(dirname(opened.at(`blog/${path}`)), { recursive: true });
            writeFileSync(opened.at(`blog/${path}`), `first ${path}`, { mode: 0o640 });
          }
          const before = everything();
          let done = 0;
          for (const one of steps) if (await doStep(chat, one)) done++;
          const changed = everything();
          if (done === 0) return;
          // Steps may have come to nothing, such as a file written as it was.
          const { versions } = opened.workspace.history.recent({ chat });
          if (versions.length === 0) return;
          await run(opened, restoreVersion, { project, chat }, { chat: `undo-${chats}` });
          expect(everything()).toEqual(before);
          // The undoing is a change like any other, unless the chat's steps came to nothing.
          if (opened.workspace.history.recent({ chat: `undo-${chats}` }).versions.length === 0)
            return;
          await run(
            opened,
            restoreVersion,
            { project, chat: `undo-${chats}` },
            { chat: `redo-${chats}` },
          );
          expect(everything()).toEqual(changed);
          await run(opened, restoreVersion, { project, chat: `redo-${chats}` }, { chat: "end" });
        },
      ),
      { numRuns: amount(150, 1_000) },
    );
  }, 600_000);
});
