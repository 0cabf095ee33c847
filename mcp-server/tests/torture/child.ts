/** A script of this folder as a process of its own, for what must be killed or must run beside a test. */
import { type ChildProcess, fork } from "node:child_process";

export interface Child<Message> {
  /** What it has sent so far; complete once `ended` has resolved. */
  received: Message[];
  /** Resolves with the first message that fits, past ones included. Rejects when the process ends without one. */
  message(fits: (message: Message) => boolean): Promise<Message>;
  send(message: unknown): void;
  kill(signal?: NodeJS.Signals): void;
  /** Resolves when it has ended and all that it sent has arrived. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

const running = new Set<ChildProcess>();

/** Kills what a failed test has left running; for `afterEach`. */
export async function endAll(): Promise<void> {
  const ends = [...running].map((child) => new Promise((resolve) => child.once("exit", resolve)));
  for (const child of running) child.kill("SIGKILL");
  await Promise.all(ends);
}

export function start<Message>(script: string, ...args: string[]): Child<Message> {
  const child: ChildProcess = fork(new URL(script, import.meta.url), args, {
    execArgv: [],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    // Messages with bytes in them stay bytes.
    serialization: "advanced",
    // Nothing of the test runner's own.
    env: { PATH: process.env.PATH, TMPDIR: process.env.TMPDIR, NODE_ENV: "test" },
  });
  running.add(child);
  child.once("exit", () => running.delete(child));
  const received: Message[] = [];
  const waiting = new Set<(message: Message) => void>();
  child.on("message", (message) => {
    received.push(message as Message);
    for (const look of waiting) look(message as Message);
  });
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.once("exit", (code, signal) => resolve({ code, signal })),
  );
  const drained = new Promise<void>((resolve) => child.once("disconnect", () => resolve()));
  const ended = exited.then(async (how) => {
    await drained;
    return how;
  });
  return {
    received,
    message: (fits) =>
      new Promise((resolve, reject) => {
        const past = received.find(fits);
        if (past !== undefined) return resolve(past);
        const look = (message: Message) => {
          if (!fits(message)) return;
          waiting.delete(look);
          resolve(message);
        };
        waiting.add(look);
        ended.then(({ code, signal }) =>
          reject(new Error(`${script} ended (${code ?? signal}) without the message`)),
        );
      }),
    send: (message) => void child.send(message as object),
    kill: (signal = "SIGKILL") => void child.kill(signal),
    ended,
  };
}
