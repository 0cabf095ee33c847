import { z } from "zod";
import { compileGlob } from "../glob.ts";
import { limits } from "../limits.ts";
import { lineAt, looksBinary } from "../text.ts";
import { tool } from "../tool.ts";
import { failedWith, ToolError } from "../tool-error.ts";
import type { PinnedDirectory, Workspace } from "../workspace.ts";
import { pathArgument } from "./path-argument.ts";

/** Large, made by machines, and rarely meant; searched when the path leads into them. */
const passedOver = new Set([".git", "node_modules"]);

const match = z.object({ path: z.string(), line: z.int().optional(), text: z.string().optional() });

export const searchFiles = tool({
  name: "search_files",
  title: "Search files",
  description: `Finds files below a directory by name (glob), by the text in them, or both: with text it answers with the lines that hold it. Passes over ${[...passedOver].join(" and ")} unless path leads into them, binary files, and files above ${limits.searchFile / 1024 / 1024} MiB when looking for text. Links are not followed.`,
  input: z.strictObject({
    path: pathArgument.default("."),
    glob: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .describe(
        'Such as "*.ts", "src/**/*.{ts,js}"; without "/" it is matched against names at any depth.',
      ),
    text: z
      .string()
      .min(1)
      .max(1000)
      .optional()
      .describe("Text to look for, taken literally, within one line."),
    ignoreCase: z.boolean().default(false),
    limit: z.int().min(1).max(limits.searchMatches).default(100),
  }),
  output: z.object({
    matches: z.array(match),
    truncated: z
      .boolean()
      .describe("More than limit match, or the tree is too large to walk whole."),
    filesSearched: z.int(),
  }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  run: async (workspace, { path, glob, text, ignoreCase, limit }, signal) => {
    if (glob === undefined && text === undefined) throw new ToolError("Give glob, text or both.");
    if (text?.includes("\n"))
      throw new ToolError("text is looked for within one line: it cannot hold a newline.");
    const search: Search = {
      workspace,
      named: glob === undefined ? () => true : compileGlob(glob),
      find: text === undefined ? undefined : finder(text, ignoreCase),
      limit,
      signal,
      entries: 0,
      filesSearched: 0,
      matches: [],
    };
    const whole = await workspace.withDirectory(path, (directory) => walk(search, directory, ""));
    return {
      structured: {
        matches: search.matches.slice(0, limit),
        truncated: !whole || search.matches.length > limit,
        filesSearched: search.filesSearched,
      },
    };
  },
});

interface Search {
  workspace: Workspace;
  named: (path: string) => boolean;
  find: ((content: Buffer) => { line: number; text: string }[]) | undefined;
  limit: number;
  signal: AbortSignal;
  entries: number;
  filesSearched: number;
  matches: z.infer<typeof match>[];
}

/** Returns false when it stopped early. `below` is the path from where the search began. */
async function walk(search: Search, directory: PinnedDirectory, below: string): Promise<boolean> {
  for (const entry of await search.workspace.entries(directory)) {
    search.signal.throwIfAborted();
    if (++search.entries > limits.searchEntries) return false;
    const relative = below === "" ? entry.name : `${below}/${entry.name}`;
    const path = directory.path === "." ? entry.name : `${directory.path}/${entry.name}`;
    if (search.find === undefined && search.named(relative)) search.matches.push({ path });
    if (entry.isDirectory()) {
      if (passedOver.has(entry.name)) continue;
      const inside = search.workspace.withEntry(directory, entry.name, (next) =>
        walk(search, next, relative),
      );
      if (!(await inside.catch(unreadable))) return false;
    } else if (entry.isFile()) {
      search.filesSearched++;
      if (search.find && search.named(relative)) {
        await searchText(search, search.find, directory, entry.name, path).catch(unreadable);
      }
    }
    if (search.matches.length > search.limit) return false;
  }
  return true;
}

async function searchText(
  search: Search,
  find: NonNullable<Search["find"]>,
  directory: PinnedDirectory,
  name: string,
  path: string,
): Promise<void> {
  await search.workspace.withRegularEntry(directory, name, async (file, stats) => {
    if (stats.size > limits.searchFile) return;
    const content = await file.readFile();
    if (looksBinary(content)) return;
    for (const hit of find(content)) search.matches.push({ path, ...hit });
  });
}

/** What vanished or may not be read is passed over; anything else is an error of the search. */
function unreadable(error: unknown): true {
  if (failedWith(error, "ENOENT", "EACCES", "EPERM", "ELOOP", "ENOTDIR", "ENXIO")) return true;
  throw error;
}

function finder(text: string, ignoreCase: boolean): NonNullable<Search["find"]> {
  const wanted = Buffer.from(text);
  const lower = text.toLowerCase();
  return (content) => {
    if (!ignoreCase && !content.includes(wanted)) return [];
    const hits: { line: number; text: string }[] = [];
    const whole = content.toString();
    const searched = ignoreCase ? whole.toLowerCase() : whole;
    const needle = ignoreCase ? lower : text;
    // Lower case can be longer than the original, so lines are counted and cut by number, not by offset.
    const lines = whole.split("\n");
    let line = 0;
    let from = 0;
    for (let at = searched.indexOf(needle); at >= 0 && hits.length <= limits.searchMatches; ) {
      line += lineAt(searched.slice(from, at), at - from) - 1;
      hits.push({ line: line + 1, text: shown(lines[line] ?? "", needle, ignoreCase) });
      const end = searched.indexOf("\n", at);
      if (end < 0) break;
      line++;
      from = end + 1;
      at = searched.indexOf(needle, from);
    }
    return hits;
  };
}

/** The line, or the part of a long one around what was found. */
function shown(line: string, needle: string, ignoreCase: boolean): string {
  const plain = line.replace(/\r$/, "");
  if (plain.length <= limits.searchLine) return plain;
  const at = (ignoreCase ? plain.toLowerCase() : plain).indexOf(needle);
  const start = Math.max(0, Math.min(at - 80, plain.length - limits.searchLine));
  return `${start > 0 ? "..." : ""}${plain.slice(start, start + limits.searchLine)}...`;
}
