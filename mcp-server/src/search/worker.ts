/** The worker thread's side of walks: does one job at a time and tells how it went. */
import { parentPort, workerData } from "node:worker_threads";
import { explain, ToolError } from "../tools/tool-error.ts";
import { Confinement } from "../workspace/confinement.ts";
import { find } from "./find.ts";
import { type Control, interruptBy } from "./interrupt.ts";
import { list } from "./list.ts";
import { search } from "./search.ts";
import { tree } from "./tree.ts";

/** What a worker can be asked to do. */
export const kinds = { find, list, search, tree } as const;
export type Kind = keyof typeof kinds;

export interface Job {
  kind: Kind;
  query: unknown;
  control: Control;
  /** Time of one answer, milliseconds; what is not done then is left to the next page. */
  milliseconds: number;
  /** Whether somebody wants to hear how far it is. */
  progress: boolean;
}

export type Told =
  | { told: "progress"; steps: number }
  | { told: "answer"; answer: unknown }
  | { told: "error"; message: string; code?: string; stack?: string; tool: boolean };

/** Milliseconds between two reports of progress. */
const REPORT_EVERY = 250;

/** Serves the workspace that `workerData` names until the thread is ended. */
export function serveWalks(): void {
  const files = new Confinement(workerData as string);
  const tell = (told: Told) => parentPort?.postMessage(told);
  parentPort?.on("message", ({ kind, query, control, milliseconds, progress }: Job) => {
    let reported = performance.now();
    const report = (steps: number) => {
      if (performance.now() - reported < REPORT_EVERY) return;
      reported = performance.now();
      tell({ told: "progress", steps });
    };
    const interrupt = interruptBy(control, milliseconds, progress ? report : undefined);
    const act = kinds[kind] as (
      files: Confinement,
      query: unknown,
      by: typeof interrupt,
    ) => unknown;
    try {
      tell({ told: "answer", answer: act(files, query, interrupt) });
    } catch (error) {
      tell(described(error as NodeJS.ErrnoException));
    }
  });
}

function described(error: NodeJS.ErrnoException): Told {
  const { message, code, stack } = error;
  const tool = error instanceof ToolError;
  const defect = explain(error, "") === undefined && error.name !== "AbortError";
  return {
    told: "error",
    message,
    tool,
    ...(code === undefined ? {} : { code }),
    ...(defect && stack !== undefined ? { stack } : {}),
  };
}
