import { createHash } from "node:crypto";
import type { z } from "zod";
import type { Failure, Resource } from "./resource.ts";
import { holdsUnknown, type Properties, revealAll, unknown } from "./wire.ts";

/** Fills in defaults and the name, then says what is wrong with the inputs. Secrets stay closed. */
export function checkInputs(
  resource: Resource<Properties>,
  {
    name,
    seed,
    news,
    olds,
  }: { name: string; seed: Uint8Array; news: Properties; olds: Properties },
): { inputs: Properties; failures: Failure[] } {
  const inputs: Properties = { ...resource.defaults, ...news };
  if (resource.autoname && inputs.name === undefined) {
    inputs.name = ownName(name, seed, olds.name);
  }
  const plain = revealAll(inputs);
  const failures = shapeFailures(resource.inputs, plain);
  if (failures.length === 0 && resource.check) {
    const old = Object.keys(olds).length > 0 ? revealAll(olds) : undefined;
    failures.push(...resource.check(plain, old));
  }
  return { inputs, failures };
}

/** Keeps a name that was made here before: a name must not change because of a preview. */
function ownName(name: string, seed: Uint8Array, old: unknown): string {
  if (typeof old === "string" && old.startsWith(`${name}-`)) {
    if (/^[0-9a-f]{7}$/.test(old.slice(name.length + 1))) return old;
  }
  const random = seed.length > 0 ? seed : crypto.getRandomValues(new Uint8Array(16));
  return `${name}-${createHash("sha256").update(random).update(name).digest("hex").slice(0, 7)}`;
}

function shapeFailures(shape: z.ZodType, plain: Properties): Failure[] {
  const parsed = shape.safeParse(plain);
  if (parsed.success) return [];
  return parsed.error.issues.flatMap((issue): Failure[] => {
    const path = issue.path.filter((step) => typeof step !== "symbol");
    if (isUnknown(plain, path)) return [];
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({
        property: spell([...path, key]),
        reason: `Invalid or unknown key. Examine values at '${spell([...path, key])}'.`,
      }));
    }
    const missing = issue.code === "invalid_type" && at(plain, path) === undefined;
    return [
      {
        property: spell(path),
        reason: missing ? `Missing required property '${spell(path)}'` : issue.message,
      },
    ];
  });
}

function isUnknown(plain: Properties, path: (string | number)[]): boolean {
  const value = at(plain, path);
  return value === unknown || holdsUnknown(value);
}

/** The value at a path, or `unknown` when something on the way to it is. */
function at(plain: Properties, path: (string | number)[]): unknown {
  let value: unknown = plain;
  for (const step of path) {
    if (value === unknown) return unknown;
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return path.length === 0 ? undefined : value;
}

function spell(path: (string | number)[]): string {
  return path
    .map((step, index) =>
      typeof step === "number" ? `[${step}]` : index === 0 ? step : `.${step}`,
    )
    .join("");
}
