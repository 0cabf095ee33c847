/** Letters drawn at random, as RandomPassword and RandomString take their wishes. */
import { randomInt } from "node:crypto";
import { z } from "zod";
import type { Resource } from "../resource.ts";

export const inputs = z.strictObject({
  keepers: z.record(z.string(), z.string()).optional(),
  length: z.int().min(1, "length must be at least 1"),
  lower: z.boolean().optional(),
  minLower: z.int().min(0).optional(),
  minNumeric: z.int().min(0).optional(),
  minSpecial: z.int().min(0).optional(),
  minUpper: z.int().min(0).optional(),
  number: z.boolean().optional(),
  numeric: z.boolean().optional(),
  overrideSpecial: z.string().optional(),
  special: z.boolean().optional(),
  upper: z.boolean().optional(),
});
export type Inputs = z.infer<typeof inputs>;

const LOWER = "abcdefghijklmnopqrstuvwxyz";
const UPPER = LOWER.toUpperCase();
const NUMERIC = "0123456789";
const SPECIAL = "!@#$%&*()-_=+[]{}<>:?";

/** What both have in common. */
export const wishes: Pick<Resource<Inputs>, "inputs" | "replaceOn" | "defaults" | "check"> = {
  inputs,
  replaceOn: Object.keys(inputs.shape),
  defaults: {
    lower: true,
    minLower: 0,
    minNumeric: 0,
    minSpecial: 0,
    minUpper: 0,
    special: true,
    upper: true,
  },

  check(given) {
    const minima = ["minLower", "minNumeric", "minSpecial", "minUpper"];
    const least = minima.reduce((sum, key) => sum + Number(given[key] ?? 0), 0);
    if (typeof given.length !== "number" || given.length >= least) return [];
    return [
      {
        property: "length",
        reason: `length ${given.length} is less than the ${least} characters that ${minima.join(", ")} ask for`,
      },
    ];
  },
};

export function drawn(given: Inputs): string {
  const classes = [
    { on: given.lower ?? true, letters: LOWER, least: given.minLower ?? 0 },
    { on: given.upper ?? true, letters: UPPER, least: given.minUpper ?? 0 },
    { on: given.numeric ?? given.number ?? true, letters: NUMERIC, least: given.minNumeric ?? 0 },
    {
      on: given.special ?? true,
      letters: given.overrideSpecial || SPECIAL,
      least: given.minSpecial ?? 0,
    },
  ].filter(({ on }) => on);
  const all = classes.map(({ letters }) => letters).join("");
  if (all === "") {
    throw new Error("At least one of lower, upper, numeric and special must be true.");
  }
  const letters = classes.flatMap(({ letters: of, least }) => draw(of, least));
  letters.push(...draw(all, given.length - letters.length));
  for (let last = letters.length - 1; last > 0; last--) {
    const other = randomInt(last + 1);
    [letters[last], letters[other]] = [letters[other] as string, letters[last] as string];
  }
  return letters.join("");
}

function draw(letters: string, count: number): string[] {
  return Array.from({ length: Math.max(0, count) }, () => letters[randomInt(letters.length)] ?? "");
}
