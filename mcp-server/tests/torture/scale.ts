/** How much of the torture runs: a share in `npm test`, all of it with AIHUB_TORTURE=full. */
export const full = process.env.AIHUB_TORTURE === "full";

export function amount(share: number, whole: number): number {
  return full ? whole : share;
}

/** Says what a run has really done; a count that nobody sees proves nothing. */
export function report(line: string): void {
  process.stderr.write(`  torture: ${line}\n`);
}
