/** Commits the workspace as it is, without what looks like a secret, and pushes it. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../hub/user-error.ts";
import { writeWhole } from "../memory.ts";
import type { Progress } from "../progress.ts";
import { type Author, agreeWithRemote } from "./agree-with-remote.ts";
import { CommitStream } from "./commit-stream.ts";
import { GitRepository, type TreeEntry } from "./git-repository.ts";
import { Remote, type RemoteAccess } from "./remote.ts";
import type { SecretScanner } from "./secret-scanner.ts";
import { listWorkspace, readWorkspaceFile, workspaceRoot } from "./workspace-files.ts";

export interface PushOptions {
  workspace: string;
  /** Folder of the bare repository; made when it is not there. */
  folder: string;
  remote: RemoteAccess;
  /** Name in the hub's address, such as hub.example.com. */
  hostname: string;
  scanner: SecretScanner;
  /** Default: now. */
  time?: Date;
}

export interface PushedWorkspace {
  /** Newest commit; undefined: there is nothing to commit yet. */
  commit: string | undefined;
  /** Whether a commit was made. */
  changed: boolean;
  files: number;
  /** Files left out for what they hold. */
  secrets: FoundSecret[];
  /** Files left out for another reason. */
  leftOut: { path: string; why: string }[];
}

export interface FoundSecret {
  path: string;
  kinds: string[];
  /** It was pushed before it was found out: the history keeps it. */
  pushedBefore: boolean;
}

/** What the last scan found: what is in its commit needs no other by the same scanner. */
interface Scanned {
  scanner: string;
  commit: string | undefined;
  /** Kinds of secrets, by object name. */
  findings: Record<string, string[]>;
}

/** @throws UserError */
export async function pushWorkspace(
  options: PushOptions,
  progress: Progress,
): Promise<PushedWorkspace> {
  const { folder, remote: access, hostname } = options;
  const repository = new GitRepository(folder);
  const author: Author = { name: "AI Hub", email: `hub@${hostname}` };
  await repository.prepare().catch((error: Error) => {
    if (!error.message.includes("spawn git ENOENT")) throw error;
    throw new UserError("This host has no git.\n  fix: npm start installs it");
  });
  return Remote.with(repository, access, async (remote) => {
    const theirs = await agreeWithRemote(repository, remote, author, access.url);
    const committed = await commitWorkspace(repository, author, options, progress);
    if (committed.commit !== undefined && committed.commit !== theirs) {
      await progress.step("Pushing", () => remote.push(theirs));
    }
    // Small packs of many nights become one; a night without it costs nothing but room.
    await repository
      .git(["-c", "gc.auto=2000", "-c", "gc.autoDetach=false", "gc", "--auto", "--quiet"])
      .catch(() => {});
    return committed;
  });
}

async function commitWorkspace(
  repository: GitRepository,
  author: Author,
  { workspace, scanner, time = new Date() }: PushOptions,
  progress: Progress,
): Promise<PushedWorkspace> {
  const parent = await repository.tip();
  const before =
    parent === undefined ? new Map<string, TreeEntry>() : await repository.tree(parent);
  const memory = join(repository.folder, "scanned.json");
  const last = await scanned(memory);
  const known = last.scanner === scanner.id ? last.findings : {};
  const pushed = new Set([...before.values()].map(({ blob }) => blob));
  const clean = new Set(last.scanner === scanner.id && last.commit === parent ? pushed : []);

  const root = workspaceRoot(workspace);
  const files = new Map<string, TreeEntry>();
  const result: PushedWorkspace = {
    commit: parent,
    changed: false,
    files: 0,
    secrets: [],
    leftOut: [],
  };
  const findings: Scanned["findings"] = {};
  const stream = new CommitStream(repository);
  try {
    await progress.step("Reading the workspace", async () => {
      const paths = await listWorkspace(repository, root);
      // Names are pushed as well; one by one they are looked at only when there is something among them.
      const inNames = (await scanner.scan(bytes(paths.join("\n")))).length > 0;
      for (const path of paths) {
        const inName = inNames ? await scanner.scan(bytes(path)) : [];
        if (inName.length > 0) {
          const pushedBefore = before.has(path);
          const where = await withoutSecrets(path, scanner);
          result.secrets.push({ path: where, kinds: inName, pushedBefore });
          continue;
        }
        const read = readWorkspaceFile(root, path);
        if ("leftOut" in read) {
          if (read.leftOut !== "nothing") {
            result.leftOut.push({ path: shownPath(path), why: read.leftOut });
          }
          continue;
        }
        const { mode, content } = read;
        const blob = blobName(content);
        const kinds = clean.has(blob) ? [] : (known[blob] ?? (await scanner.scan(content)));
        if (kinds.length > 0) {
          findings[blob] = kinds;
          result.secrets.push({ path: shownPath(path), kinds, pushedBefore: pushed.has(blob) });
          continue;
        }
        // What an older commit has, or another file of this one, is there already.
        if (!clean.has(blob) && !pushed.has(blob)) await stream.file(content);
        clean.add(blob);
        files.set(path, { mode, blob });
      }
    });
    result.files = files.size;
    result.changed = parent === undefined ? files.size > 0 : !same(files, before);
    if (result.changed) {
      const message = `Workspace of ${time.toISOString().slice(0, 10)}\n`;
      const { name, email } = author;
      await stream.commit({ files, parent, author: name, email, time, message });
      result.commit = await repository.tip();
    }
  } finally {
    await stream.abandon();
  }
  const remembered = { scanner: scanner.id, commit: result.commit, findings } satisfies Scanned;
  await writeWhole(memory, `${JSON.stringify(remembered)}\n`, 0o600);
  return result;
}

async function scanned(path: string): Promise<Scanned> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Scanned;
  } catch {
    return { scanner: "", commit: undefined, findings: {} };
  }
}

function blobName(content: Buffer): string {
  return createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
}

function same(a: ReadonlyMap<string, TreeEntry>, b: ReadonlyMap<string, TreeEntry>): boolean {
  if (a.size !== b.size) return false;
  for (const [path, { mode, blob }] of a) {
    const other = b.get(path);
    if (other?.mode !== mode || other.blob !== blob) return false;
  }
  return true;
}

/** A path whose names are secrets themselves, as it may be told. */
async function withoutSecrets(path: string, scanner: SecretScanner): Promise<string> {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    parts.push((await scanner.scan(bytes(part))).length > 0 ? "(a secret)" : shownPath(part));
  }
  return parts.includes("(a secret)") ? parts.join("/") : "(a secret)";
}

function bytes(path: string): Buffer {
  return Buffer.from(path, "latin1");
}

/** For people: what is no text in it, or would end a line, is replaced. */
function shownPath(path: string): string {
  return bytes(path)
    .toString()
    .replace(/\p{Cc}/gu, "?");
}
