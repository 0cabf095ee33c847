/** Progress of long work on standard error: what is being done, for how long, and how it ended. */

/** Receives one line of a step's own output; shown while the step runs, kept for its error message. */
export type Log = (line: string) => void;

export interface Progress {
  /**
   * Runs one named step. Prints its title when it starts and its time when it ends; when it throws, prints
   * the last lines it logged and throws on. Steps may run side by side.
   */
  step<T>(title: string, run: (log: Log) => Promise<T>): Promise<T>;
  /** Prints one line that is not a step: a cache hit, a choice taken, a hint. */
  note(line: string): void;
}

/** Says nothing: for tests and for callers that asked for JSON only. */
export const silent: Progress = {
  step: (_title, run) => run(() => {}),
  note: () => {},
};

const TAIL_LINES = 25;
const STILL_RUNNING_EVERY_MS = 15_000;

/** Writes progress as plain lines, so that it reads the same in a terminal and in a CI log. */
export function lineProgress(
  write: (text: string) => void = (text) => void process.stderr.write(text),
): Progress {
  return {
    note: (line) => write(`  ${line}\n`),
    async step(title, run) {
      const started = Date.now();
      const tail: string[] = [];
      write(`▸ ${title}\n`);
      const reminder = setInterval(() => {
        const last = tail.at(-1);
        write(`  … ${title}: ${seconds(started)}${last ? ` | ${last.slice(0, 100)}` : ""}\n`);
      }, STILL_RUNNING_EVERY_MS);
      reminder.unref();
      try {
        const result = await run((line) => {
          tail.push(line);
          if (tail.length > TAIL_LINES) tail.shift();
        });
        write(`✔ ${title} (${seconds(started)})\n`);
        return result;
      } catch (error) {
        write(`✘ ${title} (${seconds(started)})\n${tail.map((line) => `    ${line}\n`).join("")}`);
        throw error;
      } finally {
        clearInterval(reminder);
      }
    },
  };
}

function seconds(since: number): string {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}
