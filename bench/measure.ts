/** Measures several things side by side: round by round, in turn, so that a noisy neighbour hits all of them alike. */

/** Does one call; throws when it did not succeed. */
export type Work = (turn: number) => Promise<unknown> | unknown;

export interface Contender {
  name: string;
  /** One for each call that runs at a time. */
  workers: Work[];
}

export interface Figure {
  name: string;
  /** Median over the rounds. */
  perSecond: number;
  /** Milliseconds: median of the rounds' medians, and worst of the rounds' 99th percentiles. */
  p50: number;
  p99: number;
  /** Of this to the first contender, in calls a second: median of the rounds' ratios. */
  ratio: number;
}

export interface MeasureOptions {
  rounds: number;
  /** Milliseconds that each contender gets in each round; one call at least. */
  slice: number;
}

/** The first contender is the one that the others are compared with. */
export async function measure(
  contenders: readonly Contender[],
  { rounds, slice }: MeasureOptions,
): Promise<Figure[]> {
  const results = contenders.map(() => [] as Round[]);
  for (const { workers } of contenders) await runRound(workers, slice / 4);
  for (let round = 0; round < rounds; round++) {
    // Who comes first changes, so that none always follows the same one.
    for (let turn = 0; turn < contenders.length; turn++) {
      const index = (turn + round) % contenders.length;
      const contender = contenders[index] as Contender;
      results[index]?.push(await runRound(contender.workers, slice));
    }
  }
  const first = results[0] as Round[];
  return contenders.map(({ name }, index) => {
    const rounds = results[index] as Round[];
    return {
      name,
      perSecond: median(rounds.map((round) => round.perSecond)),
      p50: median(rounds.map((round) => round.p50)),
      p99: Math.max(...rounds.map((round) => round.p99)),
      ratio: median(rounds.map((one, at) => one.perSecond / (first[at] as Round).perSecond)),
    };
  });
}

interface Round {
  perSecond: number;
  p50: number;
  p99: number;
}

let turns = 0;

async function runRound(workers: readonly Work[], slice: number): Promise<Round> {
  const times: number[] = [];
  const started = performance.now();
  const end = started + slice;
  await Promise.all(
    workers.map(async (work) => {
      let now = performance.now();
      do {
        await work(turns++);
        const done = performance.now();
        times.push(done - now);
        now = done;
      } while (now < end);
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  times.sort((a, b) => a - b);
  const at = (share: number) =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] as number;
  return { perSecond: times.length / seconds, p50: at(0.5), p99: at(0.99) };
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
