/**
 * Writes files and a commit into a repository by one `git fast-import`: what was scanned is what is committed, byte for byte,
 * and a stream that is cut off commits nothing.
 */
import { once } from "node:events";
import { PassThrough } from "node:stream";
import type { Running } from "../run.ts";
import { BRANCH, type GitRepository, type TreeEntry } from "./git-repository.ts";

export interface CommitOf {
  /** All files, by path; a path is its bytes as latin1. */
  files: ReadonlyMap<string, TreeEntry>;
  parent: string | undefined;
  author: string;
  email: string;
  time: Date;
  message: string;
}

export class CommitStream {
  readonly #repository: GitRepository;
  #stream: { input: PassThrough; running: Running } | undefined;

  constructor(repository: GitRepository) {
    this.#repository = repository;
  }

  async file(content: Buffer): Promise<void> {
    await this.#write(`blob\ndata ${content.length}\n`);
    await this.#write(content);
    await this.#write("\n");
  }

  /** Ends the stream. @throws ProgramError */
  async commit({ files, parent, author, email, time, message }: CommitOf): Promise<void> {
    const text = Buffer.from(message);
    await this.#write(
      [
        `commit ${BRANCH}`,
        `committer ${author} <${email}> ${Math.floor(time.getTime() / 1000)} +0000`,
        `data ${text.length}\n`,
      ].join("\n"),
    );
    await this.#write(text);
    await this.#write(`\n${parent === undefined ? "" : `from ${parent}\n`}deleteall\n`);
    for (const [path, { mode, blob }] of files) {
      await this.#write(Buffer.from(`M ${mode} ${blob} ${quoted(path)}\n`, "latin1"));
    }
    await this.#write("\ndone\n");
    this.#stream?.input.end();
    await this.#stream?.running.ended;
    this.#stream = undefined;
  }

  /** Forgets what no commit has; nothing happens after `commit`. */
  async abandon(): Promise<void> {
    this.#stream?.running.child.kill();
    await this.#stream?.running.ended.catch(() => {});
    this.#stream = undefined;
  }

  async #write(chunk: string | Buffer): Promise<void> {
    this.#stream ??= this.#open();
    const { input, running } = this.#stream;
    // One that has ended says why by its exit code.
    if (input.destroyed) await running.ended;
    if (!input.write(chunk)) await Promise.race([once(input, "drain"), running.ended]);
  }

  #open(): { input: PassThrough; running: Running } {
    const input = new PassThrough();
    input.on("error", () => {});
    const running = this.#repository.start(
      ["fast-import", "--quiet", "--done", "--date-format=raw"],
      { input },
    );
    running.stdout.resume();
    return { input, running };
  }
}

function quoted(path: string): string {
  return `"${path.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n")}"`;
}
