/** The last calls of tools, from the end of the MCP server's log. */
import { constants, type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import type { Visitor } from "../gate/visitor.ts";
import type { Rights } from "./rights.ts";

export interface AuditLine {
  /** ISO time. */
  time: string;
  /** E-mail address; null: nobody is known behind the call. */
  user: string | null;
  token: string | null;
  tool: string | null;
  project: string | null;
  path: string | null;
  outcome: string;
  ms: number | null;
}

/** Bytes that are read, from the end: the log is as long as a hub is busy. */
const TAIL = 256 * 1024;
const { O_NOFOLLOW, O_RDONLY } = constants;

/** The newest first: all for an administrator, else one's own. No log yet: none. */
export async function auditTail(
  folder: string,
  visitor: Visitor,
  rights: Rights,
  limit: number,
): Promise<AuditLine[]> {
  const lines: AuditLine[] = [];
  for (const text of (await tailOf(join(folder, "audit.jsonl"))).split("\n").reverse()) {
    if (lines.length === limit) break;
    const line = lineOf(text);
    if (line && (rights.others || line.user === visitor.email)) lines.push(line);
  }
  return lines;
}

async function tailOf(path: string): Promise<string> {
  let file: FileHandle;
  try {
    file = await open(path, O_RDONLY | O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - TAIL);
    const { bytesRead, buffer } = await file.read(Buffer.alloc(size - start), 0, null, start);
    const text = buffer.toString("utf8", 0, bytesRead);
    // It most likely begins in the middle of a line.
    return start === 0 ? text : text.slice(text.indexOf("\n") + 1);
  } finally {
    await file.close();
  }
}

/** Undefined for what is no whole line about a call. */
function lineOf(text: string): AuditLine | undefined {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(text);
  } catch {
    return undefined;
  }
  const word = (name: string) => (typeof entry[name] === "string" ? entry[name] : null);
  const [time, outcome] = [word("time"), word("outcome")];
  if (time === null || outcome === null) return undefined;
  return {
    time,
    user: word("user"),
    token: word("token"),
    tool: word("tool"),
    project: word("project"),
    path: word("path") ?? (Array.isArray(entry.paths) ? entry.paths.join(", ") : null),
    outcome,
    ms: typeof entry.ms === "number" ? entry.ms : null,
  };
}
