/**
 * Matches paths against a glob: `*` and `?` within one part of a path, `**` over any number of parts,
 * `[abc]`, `[!abc]`, `{one,two}`. A glob without "/" matches the last part anywhere. Takes at most the
 * product of both lengths in steps, whatever the glob, so that no pattern can hang the server.
 */
import { ToolError } from "../tools/tool-error.ts";

/** Matches one part of a path. */
type Part = (name: string) => boolean;
type One = (character: string) => boolean;
/** "*" stands for any number of characters. */
type Token = One | "*";

const MOST_ALTERNATIVES = 100;

/** Throws ToolError when the glob cannot be read. */
export function compileGlob(glob: string): (path: string) => boolean {
  const patterns = alternatives(glob).map(compilePattern);
  const [only] = patterns;
  return patterns.length === 1 && only ? only : (path) => patterns.some((pattern) => pattern(path));
}

function compilePattern(pattern: string): (path: string) => boolean {
  const anchored = pattern.includes("/") ? pattern.replace(/^\.?\//, "") : `**/${pattern}`;
  const parts = anchored
    .split("/")
    .filter((part) => part !== "")
    .map((part): Part | "**" => (part === "**" ? "**" : compilePart(part)));
  const [first, last] = parts;
  // By far the most of what is asked for: a name, at any depth.
  if (parts.length === 2 && first === "**" && last !== undefined && last !== "**")
    return (path) => last(path.slice(path.lastIndexOf("/") + 1));
  // What is below a directory does not include the directory.
  if (parts.length > 1 && parts.at(-1) === "**") parts.push(() => true);
  return (path) =>
    matches<Part | "**", string>(parts, path.split("/"), "**", (part, name) =>
      (part as Part)(name),
    );
}

/** Greedy matching that only ever goes back to the last star. */
function matches<P, V>(pattern: P[], values: V[], star: P, one: (p: P, v: V) => boolean): boolean {
  let p = 0;
  let v = 0;
  let starAt = -1;
  let taken = 0;
  while (v < values.length) {
    const here = pattern[p];
    if (p < pattern.length && here === star) {
      starAt = p++;
      taken = v;
    } else if (p < pattern.length && one(here as P, values[v] as V)) {
      p++;
      v++;
    } else if (starAt >= 0) {
      p = starAt + 1;
      v = ++taken;
    } else {
      return false;
    }
  }
  while (pattern[p] === star && p < pattern.length) p++;
  return p === pattern.length;
}

function compilePart(part: string): Part {
  if (!/[?[]/.test(part)) return compileStars(part.split("*"));
  const pattern = tokens(part);
  return (name) =>
    matches<Token, string>(pattern, [...name], "*", (token, character) =>
      (token as One)(character),
    );
}

/** The pieces between stars, each as far left as it goes. */
function compileStars(pieces: string[]): Part {
  const first = pieces[0] as string;
  if (pieces.length === 1) return (name) => name === first;
  const last = pieces.at(-1) as string;
  const middle = pieces.slice(1, -1).filter((piece) => piece !== "");
  return (name) => {
    if (!name.startsWith(first)) return false;
    let at = first.length;
    for (const piece of middle) {
      const found = name.indexOf(piece, at);
      if (found < 0) return false;
      at = found + piece.length;
    }
    return name.length - last.length >= at && name.endsWith(last);
  };
}

function tokens(part: string): Token[] {
  const result: Token[] = [];
  for (let at = 0; at < part.length; ) {
    const character = String.fromCodePoint(part.codePointAt(at) as number);
    const close = character === "[" ? part.indexOf("]", at + 2) : -1;
    if (character === "*") {
      if (result.at(-1) !== "*") result.push("*");
    } else if (character === "?") {
      result.push(() => true);
    } else if (close > 0) {
      result.push(characterClass(part.slice(at + 1, close)));
      at = close + 1;
      continue;
    } else {
      result.push((other) => other === character);
    }
    at += character.length;
  }
  return result;
}

function characterClass(text: string): One {
  const negated = /^[!^]/.test(text);
  const members = [...(negated ? text.slice(1) : text)];
  const ranges: [string, string][] = [];
  for (let at = 0; at < members.length; at++) {
    const from = members[at] as string;
    const to = members[at + 2];
    if (members[at + 1] === "-" && to !== undefined) {
      ranges.push([from, to]);
      at += 2;
    } else {
      ranges.push([from, from]);
    }
  }
  return (character) =>
    ranges.some(([from, to]) => from <= character && character <= to) !== negated;
}

function alternatives(glob: string): string[] {
  const done: string[] = [];
  const open = [glob];
  while (open.length > 0) {
    const pattern = open.pop() as string;
    const group = /\{([^{}]*,[^{}]*)\}/.exec(pattern);
    if (!group) done.push(pattern);
    else {
      for (const choice of (group[1] as string).split(",")) {
        open.push(
          pattern.slice(0, group.index) + choice + pattern.slice(group.index + group[0].length),
        );
      }
    }
    if (open.length + done.length > MOST_ALTERNATIVES) {
      throw new ToolError(
        `The glob "${glob}" stands for more than ${MOST_ALTERNATIVES} patterns. Use fewer {a,b} groups.`,
      );
    }
  }
  return done;
}
