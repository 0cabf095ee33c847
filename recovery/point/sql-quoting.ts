/**
 * Whether a place in SQL text is inside quotes or a comment. Function bodies and comments of a dump may hold any text,
 * also lines that look like its own.
 */
type Inside = "text" | "escaped text" | "name" | "line comment" | "comment" | "dollars";

const [QUOTE, DOUBLE, BACKSLASH, DOLLAR, DASH, SLASH, STAR, NEWLINE] = [
  0x27, 0x22, 0x5c, 0x24, 0x2d, 0x2f, 0x2a, 0x0a,
];

export class SqlQuoting {
  #inside: Inside | undefined;
  /** The last two bytes, as far as they can belong to what comes. */
  #before = 0;
  #beforeThat = 0;
  /** The byte was the second of a comment's mark, so it is not the first of another: slash, star, slash is still open. */
  #used = false;
  /** In text with escapes: the next byte is escaped. */
  #escaping = false;
  /** Text with escapes has just ended, unless it goes on with a second quote. */
  #maybeOn = false;
  #depth = 0;
  /** The dollar quote's mark, as read so far; undefined when none begins. */
  #opening: number[] | undefined;
  #mark: number[] = [];
  #matched = 0;

  get outside(): boolean {
    return this.#inside === undefined;
  }

  /** Reads on; pieces may be cut anywhere. */
  take(chunk: Buffer, from: number, to: number): void {
    for (let at = from; at < to; at++) {
      const byte = chunk[at] as number;
      this.#used = false;
      this.#read(byte);
      this.#beforeThat = this.#before;
      this.#before = this.#used ? 0 : byte;
    }
  }

  #read(byte: number): void {
    switch (this.#inside) {
      case undefined:
        this.#readOutside(byte);
        return;
      case "text":
        if (byte === QUOTE) this.#leave();
        return;
      case "name":
        if (byte === DOUBLE) this.#leave();
        return;
      case "line comment":
        if (byte === NEWLINE) this.#leave();
        return;
      case "escaped text":
        if (this.#escaping) this.#escaping = false;
        else if (byte === BACKSLASH) this.#escaping = true;
        else if (byte === QUOTE) {
          this.#leave();
          this.#maybeOn = true;
        }
        return;
      case "comment":
        if (this.#before === SLASH && byte === STAR) {
          this.#depth++;
          this.#used = true;
        } else if (this.#before === STAR && byte === SLASH) {
          this.#used = true;
          if (--this.#depth === 0) this.#leave();
        }
        return;
      case "dollars":
        this.#matched =
          byte === this.#mark[this.#matched] ? this.#matched + 1 : byte === DOLLAR ? 1 : 0;
        if (this.#matched === this.#mark.length) this.#leave();
    }
  }

  #readOutside(byte: number): void {
    const wentOn = this.#maybeOn && byte === QUOTE;
    this.#maybeOn = false;
    if (this.#opening) {
      if (byte === DOLLAR) {
        this.#mark = [...this.#opening, DOLLAR];
        this.#opening = undefined;
        this.#matched = 0;
        this.#inside = "dollars";
        return;
      }
      const isDigit = byte >= 0x30 && byte <= 0x39;
      if (isOfName(byte) && !(isDigit && this.#opening.length === 1)) {
        this.#opening.push(byte);
        return;
      }
      this.#opening = undefined;
    }
    if (byte === QUOTE) {
      const escaped =
        (this.#before === 0x65 || this.#before === 0x45) && !isOfName(this.#beforeThat);
      this.#inside = wentOn || escaped ? "escaped text" : "text";
    } else if (byte === DOUBLE) this.#inside = "name";
    else if (byte === DASH && this.#before === DASH) this.#inside = "line comment";
    else if (byte === STAR && this.#before === SLASH) {
      this.#inside = "comment";
      this.#depth = 1;
      this.#used = true;
    } else if (byte === DOLLAR && !isOfName(this.#before)) this.#opening = [DOLLAR];
  }

  #leave(): void {
    this.#inside = undefined;
  }
}

function isOfName(byte: number): boolean {
  return (
    (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x30 && byte <= 0x39) ||
    byte === 0x5f ||
    byte === DOLLAR ||
    byte >= 0x80
  );
}
