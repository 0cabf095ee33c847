/** What a line of the audit log says that a call is about. */
import type { AuditEntry } from "./audit.ts";

/** Characters of a target or a trace key that are logged. */
const LONGEST_SHOWN = 400;

/** Paths of one call that are logged. */
const MOST_LISTED = 100;
/** Characters of several paths that are logged. */
const LONGEST_LIST = 4000;

/** What a call is about, by the names that all tools give to it. */
export function targetOf(args: Readonly<Record<string, unknown>>): Partial<AuditEntry> {
  const { project, path, paths, to_project, to_path, change, chat } = args;
  // Where no path is given, `from` and `to` are paths and not versions.
  const { from, to } = path === undefined ? args : {};
  return {
    project: shown(project),
    path: shown(path ?? from),
    paths: Array.isArray(paths) ? shownList(paths) : undefined,
    to_project: shown(to_project),
    to_path: shown(to_path ?? to),
    change: shown(change),
    of_chat: shown(chat),
  };
}

/** The first ones, and how many more there are. */
function shownList(values: readonly unknown[]): string[] {
  const list: string[] = [];
  let length = 0;
  for (const value of values) {
    const one = shown(value) ?? typeof value;
    length += one.length;
    if (length > LONGEST_LIST || list.length === MOST_LISTED) {
      list.push(`and ${values.length - list.length} more`);
      break;
    }
    list.push(one);
  }
  return list;
}

/** A text, cut to what is logged; undefined for anything else. */
export function shown(value: unknown): string | undefined {
  return typeof value === "string" ? value.slice(0, LONGEST_SHOWN) : undefined;
}
