/**
 * The bare repository of the workspace's history, worked on by the host's git. Nothing of the host's or of the workspace's
 * git configuration counts, and no program that a repository names is run.
 */
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Running, type RunOptions, start } from "../run.ts";

export const BRANCH = "refs/heads/main";

/** Bytes above which a file is neither compressed against others nor held in memory by git. */
const STREAMED = "16m";

const CONFIG = [
  ...["core.hooksPath=/dev/null", "core.fsync=all", `core.bigFileThreshold=${STREAMED}`],
  ...["gc.auto=0", "pack.threads=1", "pack.windowMemory=64m", "protocol.allow=never"],
  ...["protocol.ssh.allow=always", "transfer.credentialsInUrl=die"],
].flatMap((setting) => ["-c", setting]);

export interface TreeEntry {
  mode: string;
  /** Object name of the content. */
  blob: string;
}

export class GitRepository {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * Makes it, or makes it whole: what a kill left locked is free, what cannot be read is begun anew.
   * Nobody else may be at work in it.
   */
  async prepare(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    await this.#unlock();
    try {
      await this.#init();
      const tip = await this.tip();
      if (tip !== undefined) await this.tree(tip);
    } catch (error) {
      if ((error as Error).message.includes("ENOENT")) throw error;
      await rm(this.folder, { recursive: true, force: true });
      await mkdir(this.folder, { mode: 0o700 });
      await this.#init();
    }
  }

  /** @returns what it said, byte for byte, as latin1 @throws ProgramError */
  async git(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const running = this.start(args, options);
    const chunks: Buffer[] = [];
    running.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    await running.ended;
    return Buffer.concat(chunks).toString("latin1");
  }

  start(args: readonly string[], options: RunOptions = {}): Running {
    return start("git", [...CONFIG, ...args], {
      cwd: this.folder,
      ...options,
      env: {
        GIT_DIR: this.folder,
        GIT_CONFIG_GLOBAL: "/dev/null",
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_TERMINAL_PROMPT: "0",
        LC_ALL: "C",
        ...options.env,
      },
    });
  }

  /** The newest commit; undefined when there is none. */
  async tip(): Promise<string | undefined> {
    const found = await this.git(["for-each-ref", "--format=%(objectname)", BRANCH]);
    return found.trim() || undefined;
  }

  /** Whether this commit is here, without asking anybody. */
  async has(commit: string): Promise<boolean> {
    return this.#holds(["cat-file", "-e", `${commit}^{commit}`]);
  }

  async isAncestor(older: string, newer: string): Promise<boolean> {
    return this.#holds(["merge-base", "--is-ancestor", older, newer]);
  }

  /** All files of a commit, by path; a path is its bytes as latin1. */
  async tree(commit: string): Promise<Map<string, TreeEntry>> {
    const listed = await this.git(["ls-tree", "-r", "-z", "--full-tree", commit]);
    const files = new Map<string, TreeEntry>();
    for (const line of listed.split("\0")) {
      const tab = line.indexOf("\t");
      const [mode, , blob] = line.slice(0, tab).split(" ");
      if (mode && blob) files.set(line.slice(tab + 1), { mode, blob });
    }
    return files;
  }

  async #holds(args: readonly string[]): Promise<boolean> {
    return this.git(args).then(
      () => true,
      () => false,
    );
  }

  async #init(): Promise<void> {
    await this.git([
      ...["init", "--quiet", "--bare", "--template=", "--initial-branch=main"],
      ...["--object-format=sha1", this.folder],
    ]);
  }

  async #unlock(): Promise<void> {
    const left = await readdir(this.folder, { recursive: true });
    for (const name of left) {
      // Crash reports of an import and packs that were being written as well.
      if (/(?:^|\/)(?:[^/]+\.lock|tmp_[^/]+|fast_import_crash_\d+)$/.test(name)) {
        await rm(join(this.folder, name), { force: true });
      }
    }
  }
}
