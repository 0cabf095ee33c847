/** Takes changes back: one, or everything that one chat did. */
import { ToolError } from "../tools/tool-error.ts";
import type { Change } from "../workspace/change.ts";
import { type History, numberFrom } from "./history.ts";
import type { ChangeRecord, Journal, Position, StepRecord } from "./journal.ts";

const PAGE = 100;
const START: Position = { change: Number.MAX_SAFE_INTEGER, number: 0 };

export class Undo {
  readonly #journal: Journal;
  readonly #history: History;

  constructor(journal: Journal, history: History) {
    this.#journal = journal;
    this.#history = history;
  }

  /**
   * Stages the undoing of one change, or of everything that one chat did, newest first. Throws ToolError that lists what
   * somebody else has changed since, or what is no longer kept.
   */
  stage(change: Change, what: { change: string } | { chat: string }): { paths: string[] } {
    const steps =
      "chat" in what
        ? this.#journal.chat(what.chat)
        : this.#journal.change(numberFrom(what.change));
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
    switch (step.op) {
      case "write": {
        const kind = change.kind(path);
        if (kind !== "file") return `"${path}" is no longer there`;
        if (step.after !== undefined && change.read(path)?.etag !== step.after)
          return `"${path}" ${this.#changedBy(path, step.change, undone)}`;
        if (step.before !== undefined)
          change.write(path, this.#history.kept(step.before), modeOption(step));
        else {
          change.trash(path);
          if (step.trash !== undefined) change.restore(path, step.trash);
        }
        return undefined;
      }
      case "delete":
        if (change.kind(path) !== "absent") return `"${path}" is there again`;
        if (step.before !== undefined) {
          change.write(path, this.#history.kept(step.before), {
            parents: true,
            ...modeOption(step),
          });
        } else if (step.trash !== undefined) change.restore(path, step.trash);
        return undefined;
      case "move":
        if (change.kind(path) === "absent") return `"${path}" is no longer there`;
        if (change.kind(step.from as string) !== "absent") return `"${step.from}" is there again`;
        change.move(path, step.from as string);
        return undefined;
      case "restore":
        if (change.kind(path) === "absent") return `"${path}" is no longer there`;
        change.trash(path);
        return undefined;
      case "make_directory":
        // What others have put into it keeps it.
        if (change.kind(path) === "folder" && change.isEmpty(path)) change.trash(path);
        return undefined;
    }
  }

  #changedBy(path: string, since: ChangeRecord, undone: Set<number>): string {
    const other = this.#journal
      .at([path], START, PAGE)
      .find(({ change }) => change.id > since.id && !undone.has(change.id));
    if (!other) return "was changed outside the server";
    const { token, user, tool, time } = other.change;
    return `was changed by ${user ?? token} with ${tool} at ${new Date(time).toISOString()}`;
  }
}

function modeOption(step: StepRecord): { mode?: number } {
  return step.beforeMode === undefined ? {} : { mode: step.beforeMode };
}
