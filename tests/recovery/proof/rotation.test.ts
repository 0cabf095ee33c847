import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkDueParts, dueParts, PARTS, type Rotation } from "../../../recovery/proof/rotation.ts";

const DAY = 24 * 60 * 60 * 1000;
const start = Date.parse("2026-11-01T02:00:00Z");
const sound = { check: async () => ({ ok: true, messages: [] }) };

/** Runs at the given times; gives when each part was read. */
async function runs(times: number[]) {
  let rotation: Rotation | undefined;
  const read: { time: number; parts: number[] }[] = [];
  for (const time of times) {
    const done = await checkDueParts(sound, rotation, new Date(time));
    rotation = done.rotation;
    read.push({ time, parts: done.checked });
  }
  return read;
}

describe("the rotation", () => {
  it("reads a part a night, and all in seven", async () => {
    const nights = await runs(Array.from({ length: 7 }, (_, n) => start + n * DAY));
    expect(nights.map(({ parts }) => parts)).toEqual([[1], [2], [3], [4], [5], [6], [1, 7]]);
  });

  it("has read all parts within any seven days, also when nights are missed and hours vary", async () => {
    await fc.assert(
      fc.asyncProperty(
        // After a night that is missed, at least six that are not.
        fc.array(
          fc.tuple(fc.integer({ min: 6, max: 12 }), fc.array(fc.integer({ min: 0, max: 240 }))),
          {
            minLength: 1,
            maxLength: 6,
          },
        ),
        async (stretches) => {
          const times: number[] = [];
          let night = 0;
          for (const [length, minutes] of stretches) {
            for (let n = 0; n < length; n++) {
              times.push(start + night++ * DAY + (minutes[n] ?? 0) * 60_000);
            }
            night++;
          }
          const read = await runs(times);
          const last = new Map<number, number>();
          for (const { time, parts } of read) {
            for (const part of parts) last.set(part, time);
            if (time - start < 8 * DAY) continue;
            for (let part = 1; part <= PARTS; part++) {
              // A night that is missed may fall on the last day, and hours vary by four.
              expect(time - (last.get(part) ?? 0)).toBeLessThan(7 * DAY + 4 * 60 * 60_000);
            }
          }
          // And no night reads everything.
          const most = Math.max(...read.map(({ parts }) => parts.length));
          expect(most).toBeLessThanOrEqual(3);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("starts with one part, and with one whose time lies ahead of the clock", () => {
    expect(dueParts(undefined, new Date(start))).toEqual([1]);
    const since = new Date(start).toISOString();
    const done = Object.fromEntries(Array.from({ length: 7 }, (_, n) => [n + 1, since]));
    const ahead = { since, done: { ...done, 4: new Date(start + 30 * DAY).toISOString() } };
    expect(dueParts(ahead, new Date(start + DAY))).toEqual([4]);
  });

  it("catches up after a month without a run", () => {
    const since = new Date(start).toISOString();
    expect(dueParts({ since, done: { 1: since } }, new Date(start + 30 * DAY))).toHaveLength(7);
  });

  it.each([
    [
      "damage",
      async () => ({ ok: false, messages: ["Fatal", "pack 1f2e contains 1 errors"] }),
      "The repository is damaged: pack 1f2e contains 1 errors",
    ],
    [
      "a place that is away",
      async () => {
        throw new Error("no route to host\nmore");
      },
      "The repository cannot be checked: no route to host",
    ],
  ])("stops at %s, tells it, and reads the part again", async (_, fault, what) => {
    const asked: string[] = [];
    const faulty = {
      async check({ subset }: { subset: string }) {
        asked.push(subset);
        return subset === "2/7" ? fault() : sound.check();
      },
    };
    const since = new Date(start).toISOString();
    const night = new Date(start + 30 * DAY);
    const first = await checkDueParts(faulty, { since, done: {} }, night);
    expect(first.problem).toMatchObject({ what, where: "part 2/7 of its data" });
    expect(asked).toEqual(["1/7", "2/7"]);
    expect(first.checked).toEqual([1]);
    expect(dueParts(first.rotation, night)).toEqual([2, 3, 4, 5, 6, 7]);
  });

  it("hands out what was read before the next part is begun", async () => {
    const since = new Date(start).toISOString();
    const night = new Date(start + 30 * DAY);
    let kept: Rotation | undefined;
    const killed = {
      async check({ subset }: { subset: string }) {
        if (subset !== "3/7") return sound.check();
        throw new Error("killed");
      },
    };
    await checkDueParts(killed, { since, done: {} }, night, async (rotation) => {
      kept = structuredClone(rotation);
    });
    expect(dueParts(kept, night)).toEqual([3, 4, 5, 6, 7]);
  });
});
