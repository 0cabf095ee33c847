/**
 * Which part of the repository's data is to be read and checked. A seventh at a time, and all of it within seven days also
 * when a night is missed: a part is due again in the sixth night.
 */
import type { Problem } from "./problem.ts";

export const PARTS = 7;
const DAY = 24 * 60 * 60 * 1000;
/** A night may come some hours early. */
const DUE_AFTER = 5.5 * DAY;

/** Kept between runs. */
export interface Rotation {
  /** ISO 8601: the first run. */
  since: string;
  /** When each part was last read without a fault: `{"1": "2026-11-25T02:00:00Z"}`. */
  done: Record<string, string>;
}

/** Parts from 1 to 7 that are due, the longest unread first; at least one, so that those read together come apart again. */
export function dueParts(rotation: Rotation | undefined, now: Date): number[] {
  const since = Date.parse(rotation?.since ?? now.toISOString());
  const parts = Array.from({ length: PARTS }, (_, index) => {
    const done = Date.parse(rotation?.done[index + 1] ?? "");
    // Of those never read, each is taken to be a day less old than the one before.
    const last = Number.isNaN(done) ? since - (PARTS - 1 - index) * DAY : done;
    const age = now.getTime() - last;
    // A time that lies ahead was written by a wrong clock.
    return { part: index + 1, age: age < 0 ? Number.POSITIVE_INFINITY : age };
  }).toSorted((a, b) => b.age - a.age);
  const due = parts.filter(({ age }) => age >= DUE_AFTER);
  return (due.length > 0 ? due : parts.slice(0, 1)).map(({ part }) => part);
}

export interface CheckedRepository {
  /** Rejects when nothing could be checked; damage is a result. */
  check(options: {
    subset: `${number}/${number}`;
  }): Promise<{ ok: boolean; messages: readonly string[] }>;
}

/**
 * Reads what is due, up to the first fault. A part with a fault stays due. `onPart` gets the rotation after each part, so that
 * a run that is killed in the next one has not read for nothing.
 */
export async function checkDueParts(
  repository: CheckedRepository,
  rotation: Rotation | undefined,
  now: Date,
  onPart: (rotation: Rotation) => Promise<void> = async () => {},
): Promise<{ rotation: Rotation; checked: number[]; problem?: Problem }> {
  const next: Rotation = {
    since: rotation?.since ?? now.toISOString(),
    done: { ...rotation?.done },
  };
  const checked: number[] = [];
  for (const part of dueParts(rotation, now)) {
    const subset = `${part}/${PARTS}` as const;
    const problem = await problemIn(repository, subset);
    if (problem) return { rotation: next, checked, problem };
    next.done[part] = now.toISOString();
    checked.push(part);
    await onPart(next);
  }
  return { rotation: next, checked };
}

async function problemIn(
  repository: CheckedRepository,
  subset: `${number}/${number}`,
): Promise<Problem | undefined> {
  const where = `part ${subset} of its data`;
  try {
    const { ok, messages } = await repository.check({ subset });
    if (ok) return undefined;
    return {
      what: `The repository is damaged: ${messages.at(-1) ?? "restic gives no details"}`,
      where,
      fix: 'Keep the second copy, if there is one, and mend it as docs/recovery.md says under "A damaged repository".',
    };
  } catch (error) {
    return {
      what: `The repository cannot be checked: ${(error as Error).message.split("\n")[0]}`,
      where,
      fix: "It is tried again the next night; see that its place is there and lets this hub in: npm run hub -- points.",
    };
  }
}
