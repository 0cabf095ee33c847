/** bcrypt, which Node's own crypto lacks: Blowfish with a key schedule that is slow on purpose. */
import { randomBytes } from "node:crypto";

const BASE64 = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

interface Blowfish {
  /** 18 subkeys. */
  p: Uint32Array;
  /** Four tables of 256 words, one after another. */
  s: Uint32Array;
}

/**
 * Hashes up to 72 bytes, in the form "$2a$<cost>$<salt><hash>".
 * `cost` is the exponent of the number of rounds; `salt` 16 bytes, random by default.
 */
export function bcrypt(
  password: Uint8Array,
  cost: number,
  salt: Uint8Array = randomBytes(16),
): string {
  // The terminating zero of C strings is part of the algorithm.
  const key = words(Buffer.concat([password, Buffer.of(0)]), 18);
  const state = initialState();
  const salted = words(salt, 4);
  mixSalted(state, key, salted);
  const saltKey = words(salt, 18);
  for (let round = 0; round < 2 ** cost; round++) {
    mix(state, key);
    mix(state, saltKey);
  }
  const text = words(Buffer.from("OrpheanBeholderScryDoubt"), 6);
  for (let pair = 0; pair < 6; pair += 2) {
    for (let round = 0; round < 64; round++) encipher(state, text, pair);
  }
  const hash = Buffer.alloc(24);
  for (const [index, word] of text.entries()) hash.writeUInt32BE(word, index * 4);
  const exponent = String(cost).padStart(2, "0");
  return `$2a$${exponent}$${base64(salt)}${base64(hash.subarray(0, 23))}`;
}

function mix(state: Blowfish, key: Uint32Array) {
  mixSalted(state, key, new Uint32Array(4));
}

function mixSalted(state: Blowfish, key: Uint32Array, salt: Uint32Array) {
  for (let index = 0; index < 18; index++) {
    state.p[index] = (state.p[index] as number) ^ (key[index] as number);
  }
  const block = new Uint32Array(2);
  let at = 0;
  for (const table of [state.p, state.s]) {
    for (let index = 0; index < table.length; index += 2) {
      block[0] = (block[0] as number) ^ (salt[at] as number);
      block[1] = (block[1] as number) ^ (salt[at + 1] as number);
      at = (at + 2) % 4;
      encipher(state, block, 0);
      table[index] = block[0] as number;
      table[index + 1] = block[1] as number;
    }
  }
}

function encipher({ p, s }: Blowfish, block: Uint32Array, at: number) {
  let left = (block[at] as number) ^ (p[0] as number);
  let right = block[at + 1] as number;
  for (let round = 1; round <= 16; round++) {
    const sum = (s[left >>> 24] as number) + (s[256 + ((left >>> 16) & 255)] as number);
    const mixed =
      ((sum ^ (s[512 + ((left >>> 8) & 255)] as number)) + (s[768 + (left & 255)] as number)) | 0;
    const next = right ^ mixed ^ (p[round] as number);
    right = left;
    left = next;
  }
  block[at] = right ^ (p[17] as number);
  block[at + 1] = left;
}

/** Big-endian words of the bytes, repeated as often as needed. */
function words(bytes: Uint8Array, count: number): Uint32Array {
  const result = new Uint32Array(count);
  for (let index = 0; index < count * 4; index++) {
    const word = index >> 2;
    result[word] = ((result[word] as number) << 8) | (bytes[index % bytes.length] as number);
  }
  return result;
}

function base64(bytes: Uint8Array): string {
  let text = "";
  for (let index = 0; index < bytes.length; index += 3) {
    const group = [0, 1, 2].map((step) => bytes[index + step] ?? 0) as [number, number, number];
    const bits = (group[0] << 16) | (group[1] << 8) | group[2];
    const letters = Math.min(4, bytes.length - index + 1);
    for (let step = 0; step < letters; step++) text += BASE64[(bits >>> (18 - 6 * step)) & 63];
  }
  return text;
}

let digits: Uint32Array | undefined;

/** Blowfish begins with the binary digits of pi behind the point. */
function initialState(): Blowfish {
  digits ??= digitsOfPi(18 + 4 * 256);
  return { p: digits.slice(0, 18), s: digits.slice(18) };
}

/** Machin's formula in fixed-point numbers: pi = 16 arctan(1/5) - 4 arctan(1/239). */
function digitsOfPi(count: number): Uint32Array {
  const guard = 64n;
  const one = 1n << (BigInt(count * 32) + guard);
  const arctanOfInverse = (n: bigint) => {
    let power = one / n;
    let sum = power;
    for (let k = 3n, sign = -1n; power > 0n; k += 2n, sign = -sign) {
      power /= n * n;
      sum += (sign * power) / k;
    }
    return sum;
  };
  const pi = 16n * arctanOfInverse(5n) - 4n * arctanOfInverse(239n);
  const hex = ((pi - 3n * one) >> guard).toString(16).padStart(count * 8, "0");
  return Uint32Array.from({ length: count }, (_, index) =>
    Number.parseInt(hex.slice(index * 8, index * 8 + 8), 16),
  );
}
