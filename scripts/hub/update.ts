/** Runs an operation of the engine so that a signal ends it in good order: what is in flight is finished and kept. */
import { UserError } from "../../hub/user-error.ts";
import { EventLines } from "./events.ts";
import { explain } from "./explain.ts";
import type { OpenStack } from "./stack.ts";

type Operation = (options: { onEvent: EventLines["on"]; signal: AbortSignal }) => Promise<unknown>;

/** @throws UserError with the engine's errors and how to go on */
export async function runOperation(open: OpenStack, operation: Operation): Promise<EventLines> {
  const lines = new EventLines((line) => open.progress.note(line.trimStart()));
  const abort = new AbortController();
  let signals = 0;
  const stop = (signal: NodeJS.Signals) => {
    signals += 1;
    if (signals === 1) {
      open.progress.note("stopping: what is in flight is finished first; once more ends at once");
    }
    // A terminal has sent Ctrl-C to the engine as well; twice would make it drop what it is doing.
    if (signal !== "SIGINT" || signals > 1) abort.abort();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  process.on("SIGHUP", stop);
  try {
    await operation({ onEvent: lines.on, signal: abort.signal });
    return lines;
  } catch (error) {
    const errors = lines.errors.filter((line) => !/^(update|preview|destroy) failed$/.test(line));
    if (signals > 0) {
      throw new UserError("Stopped on request. Run again: it goes on from here.");
    }
    throw new UserError(
      errors.length > 0
        ? `${errors.join("\n\n")}\n\n  Nothing is lost: correct it and run again, it goes on from here.`
        : explain(error, open.stack.name),
    );
  } finally {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
    process.off("SIGHUP", stop);
  }
}
