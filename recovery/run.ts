/** Runs programs of the host: no shell, secrets by environment or standard input only. */
import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

export interface RunOptions {
  input?: string | Buffer | Readable;
  /** Beside the process's own. */
  env?: Record<string, string>;
  cwd?: string;
  /** Milliseconds after which it is ended. Default: none. */
  timeout?: number;
}

/** A program that failed: its name, how it ended and its last words. */
export class ProgramError extends Error {
  readonly code: number | null;
  readonly stderr: string;

  constructor(program: string, code: number | null, stderr: string) {
    super(`${program} ended with ${code ?? "a signal"}: ${lastWords(stderr) || "it said nothing"}`);
    this.name = "ProgramError";
    this.code = code;
    this.stderr = stderr;
  }
}

/** Bytes of what a program says that are kept for an error. */
const KEPT = 16_384;

/** @returns its standard output @throws ProgramError */
export async function run(
  program: string,
  args: string[],
  options: RunOptions = {},
): Promise<string> {
  const running = start(program, args, options);
  const chunks: Buffer[] = [];
  running.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  await running.ended;
  return Buffer.concat(chunks).toString();
}

export interface Running {
  stdout: Readable;
  /** Settles when it has ended and its output was read. @throws ProgramError */
  ended: Promise<void>;
  child: ChildProcess;
}

export function start(program: string, args: string[], options: RunOptions = {}): Running {
  const child = spawn(program, args, {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-KEPT);
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", (error) => reject(new ProgramError(program, null, error.message)));
    child.once("close", (code) => {
      if (code === 0) resolve();
      else reject(new ProgramError(program, code, stderr));
    });
  });
  // Who reads the output first must not find the process ended by an error that nobody took yet.
  ended.catch(() => {});
  const { input } = options;
  if (input === undefined || typeof input === "string" || Buffer.isBuffer(input)) {
    // A program that ends before it read everything says why by its exit code.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  } else {
    void pipeline(input, child.stdin).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") child.kill();
    });
  }
  return { stdout: child.stdout, ended, child };
}

function lastWords(text: string): string {
  return text.trim().split("\n").slice(-3).join(" ").slice(-400);
}
