/** Takes changes back: one, or everything that one chat did. */
import { ToolError } from "../tools/tool-error.ts";
import type { Change } from "../workspace/change.ts";
import { numberFrom } from "./cursor.ts";
import type { History } from "./history.ts";
import type { Journal, StepRecord } from "./journal.ts";
import type { Position, Records } from "./records.ts";

const PAGE = 100;
const START: Position = { change: Number.MAX_SAFE_INTEGER, number: 0 };

export class Undo {
  readonly #records: Records;
  readonly #history: History;

  constructor({ records }: Journal, history: History) {
    this.#records = records;
    this.#history = history;
  }

  /**
   * Stages the undoing of one change, or of everything that one chat did, newest first. Throws ToolError that lists what
   * somebody else has changed since, or what is no longer kept.
   */
  stage(change: Change, what: { change: string } | { chat: string }): { paths: string[] } {
    const steps =
      "chat" in what
        ? this.#records.chat(what.chat)
        : this.#records.change(numberFrom(what.change));
    if (steps.length === 0) {
      throw new ToolError(
        "chat" in what
          ? `The history knows nothing that chat "${what.chat}" has changed.`
          : `There is no change "${what.change}". history shows the changes.`,
      );
    }
    const conflicts: string[] = [];
    const undone = new Set(steps.map((step) => step.change.id));
    for (const step of steps) {
      const conflict = this.#stageOne(step, change, undone);
      if (conflict !== undefined) conflicts.push(conflict);
    }
    if (conflicts.length > 0) {
      const shown = [...new Set(conflicts)].slice(0, 20);
      throw new ToolError(
        `Nothing was undone, since others have changed the same: ${shown.join("; ")}. Undo their changes first, or restore single files by path and version.`,
      );
    }
    return { paths: [...new Set(steps.map((step) => step.path))] };
  }

  /** Returns what stands in the way, if anything does. */
  #stageOne(step: StepRecord, change: Change, undone: Set<number>): string | undefined {
    const { path } = step;
    if (step.op === "delete") {
      if (change.kind(path) !== "absent") return `"${path}" is there again`;
      if (step.before !== undefined) {
        change.write(path, this.#history.kept(step.before), { parents: true, ...modeOption(step) });
      } else if (step.trash !== undefined) change.restore(path, step.trash);
      return undefined;
    }
    if (step.op === "make_directory") {
      // What others have put into it keeps it.
      if (change.kind(path) === "folder" && change.isEmpty(path)) change.trash(path);
      return undefined;
    }
    const conflict = this.#conflict(step, change, undone);
    if (conflict !== undefined) return `"${path}" ${conflict}`;
    switch (step.op) {
      case "write":
        if (step.before !== undefined)
          change.write(path, this.#history.kept(step.before), modeOption(step));
        else {
          change.trash(path);
          if (step.trash !== undefined) change.restore(path, step.trash);
        }
        return undefined;
      case "move":
        if (change.kind(step.from as string) !== "absent") return `"${step.from}" is there again`;
        change.move(path, step.from as string);
        return undefined;
      case "restore":
        change.trash(path);
        return undefined;
    }
  }

  /** Why what is at a step's path now is not what the step has put there. */
  #conflict(step: StepRecord, change: Change, undone: Set<number>): string | undefined {
    const { path, after } = step;
    const kind = change.kind(path);
    if (kind === "absent" || (step.op === "write" && kind !== "file")) return "is no longer there";
    if (after !== undefined) {
      return contentAt(change, path) === after
        ? undefined
        : (this.#changedBy(step, undone) ?? "was changed outside the server");
    }
    // Without a hash, what the history knows decides.
    return this.#changedBy(step, undone);
  }

  /** Who else has changed what a step has put somewhere, or for a folder that came back, something in it. */
  #changedBy({ op, path, change: since }: StepRecord, undone: Set<number>): string | undefined {
    const steps =
      op === "restore"
        ? this.#records.recent(path, START, PAGE)
        : this.#records.at([path], START, PAGE);
    const other = steps.find(({ change }) => change.id > since.id && !undone.has(change.id));
    if (!other) return undefined;
    const { token, user, tool, time } = other.change;
    return `was changed by ${user ?? token} with ${tool} at ${new Date(time).toISOString()}`;
  }
}

/** Hash of a file as the change leaves it; undefined when it is none, or has grown too large for one. */
function contentAt(change: Change, path: string): string | undefined {
  try {
    return change.kind(path) === "file" ? change.read(path)?.etag : undefined;
  } catch (error) {
    if (error instanceof ToolError) return undefined;
    throw error;
  }
}

function modeOption(step: StepRecord): { mode?: number } {
  return step.beforeMode === undefined ? {} : { mode: step.beforeMode };
}
