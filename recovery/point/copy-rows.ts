/** The rows of one COPY block of a dump, as they arrive: counted always, decoded where somebody wants them. */

/** Bytes of a field that are given; a chat may have a hundred MiB, and memory is to stay small. */
export const MOST_OF_FIELD = 1024 * 1024;

const [TAB, NEWLINE, BACKSLASH, DOT, CAPITAL_N] = [0x09, 0x0a, 0x5c, 0x2e, 0x4e];

export type Values = (string | null)[];

export class CopyRows {
  /** Finished rows so far. */
  rows = 0;
  /** A row had fewer fields than the block has columns that are wanted. */
  malformed = false;
  readonly #onRow: (values: Values) => void;
  /** For each column up to the last wanted one: its places among the values. */
  readonly #places: number[][];
  #values: Values;
  readonly #count: number;
  #column = 0;
  #pieces: Buffer[] = [];
  #kept = 0;
  /** Of the line so far, and its first two bytes: enough to know the end mark. */
  #length = 0;
  readonly #head = [0, 0];

  /** `wanted`: positions of columns in the block, in the order in which their values are given. */
  constructor(wanted: readonly number[], onRow: (values: Values) => void) {
    this.#onRow = onRow;
    this.#count = wanted.length;
    this.#places = Array.from({ length: Math.max(-1, ...wanted) + 1 }, () => []);
    for (const [place, position] of wanted.entries()) this.#places[position]?.push(place);
    this.#values = new Array(this.#count).fill(null);
  }

  /** Takes what a chunk has from `from` on. Gives the position after the block's end, or -1 when the block goes on. */
  take(chunk: Buffer, from: number): number {
    // Kept over lines: what is searched once is not searched again.
    let tab = -1;
    let at = from;
    while (at < chunk.length) {
      const newline = chunk.indexOf(NEWLINE, at);
      const end = newline === -1 ? chunk.length : newline;
      let start = at;
      while (this.#column < this.#places.length) {
        if (tab < start) {
          tab = chunk.indexOf(TAB, start);
          if (tab === -1) tab = Number.POSITIVE_INFINITY;
        }
        if (tab >= end) {
          this.#keep(chunk, start, end);
          break;
        }
        this.#keep(chunk, start, tab);
        this.#endField();
        start = tab + 1;
      }
      for (let i = this.#length; i < 2 && i - this.#length < end - at; i++) {
        this.#head[i] = chunk[at + i - this.#length] as number;
      }
      this.#length += end - at;
      if (newline === -1) return -1;
      at = newline + 1;
      if (this.#endLine()) return at;
    }
    return -1;
  }

  #keep(chunk: Buffer, from: number, to: number): void {
    const room = MOST_OF_FIELD - this.#kept;
    if (from === to || room <= 0 || this.#places[this.#column]?.length === 0) return;
    const piece = chunk.subarray(from, Math.min(to, from + room));
    this.#pieces.push(piece);
    this.#kept += piece.length;
  }

  #endField(): void {
    const places = this.#places[this.#column++] ?? [];
    if (places.length > 0) {
      const [first] = this.#pieces;
      const value = decodeField(
        first !== undefined && this.#pieces.length === 1 ? first : Buffer.concat(this.#pieces),
      );
      for (const place of places) this.#values[place] = value;
    }
    this.#pieces = [];
    this.#kept = 0;
  }

  /** Whether the line was the end mark. */
  #endLine(): boolean {
    const isEnd = this.#length === 2 && this.#head[0] === BACKSLASH && this.#head[1] === DOT;
    if (!isEnd) {
      this.rows++;
      if (this.#column < this.#places.length) this.#endField();
      if (this.#column < this.#places.length) this.malformed = true;
      else if (this.#count > 0) this.#onRow(this.#values);
    }
    this.#values = new Array(this.#count).fill(null);
    this.#column = 0;
    this.#pieces = [];
    this.#kept = 0;
    this.#length = 0;
    return isEnd;
  }
}

/** What a byte after a backslash stands for, unless it begins a code of digits. */
const ESCAPED = Uint8Array.from({ length: 256 }, (_, byte) => byte);
for (const [letter, byte] of Object.entries({ b: 8, t: 9, n: 10, v: 11, f: 12, r: 13 })) {
  ESCAPED[letter.charCodeAt(0)] = byte;
}
const CODE = /^(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3}))/;

/** A field of COPY's text format as UTF-8 text; null for `\N`. A lone backslash at the end, left by a cut, is dropped. */
export function decodeField(field: Buffer): string | null {
  if (!field.includes(BACKSLASH)) return field.toString("utf8");
  if (field.length === 2 && field[0] === BACKSLASH && field[1] === CAPITAL_N) return null;
  const decoded = Buffer.allocUnsafe(field.length);
  let [length, at] = [0, 0];
  while (at < field.length) {
    let byte = field[at++] as number;
    if (byte === BACKSLASH) {
      if (at === field.length) break;
      byte = field[at++] as number;
      const mayBeCode = byte === 0x78 || (byte >= 0x30 && byte <= 0x37);
      const code = mayBeCode ? CODE.exec(field.toString("latin1", at - 1, at + 2)) : null;
      if (code) {
        at += code[0].length - 1;
        byte = code[1] ? Number.parseInt(code[1], 16) : Number.parseInt(code[2] as string, 8);
      } else byte = ESCAPED[byte] as number;
    }
    decoded[length++] = byte;
  }
  return decoded.toString("utf8", 0, length);
}
