/**
 * Walks over many files, in worker threads: whoever reads or writes meanwhile does not wait for them. A walk ends with its call,
 * also in the middle of a regular expression that goes on for ever.
 */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { ToolError } from "../tools/tool-error.ts";
import { cancel, newControl, stepsOf } from "./interrupt.ts";

import { merge, type SearchAnswer } from "./merge.ts";
import type { SearchQuery } from "./search.ts";
import type { Job, Kind, kinds, Told } from "./worker.ts";

export type Report = (steps: number) => void;

type Query<K extends Kind> = Parameters<(typeof kinds)[K]>[1];
type Answer<K extends Kind> = ReturnType<(typeof kinds)[K]>;

/** Milliseconds: time of one answer, how long one file may take, how long an idle worker stays. */
const ANSWER = 10_000;
const STANDSTILL = 5_000;
const IDLE = 60_000;
/** How soon a cancelled walk must have noticed. */
const NOTICE = 500;
const MOST_WAITING = 200;
const WORKERS = Math.max(2, Math.min(4, availableParallelism()));

interface Waiting {
  job: Job;
  signal: AbortSignal | undefined;
  report: Report | undefined;
  settle: (told: Told) => void;
  fail: (error: unknown) => void;
}

export class Walks {
  readonly #root: string;
  readonly #idle: Thread[] = [];
  readonly #busy = new Set<Thread>();
  readonly #waiting: Waiting[] = [];
  #closed = false;

  /** `root`: the workspace, absolute and without links. Threads start when they are needed. */
  constructor(root: string) {
    this.#root = root;
  }

  find(query: Query<"find">, signal?: AbortSignal, report?: Report): Promise<Answer<"find">> {
    return this.#do("find", query, signal, report);
  }

  /** By as many threads as have nothing else to do. */
  async search(query: SearchQuery, signal?: AbortSignal, report?: Report): Promise<SearchAnswer> {
    const shares = Math.max(1, Math.min(availableParallelism(), this.#free()));
    if (shares === 1) {
      const only = { ...query, share: 0, shares };
      return merge([await this.#do("search", only, signal, report)], query.limit);
    }
    // When one of them fails, the others need not go on.
    const failure = new AbortController();
    const either = signal ? AbortSignal.any([signal, failure.signal]) : failure.signal;
    const searched = Array.from({ length: shares }, (_none, share) =>
      this.#do("search", { ...query, share, shares }, either, share === 0 ? report : undefined),
    );
    try {
      return merge(await Promise.all(searched), query.limit);
    } catch (error) {
      failure.abort(error);
      throw error;
    }
  }

  tree(query: Query<"tree">, signal?: AbortSignal, report?: Report): Promise<Answer<"tree">> {
    return this.#do("tree", query, signal, report);
  }

  list(query: Query<"list">, signal?: AbortSignal): Promise<Answer<"list">> {
    return this.#do("list", query, signal);
  }

  /** Ends all threads; what they were doing fails. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { fail } of this.#waiting.splice(0)) fail(stopping());
    await Promise.all([...this.#idle, ...this.#busy].map((thread) => thread.end(stopping())));
  }

  #do<K extends Kind>(
    kind: K,
    query: Query<K>,
    signal?: AbortSignal,
    report?: Report,
  ): Promise<Answer<K>> {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw stopping();
      signal?.throwIfAborted();
      if (this.#waiting.length >= MOST_WAITING) {
        throw new ToolError(
          `${MOST_WAITING} searches are waiting already. Try again in some seconds.`,
        );
      }
      this.#waiting.push({
        job: {
          kind,
          query,
          control: newControl(),
          milliseconds: ANSWER,
          progress: report !== undefined,
        },
        signal,
        report,
        fail: reject,
        settle(told) {
          if (told.told === "answer") resolve(told.answer as Answer<K>);
          else if (told.told === "error") reject(errorOf(told, signal));
        },
      });
      this.#next();
    });
  }

  #free(): number {
    return this.#waiting.length > 0 ? 0 : WORKERS - this.#busy.size;
  }

  #next(): void {
    while (this.#waiting.length > 0) {
      if (this.#idle.length === 0 && this.#busy.size >= WORKERS) return;
      const waiting = this.#waiting.shift() as Waiting;
      if (waiting.signal?.aborted) {
        waiting.fail(waiting.signal.reason);
        continue;
      }
      const thread = this.#idle.pop() ?? new Thread(this.#root, (one) => this.#gone(one));
      this.#busy.add(thread);
      thread.run(waiting, () => {
        this.#busy.delete(thread);
        this.#idle.push(thread);
        this.#next();
      });
    }
  }

  #gone(thread: Thread): void {
    this.#busy.delete(thread);
    const at = this.#idle.indexOf(thread);
    if (at >= 0) this.#idle.splice(at, 1);
    if (!this.#closed) this.#next();
  }
}

/** One worker thread; does one job at a time. */
class Thread {
  readonly #worker: Worker;
  readonly #gone: (thread: Thread) => void;
  #job: Waiting | undefined;
  #done: () => void = () => {};
  #why: unknown;
  #watching: NodeJS.Timeout | undefined;
  #rest: NodeJS.Timeout | undefined;

  constructor(root: string, gone: (thread: Thread) => void) {
    this.#gone = gone;
    this.#worker = new Worker(entry(), {
      workerData: root,
      resourceLimits: { maxOldGenerationSizeMb: 512 },
    });
    // The server ends when it has nothing else to do.
    this.#worker.unref();
    this.#worker.on("message", (told: Told) => this.#told(told));
    this.#worker.on("error", (error) => {
      this.#why ??= error;
    });
    this.#worker.once("exit", () => {
      this.#job?.fail(this.#why ?? stopping());
      this.#job = undefined;
      clearTimeout(this.#rest);
      clearInterval(this.#watching);
      this.#gone(this);
    });
  }

  run(waiting: Waiting, done: () => void): void {
    clearTimeout(this.#rest);
    this.#worker.ref();
    this.#job = waiting;
    const { job, signal } = waiting;
    this.#watching = this.#watch(waiting);
    const giveUp = () => {
      cancel(job.control);
      setTimeout(() => {
        if (this.#job === waiting) void this.end(signal?.reason);
      }, NOTICE).unref();
    };
    signal?.addEventListener("abort", giveUp, { once: true });
    this.#done = () => {
      clearInterval(this.#watching);
      signal?.removeEventListener("abort", giveUp);
      done();
    };
    this.#worker.postMessage(job);
  }

  async end(why: unknown): Promise<void> {
    this.#why ??= why;
    await this.#worker.terminate();
  }

  #told(told: Told): void {
    const job = this.#job;
    if (!job) return;
    if (told.told === "progress") {
      job.report?.(told.steps);
      return;
    }
    this.#job = undefined;
    this.#worker.unref();
    this.#rest = setTimeout(() => void this.end(undefined), IDLE);
    this.#rest.unref();
    job.settle(told);
    this.#done();
  }

  /** Ends the thread when it does not get past one file. */
  #watch({ job }: Waiting): NodeJS.Timeout {
    let seen = -1;
    return setInterval(() => {
      const steps = stepsOf(job.control);
      if (steps === seen) {
        void this.end(
          new ToolError(
            "One file took more than 5 seconds. A regular expression with nested repetitions, such as (a+)+, goes back too often: simplify it, or look for plain text.",
          ),
        );
      }
      seen = steps;
    }, STANDSTILL).unref();
  }
}

/** What a worker thread starts from: the file that holds everything, or the entry of the sources. */
function entry(): URL {
  const here = new URL(import.meta.url);
  return here.pathname.endsWith("/walks.ts") ? new URL("../main.ts", here) : here;
}

function errorOf(told: Extract<Told, { told: "error" }>, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason;
  if (told.tool) return new ToolError(told.message);
  const { code, stack } = told;
  return Object.assign(new Error(told.message), code && { code }, stack && { stack });
}

function stopping(): ToolError {
  return new ToolError("The server is stopping. Try again when it is back.");
}
