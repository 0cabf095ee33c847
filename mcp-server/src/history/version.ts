/** What the history says of one state of a file. */
import type { StateFolder } from "../workspace/state-folder.ts";
import type { Operation, StepRecord } from "./journal.ts";

/** One state of a file, and how it came to be. */
export interface Version {
  /** Names it for `content`. */
  version: string;
  /** Change that made it, for `Undo.stage`; missing for what was made outside the server. */
  change?: string;
  /** ISO 8601. */
  time: string;
  /** "outside": the file was found changed by another program. */
  op: Operation | "outside";
  /** Workspace-relative; what the file was called then. */
  path: string;
  /** move: what it was called before. */
  from?: string;
  tool?: string;
  token?: string;
  user?: string;
  chat?: string;
  message?: string;
  reason?: string;
  etag?: string;
  /** Bytes. */
  size?: number;
  /** Whether its content is still kept. */
  available: boolean;
}

/** What a step made of a path: its own, or one below. @param present hash of what is in the file now, which needs no copy */
export function recordedVersion(
  state: StateFolder,
  step: StepRecord,
  path = step.path,
  present?: string,
): Version {
  const { id, time, ...who } = step.change;
  const whole = step.path === path;
  return {
    version: String(id),
    change: String(id),
    time: new Date(time).toISOString(),
    op: step.op,
    path: whole || step.op !== "move" ? path : step.path,
    ...(step.from === undefined ? {} : { from: step.from }),
    ...who,
    ...(whole && step.after !== undefined ? { etag: step.after } : {}),
    ...(whole && step.size !== undefined ? { size: step.size } : {}),
    available:
      whole && step.after !== undefined && (step.after === present || state.has(step.after)),
  };
}

/** What another program made of a path, as long as nothing is known of its content. */
export function outsideVersion(version: string, path: string, time: number): Version {
  return { version, time: new Date(time).toISOString(), op: "outside", path, available: false };
}
