/** One verb of the recovery program. */
export interface RecoveryVerb {
  summary: string;
  options?: Record<string, { type: "boolean" | "string" }>;
  /** Seconds that it waits for another run to end; unset: it needs no lock, for it changes nothing but what is told. */
  lockSeconds?: number;
  /** @returns the exit code */
  run(values: Record<string, string | boolean | undefined>, positionals: string[]): Promise<number>;
}

/** The answer of a verb, on standard output: for programs, or for people. */
export function answer(json: unknown, text: string, asJson: boolean): void {
  process.stdout.write(asJson ? `${JSON.stringify(json, null, 2)}\n` : text);
}
