/** What is wrong with the arguments of a call, in words for the model that sent them. */
import type { z } from "zod";
import type { Tool } from "../tools/tool.ts";
import { MOST_VALUES } from "./call-size.ts";
import { isRecord } from "./is-record.ts";

/** More values than one call may hold: which argument is so long. */
export function amountProblem(tool: Tool, args: unknown): string {
  const long = isRecord(args)
    ? Object.keys(propertiesOf(tool)).find((key) => lengthOf(args[key]) > MOST_VALUES)
    : undefined;
  const came = long === undefined ? "" : `, and ${long} is ${described((args as never)[long])}`;
  return `${tool.name} cannot be called like this: the arguments hold more than ${MOST_VALUES} values${came}. Make several calls with fewer each.`;
}

function lengthOf(value: unknown): number {
  return Array.isArray(value) ? value.length : 0;
}

/** Issues, and arguments that there are not, told at once; more help nobody. */
const MOST_ISSUES = 5;
/** Characters of an argument's name that are told. */
const LONGEST_NAME = 40;

/** Each wrong argument: where, what was expected, what came. */
export function argumentProblem(tool: Tool, args: unknown, error: z.ZodError): string {
  const issues = error.issues.slice(0, MOST_ISSUES).map((issue) => {
    const place = issue.path.reduce<string>(
      (path, key) =>
        typeof key === "number" ? `${path}[${key}]` : path ? `${path}.${cut(key)}` : cut(key),
      "",
    );
    if (issue.code === "unrecognized_keys") {
      const known = Object.keys(propertiesOf(tool)).join(", ") || "none";
      const where = place ? ` in ${place}` : `; it takes: ${known}`;
      const names = issue.keys.slice(0, MOST_ISSUES).map((key) => `"${cut(key)}"`);
      const more = issue.keys.length - names.length;
      return `there is no argument ${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}${where}`;
    }
    const came = valueAt(args, issue.path);
    if (came === undefined && issue.code === "invalid_type") {
      return `${place || "the arguments"}: missing, ${issue.expected} expected`;
    }
    const wanted = issue.message
      .replace(/^Invalid (input|option): /, "")
      .replace(/, received .*$/, "");
    return `${place || "the arguments"}: ${wanted}, got ${described(came)}`;
  });
  const more = error.issues.length - issues.length;
  return `${tool.name} cannot be called like this: ${issues.join("; ")}${more > 0 ? `; and ${more} more` : ""}.`;
}

function cut(key: PropertyKey): string {
  const name = String(key);
  return name.length <= LONGEST_NAME ? name : `${name.slice(0, LONGEST_NAME)}...`;
}

function propertiesOf(tool: Tool): object {
  return (tool.input as Partial<z.ZodObject>).shape ?? {};
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (at === null || typeof at !== "object" ? undefined : (at as never)[key]),
    value,
  );
}

function described(value: unknown): string {
  if (value === null || typeof value === "number" || typeof value === "boolean")
    return String(value);
  if (typeof value === "string") {
    return value.length <= 40 ? JSON.stringify(value) : `a string of ${value.length} characters`;
  }
  return Array.isArray(value) ? `a list of ${value.length}` : typeof value;
}
