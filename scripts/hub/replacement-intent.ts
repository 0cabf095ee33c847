/** The replacement that was agreed to and made safe: a file of this machine, so that a killed act goes on here. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { localState } from "./local-state.ts";
import type { OpenStack } from "./stack.ts";

export interface Intent {
  generation: number;
  /** ISO time at which it was agreed to. */
  time: string;
}

/** For as long the evidence and the recovery point of an intent are as good as new ones. */
const YOUNG_MS = 3_600_000;

/**
 * @returns the generation of a replacement that goes on unasked, without a look at the backups and without a new recovery
 * point. One that failed before it touched the host does so for an hour only: the hub has gone on since, and its point is not
 * of the present any more. Where the host is gone there is nothing left to make safe.
 */
export function goesOnUnasked(
  intent: Intent | undefined,
  { hostGone, now }: { hostGone: boolean; now: number },
): number | undefined {
  if (intent === undefined) return undefined;
  const age = now - Date.parse(intent.time);
  return hostGone || (age >= 0 && age < YOUNG_MS) ? intent.generation : undefined;
}

export class IntentFile {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  static async of(open: Pick<OpenStack, "stack" | "instance">): Promise<IntentFile> {
    return new IntentFile(join(await localState(open), "replacement.json"));
  }

  /** Undefined: there is none. */
  async read(): Promise<Intent | undefined> {
    try {
      return JSON.parse(await readFile(this.#path, "utf8")) as Intent;
    } catch {
      return undefined;
    }
  }

  async write(generation: number): Promise<void> {
    const intent: Intent = { generation, time: new Date().toISOString() };
    await writeFile(this.#path, `${JSON.stringify(intent)}\n`, { mode: 0o600 });
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true });
  }
}
