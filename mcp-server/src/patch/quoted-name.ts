/** Names as git quotes them when they hold special characters: C escapes, bytes in octal. */

const escapes: Record<string, number> = {
  a: 7,
  b: 8,
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
  '"': 34,
  "\\": 92,
};

/** A name that is not quoted, or not as git does it, stays as it is. */
export function unquotedName(name: string): string {
  const inner = /^"((?:[^"\\]|\\.)*)"$/.exec(name)?.[1];
  if (inner === undefined) return name;
  const pieces = inner.match(/\\[0-3][0-7]{2}|\\.|[^\\]+/g) ?? [];
  return Buffer.concat(
    pieces.map((piece) => {
      if (!piece.startsWith("\\")) return Buffer.from(piece);
      if (piece.length === 4) return Buffer.from([Number.parseInt(piece.slice(1), 8)]);
      const byte = escapes[piece[1] as string];
      return byte === undefined ? Buffer.from(piece.slice(1)) : Buffer.from([byte]);
    }),
  ).toString();
}
