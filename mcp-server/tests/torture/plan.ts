/**
 * What a writer does, act by act, and what must be there after each: the same on both sides of a kill, so that nothing needs
 * to be said before an act. Contents name their writer and act, so none occurs twice.
 */
import { createHash } from "node:crypto";
import type { Caller } from "../../src/access/caller.ts";
import type { Change } from "../../src/workspace/change.ts";
import { isWithin } from "../../src/workspace/paths.ts";
import type { Author, Workspace } from "../../src/workspace/workspace.ts";

export const writers = 8;
/** Number of kinds of acts; act n is of kind n % kinds. */
export const kinds = 12;
export const shared = "p/shared.txt";

export function folderOf(writer: number): string {
  return `p/w${writer}`;
}

export function authorOf(writer: number, act: number): Author {
  const caller: Caller = {
    token: "torture",
    scopes: new Set(["read", "write", "delete"]),
    projects: "all",
    chat: `w${writer}`,
  };
  return { tool: "torture", caller, reason: String(act) };
}

export function contentOf(writer: number, act: number, part: number): Buffer {
  const head = `writer ${writer} act ${act} part ${part}\n`;
  const seed = createHash("sha256").update(head).digest();
  const size =
    act % kinds === 7 ? 80_000 + seed.readUInt16LE(0) * 4 : 20 + (seed.readUInt16LE(0) % 6000);
  const filler = `${seed.toString("hex")}\n`;
  return Buffer.from(head + filler.repeat(Math.ceil(size / filler.length)).slice(0, size));
}

export function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** What one writer's acts have led to. */
export interface State {
  /** Hash by path. */
  files: Map<string, string>;
  folders: Set<string>;
  /** Acts that added a line to the shared file. */
  lines: number[];
  /** Hashes that each path has had, oldest first; only of paths that are never moved or deleted. */
  versions: Map<string, string[]>;
}

export function nothing(): State {
  return { files: new Map(), folders: new Set(), lines: [], versions: new Map() };
}

export function copyOf(state: State): State {
  return {
    files: new Map(state.files),
    folders: new Set(state.folders),
    lines: [...state.lines],
    versions: new Map([...state.versions].map(([path, hashes]) => [path, [...hashes]])),
  };
}

/** One part of an act. */
type Part =
  | { do: "write"; path: string; bytes: Buffer }
  | { do: "move"; from: string; to: string }
  | { do: "trash"; path: string }
  | { do: "line" };

/** The parts of a writer's act; it is one change, all or nothing. Acts count from 1. */
export function partsOf(writer: number, act: number): Part[] {
  const at = (path: string) => `${folderOf(writer)}/${path}`;
  const write = (path: string, part = 0): Part => ({
    do: "write",
    path: at(path),
    bytes: contentOf(writer, act, part),
  });
  const before = act - kinds;
  switch (act % kinds) {
    case 1:
      return [write("f0"), write("deep/er/f1", 1)];
    case 2:
      return ["a", "b", "c"].map((name, part) => write(`set/${name}`, part));
    case 3:
      return [write(`made-${act}/x/y.txt`), write(`made-${act}/z.txt`, 1)];
    case 4:
      return [{ do: "move", from: at(`made-${act - 1}`), to: at(`moved/m-${act}`) }];
    case 5:
      return [{ do: "trash", path: at(`moved/m-${act - 1}`) }];
    case 6:
      return [{ do: "line" }];
    case 7:
      return [write("big.bin")];
    case 8:
      return [
        write(`pair-${act}.txt`),
        ...(before > 0 ? [{ do: "trash", path: at(`pair-${before}.txt`) } as const] : []),
      ];
    case 9:
      return before > 0
        ? [{ do: "move", from: at(`name-${before}.txt`), to: at(`name-${act}.txt`) }]
        : [write(`name-${act}.txt`)];
    case 10:
      return before > 0
        ? [
            { do: "move", from: at("swap/a"), to: at("swap/t") },
            { do: "move", from: at("swap/b"), to: at("swap/a") },
            { do: "move", from: at("swap/t"), to: at("swap/b") },
          ]
        : [write("swap/a"), write("swap/b", 1)];
    case 11:
      return [
        write("f0"),
        { do: "move", from: at("big.bin"), to: at(`kept/big-${act}.bin`) },
        ...(before > 0 ? [{ do: "trash", path: at(`kept/big-${before}.bin`) } as const] : []),
        { do: "line" },
      ];
    default:
      return [write("f0")];
  }
}

/** Does an act by the workspace. */
export async function perform(workspace: Workspace, writer: number, act: number): Promise<void> {
  const parts = partsOf(writer, act);
  const folders = parts.some(
    (part) =>
      (part.do === "trash" && part.path.includes("/m-")) ||
      (part.do === "move" && part.from.includes("/made-")),
  );
  const lock = parts.flatMap((part) => {
    if (part.do === "line") return [shared];
    return part.do === "move" ? [part.from, part.to] : [part.path];
  });
  await workspace.change(authorOf(writer, act), folders ? "all" : lock, (change) => {
    for (const part of parts) performPart(change, part, writer, act);
  });
}

function performPart(change: Change, part: Part, writer: number, act: number): void {
  switch (part.do) {
    case "write":
      change.write(part.path, part.bytes, { parents: true });
      return;
    case "move":
      change.move(part.from, part.to);
      return;
    case "trash":
      change.trash(part.path);
      return;
    case "line": {
      const text = change.read(shared)?.bytes.toString() ?? "";
      change.write(shared, Buffer.from(`${text}${writer} ${act}\n`), { parents: true });
    }
  }
}

/** Does an act in the model. */
export function apply(state: State, writer: number, act: number): void {
  for (const part of partsOf(writer, act)) {
    switch (part.do) {
      case "write": {
        const hash = hashOf(part.bytes);
        state.files.set(part.path, hash);
        addFolders(state, part.path);
        if (/\/(f0|f1|set\/[abc])$/.test(part.path))
          state.versions.set(part.path, [...(state.versions.get(part.path) ?? []), hash]);
        break;
      }
      case "move":
        for (const [path, hash] of [...state.files]) {
          if (!isWithin(path, part.from)) continue;
          state.files.delete(path);
          state.files.set(part.to + path.slice(part.from.length), hash);
        }
        for (const path of [...state.folders]) {
          if (!isWithin(path, part.from)) continue;
          state.folders.delete(path);
          state.folders.add(part.to + path.slice(part.from.length));
        }
        addFolders(state, part.to);
        break;
      case "trash":
        for (const path of [...state.files.keys()]) {
          if (isWithin(path, part.path)) state.files.delete(path);
        }
        for (const path of [...state.folders]) {
          if (isWithin(path, part.path)) state.folders.delete(path);
        }
        break;
      case "line":
        state.lines.push(act);
    }
  }
}

function addFolders(state: State, path: string): void {
  for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1))
    state.folders.add(path.slice(0, at));
}
