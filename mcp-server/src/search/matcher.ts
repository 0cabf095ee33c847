/** Finds lines in a text: by a literal piece of it, or by a regular expression. */
import { ToolError } from "../tools/tool-error.ts";

export interface MatcherOptions {
  query: string;
  /** The query is a regular expression of JavaScript. */
  regex: boolean;
  ignoreCase: boolean;
}

/** A line that matches. */
export interface Hit {
  /** The first is 1. */
  line: number;
  /** Offsets in the text: of the line, and of the first match in it. */
  start: number;
  end: number;
  at: number;
}

export interface Matcher {
  /** Whether a file with these bytes cannot match: spares decoding it. */
  rulesOut(bytes: Buffer): boolean;
  /** The matching lines behind line `after`, in order, at most `most`. */
  hits(text: string, after: number, most: number): Hit[];
}

/** Throws ToolError when the query is no regular expression, or spans lines. */
export function compileMatcher({ query, regex, ignoreCase }: MatcherOptions): Matcher {
  if (!regex && query.includes("\n")) {
    throw new ToolError(
      "query holds a newline, and is looked for within one line. Look for one of its lines, or use regex with \\n.",
    );
  }
  if (regex || ignoreCase) {
    const pattern = expression(regex ? query : RegExp.escape(query), ignoreCase);
    return {
      rulesOut: () => false,
      hits: (text, after, most) =>
        linesAt(text, after, most, (from) => {
          pattern.lastIndex = from;
          return pattern.exec(text)?.index ?? -1;
        }),
    };
  }
  const needle = Buffer.from(query);
  return {
    rulesOut: (bytes) => !bytes.includes(needle),
    hits: (text, after, most) => linesAt(text, after, most, (from) => text.indexOf(query, from)),
  };
}

function linesAt(text: string, after: number, most: number, next: (from: number) => number): Hit[] {
  const hits: Hit[] = [];
  let line = 1;
  let start = 0;
  for (; line <= after; line++) {
    start = text.indexOf("\n", start) + 1;
    if (start === 0) return hits;
  }
  while (hits.length < most && start < text.length) {
    const at = next(start);
    // An expression that matches nothing matches behind the last newline too, where there is no line.
    if (at < 0 || (at >= text.length && text.endsWith("\n"))) break;
    let newline = text.indexOf("\n", start);
    while (newline >= 0 && newline < at) {
      line++;
      start = newline + 1;
      newline = text.indexOf("\n", start);
    }
    const end = newline < 0 ? text.length : newline;
    hits.push({ line, start, end, at });
    if (newline < 0) break;
    line++;
    start = end + 1;
  }
  return hits;
}

/** With Unicode's rules where the pattern allows them; models often escape what these do not want escaped. */
function expression(source: string, ignoreCase: boolean): RegExp {
  const flags = ignoreCase ? "gmi" : "gm";
  try {
    return new RegExp(source, `${flags}u`);
  } catch {
    try {
      return new RegExp(source, flags);
    } catch (error) {
      throw new ToolError(
        `query is no regular expression: ${(error as Error).message}. Leave regex out to look for the text as it is.`,
      );
    }
  }
}
