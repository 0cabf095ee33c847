/** The little of ASN.1's distinguished encoding that certificates need. */

export interface Element {
  tag: number;
  /** Tag, length and contents. */
  whole: Buffer;
  contents: Buffer;
}

export function element(tag: number, ...contents: Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  return Buffer.concat([Buffer.of(tag), length(body.length), body]);
}

export const sequence = (...items: Uint8Array[]) => element(0x30, ...items);
export const setOf = (...items: Uint8Array[]) => element(0x31, ...items);
export const octets = (bytes: Uint8Array) => element(0x04, bytes);
export const boolean = (value: boolean) => element(0x01, Buffer.of(value ? 0xff : 0));
export const utf8 = (text: string) => element(0x0c, Buffer.from(text));
export const printable = (text: string) => element(0x13, Buffer.from(text, "latin1"));
export const ia5 = (text: string) => element(0x16, Buffer.from(text, "latin1"));
export const nothing = () => element(0x05);

/** An explicit tag of a structure, `[n]` in the specifications. */
export const tagged = (n: number, ...contents: Uint8Array[]) => element(0xa0 | n, ...contents);
/** An implicit tag of something simple. */
export const marked = (n: number, contents: Uint8Array) => element(0x80 | n, contents);

/** A whole number that is not negative, as bytes or, below 128, as a number. */
export function integer(value: Uint8Array | number): Buffer {
  let bytes = Buffer.from(typeof value === "number" ? [value] : value);
  while (bytes.length > 1 && bytes[0] === 0) bytes = bytes.subarray(1);
  const looksNegative = ((bytes[0] ?? 0) & 0x80) !== 0;
  return element(0x02, looksNegative ? Buffer.concat([Buffer.of(0), bytes]) : bytes);
}

export function bits(bytes: Uint8Array, unused = 0): Buffer {
  return element(0x03, Buffer.of(unused), bytes);
}

/** An object identifier in dotted form. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const digits = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) digits.unshift((left & 0x7f) | 0x80);
    return digits;
  });
  return element(0x06, Buffer.from(bytes));
}

/** A moment, to the second: two digits of the year until 2049, four after. */
export function time(at: Date): Buffer {
  const text = at.toISOString().replace(/[-:T]/g, "").replace(/\..*/, "Z");
  return at.getUTCFullYear() < 2050
    ? element(0x17, Buffer.from(text.slice(2)))
    : element(0x18, Buffer.from(text));
}

/** The elements that stand one after another in `bytes`. */
export function elements(bytes: Buffer): Element[] {
  const found: Element[] = [];
  for (let at = 0; at < bytes.length; ) {
    const start = at;
    const tag = bytes[at++] ?? 0;
    let size = bytes[at++] ?? 0;
    if (size & 0x80) {
      const count = size & 0x7f;
      size = bytes.readUIntBE(at, count);
      at += count;
    }
    if (at + size > bytes.length) throw new Error("not in distinguished encoding: cut off");
    found.push({
      tag,
      whole: bytes.subarray(start, at + size),
      contents: bytes.subarray(at, at + size),
    });
    at += size;
  }
  return found;
}

/** The bytes of the first PEM block with this label; an error names the label otherwise. */
export function fromPem(label: string, pem: string): Buffer {
  const block = new RegExp(`-----BEGIN ${label}-----([\\s\\S]+?)-----END ${label}-----`).exec(pem);
  if (!block?.[1]) throw new Error(`no PEM block "${label}" found`);
  return Buffer.from(block[1], "base64");
}

export function toPem(label: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

function length(size: number): Buffer {
  if (size < 0x80) return Buffer.of(size);
  const bytes: number[] = [];
  for (let left = size; left > 0; left = Math.floor(left / 256)) bytes.unshift(left & 0xff);
  return Buffer.of(0x80 | bytes.length, ...bytes);
}
