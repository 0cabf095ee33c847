/** Holds a workspace that was killed against what its writers have done, as far as that was acknowledged. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { STATE } from "../../src/workspace/paths.ts";
import { Workspace } from "../../src/workspace/workspace.ts";
import { apply, copyOf, folderOf, hashOf, nothing, type State, shared } from "./plan.ts";

/** A writer's last act that is known to be done, and the state that it has led to. */
export interface Progress {
  act: number;
  state: State;
}

export function beginning(count: number): Map<number, Progress> {
  return new Map(
    Array.from({ length: count }, (_, writer) => [writer, { act: 0, state: nothing() }]),
  );
}

/** As JSON for writers-process.ts. */
export function startsOf(progress: Map<number, Progress>): string {
  return JSON.stringify(
    Object.fromEntries([...progress].map(([writer, { act }]) => [writer, act])),
  );
}

/** What was acknowledged moves the known state on. */
export function advance(progress: Map<number, Progress>, writer: number, act: number): void {
  const known = progress.get(writer) as Progress;
  if (act !== known.act + 1) throw new Error(`writer ${writer}: act ${act} after ${known.act}`);
  apply(known.state, writer, act);
  known.act = act;
}

export interface Checked {
  /** Acts that were done though nobody was told. */
  unacknowledged: number;
  /** Old contents that were read back and had their hash. */
  contents: number;
}

export interface CheckOptions {
  pruned?: boolean;
  /** Looks at whole histories. */
  deep?: boolean;
  alone?: boolean;
}

/**
 * Opens the workspace, which finishes or takes back what was under way, and throws when anything is lost, half done, left over
 * or missing in the history. Each writer may be one act further than acknowledged; `progress` is moved on then. `pruned`: old
 * versions may be missing. Not `alone`: others are writing meanwhile.
 */
export async function check(
  folder: string,
  progress: Map<number, Progress>,
  { pruned = false, deep = false, alone = true }: CheckOptions = {},
): Promise<Checked> {
  const checked: Checked = { unacknowledged: 0, contents: 0 };
  const workspace = await Workspace.open(folder);
  try {
    const left = readdirSync(join(folder, STATE, "unfinished"));
    if (alone && left.length > 0) throw new Error(`unfinished writes were left: ${left.length}`);
    const lines = linesOf(folder);
    for (const [writer, known] of progress) {
      const found = stateOf(folder, writer, lines);
      const before = difference(known.state, found);
      if (before !== undefined) {
        const next = copyOf(known.state);
        apply(next, writer, known.act + 1);
        const after = difference(next, found);
        if (after !== undefined) {
          throw new Error(
            `writer ${writer} is neither after act ${known.act} (${before}) nor after the next (${after})`,
          );
        }
        known.act++;
        known.state = next;
        checked.unacknowledged++;
      }
      checkHistory(workspace, writer, known, { pruned, deep, checked });
    }
  } finally {
    await workspace.close();
  }
  if (deep) checkDatabase(folder);
  return checked;
}

function checkDatabase(folder: string): void {
  const database = new DatabaseSync(join(folder, STATE, "history.db"), { readOnly: true });
  const verdict = database.prepare("PRAGMA integrity_check").get();
  database.close();
  if (verdict?.integrity_check !== "ok") throw new Error(`history.db: ${JSON.stringify(verdict)}`);
}

/** Acts of each writer that have a line in the shared file. */
function linesOf(folder: string): Map<number, number[]> {
  const lines = new Map<number, number[]>();
  let text = "";
  try {
    text = readFileSync(join(folder, shared), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  if (text !== "" && !text.endsWith("\n")) throw new Error("the shared file ends within a line");
  for (const line of text.split("\n").slice(0, -1)) {
    const [writer = Number.NaN, act = Number.NaN] = line.split(" ").map(Number);
    lines.set(writer, [...(lines.get(writer) ?? []), act]);
  }
  return lines;
}

function stateOf(folder: string, writer: number, lines: Map<number, number[]>): State {
  const state = { ...nothing(), lines: lines.get(writer) ?? [] };
  const walk = (path: string) => {
    state.folders.add(path);
    for (const entry of readdirSync(join(folder, path), { withFileTypes: true })) {
      const at = `${path}/${entry.name}`;
      if (entry.isDirectory()) walk(at);
      else if (entry.isFile()) state.files.set(at, hashOf(readFileSync(join(folder, at))));
      else throw new Error(`"${at}" is neither file nor folder`);
    }
  };
  try {
    walk(folderOf(writer));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    state.folders.clear();
  }
  return state;
}

/** What tells two states apart; undefined when nothing does. */
function difference(expected: State, found: State): string | undefined {
  for (const [path, hash] of expected.files) {
    if (!found.files.has(path)) return `"${path}" is missing`;
    if (found.files.get(path) !== hash) return `"${path}" has other content`;
  }
  for (const path of found.files.keys())
    if (!expected.files.has(path)) return `"${path}" is too many`;
  for (const path of found.folders)
    if (path.includes("/w") && path.split("/").length > 2 && !expected.folders.has(path))
      return `folder "${path}" is too many`;
  for (const path of expected.folders)
    if (path !== "p" && !found.folders.has(path)) return `folder "${path}" is missing`;
  if (expected.lines.join() !== found.lines.join())
    return `lines ${found.lines.slice(-3)} instead of ${expected.lines.slice(-3)}`;
  return undefined;
}

const RECENT = 30;

function checkHistory(
  workspace: Workspace,
  writer: number,
  { act, state }: Progress,
  { pruned, deep, checked }: { pruned: boolean; deep: boolean; checked: Checked },
): void {
  const { history } = workspace;
  const reasons = history
    .recent({ chat: `w${writer}`, limit: 100 })
    .versions.map(({ reason }) => Number(reason));
  const acts = [...new Set(reasons)];
  const expected = acts.map((_, index) => act - index);
  if (acts.join() !== expected.join() || (!pruned && acts.length < Math.min(act, RECENT)))
    throw new Error(`writer ${writer}: the history has acts ${acts.slice(0, 5)}, ${act} were done`);
  for (const [path, hashes] of state.versions) {
    const limit = deep ? hashes.length + 1 : RECENT;
    const { versions } = history.of(path, { limit });
    const found = versions.map(({ etag }) => etag);
    const wanted = hashes.toReversed().slice(0, pruned ? found.length : limit);
    if (found.join() !== wanted.join()) {
      throw new Error(
        `"${path}" has ${hashes.length} versions, the history shows ${found.length} (${versions.slice(0, 3).map((one) => `${one.op} ${one.etag?.slice(0, 8)}`)}; expected ${wanted.slice(0, 3).map((hash) => hash.slice(0, 8))})`,
      );
    }
    const looked = deep ? versions : versions.slice(0, 3);
    for (const { version, etag, available } of looked) {
      if (!available) {
        if (pruned) continue;
        throw new Error(`version ${version} of "${path}" is gone`);
      }
      if (hashOf(history.content(path, version).bytes) !== etag)
        throw new Error(`version ${version} of "${path}" has other content`);
      checked.contents++;
    }
  }
}
