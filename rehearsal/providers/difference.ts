import { Archive, Asset, holdsUnknown, type Properties, unknown } from "./wire.ts";

export type ChangeKind = "add" | "delete" | "update";

/** What changed between two sets of plain inputs, by property path ("inboundRules[0].portRange"). */
export function difference(
  old: Properties,
  next: Properties,
  unordered: readonly string[],
): Map<string, ChangeKind> {
  const changes = new Map<string, ChangeKind>();
  for (const key of new Set([...Object.keys(old), ...Object.keys(next)])) {
    if (unordered.includes(key)) compareUnordered(key, old[key], next[key], changes);
    else compare(key, old[key], next[key], changes);
  }
  return changes;
}

/** The input that a path belongs to: "inboundRules" of "inboundRules[0].portRange". */
export function topLevel(path: string): string {
  return /^[^.[]+/.exec(path)?.[0] ?? path;
}

/** True when the two mean the same although lists are ordered differently, or one is empty and the other left out. */
export function sameUnordered(one: unknown, other: unknown): boolean {
  return canonical(one) === canonical(other);
}

function compare(path: string, old: unknown, next: unknown, changes: Map<string, ChangeKind>) {
  if (old === undefined && next === undefined) return;
  if (old === undefined) changes.set(path, "add");
  else if (next === undefined) changes.set(path, "delete");
  else if (next === unknown || old === unknown) changes.set(path, "update");
  else if (isList(old) && isList(next)) {
    for (let index = 0; index < Math.max(old.length, next.length); index++) {
      compare(`${path}[${index}]`, old[index], next[index], changes);
    }
  } else if (isFile(old) || isFile(next)) {
    if (!isFile(old) || !isFile(next) || old.hash !== next.hash) changes.set(path, "update");
  } else if (isObject(old) && isObject(next)) {
    for (const key of new Set([...Object.keys(old), ...Object.keys(next)])) {
      compare(`${path}${step(key)}`, old[key], next[key], changes);
    }
  } else if (old !== next) changes.set(path, "update");
}

function compareUnordered(
  path: string,
  old: unknown,
  next: unknown,
  changes: Map<string, ChangeKind>,
) {
  if (holdsUnknown(next)) {
    changes.set(path, old === undefined ? "add" : "update");
    return;
  }
  if (sameUnordered(old, next)) return;
  if (!isList(old) || !isList(next)) {
    compare(path, old, next, changes);
    return;
  }
  const before = new Set(old.map(canonical));
  const after = new Set(next.map(canonical));
  for (const [index, item] of old.entries()) {
    if (!after.has(canonical(item))) changes.set(`${path}[${index}]`, "delete");
  }
  for (const [index, item] of next.entries()) {
    if (before.has(canonical(item))) continue;
    const at = `${path}[${index}]`;
    changes.set(at, changes.has(at) ? "update" : "add");
  }
}

function canonical(value: unknown): string {
  if (isList(value)) return `[${value.map(canonical).sort().join()}]`;
  if (isObject(value)) {
    const fields = Object.entries(value)
      .filter(([, field]) => field !== undefined && !(isList(field) && field.length === 0))
      .map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`);
    return `{${fields.sort().join()}}`;
  }
  return value === undefined ? "[]" : (JSON.stringify(value) ?? "");
}

function step(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function isList(value: unknown): value is unknown[] {
  return Array.isArray(value);
}

function isFile(value: unknown): value is Asset | Archive {
  return value instanceof Asset || value instanceof Archive;
}

function isObject(value: unknown): value is Properties {
  return typeof value === "object" && value !== null && !isList(value);
}
