/** Puts a lock into a repository as another machine, or another time, would have left it. */
import { createCipheriv, createHash, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

interface MasterKey {
  mac: { k: string; r: string };
  encrypt: string;
}

/** @param key what `restic cat masterkey` prints */
export async function putLock(
  repository: string,
  key: string,
  lock: { pid: number; exclusive: boolean; hostname: string; time: Date },
): Promise<void> {
  const sealed = seal(JSON.parse(key) as MasterKey, Buffer.from(JSON.stringify(lock)));
  const name = createHash("sha256").update(sealed).digest("hex");
  await writeFile(join(repository, "locks", name), sealed);
}

/** restic's encryption: AES-256 in counter mode, authenticated by Poly1305-AES. */
function seal({ mac, encrypt }: MasterKey, plain: Buffer): Buffer {
  const iv = randomBytes(16);
  const cipher = createCipheriv("aes-256-ctr", Buffer.from(encrypt, "base64"), iv);
  const text = Buffer.concat([cipher.update(plain), cipher.final()]);
  const block = createCipheriv("aes-128-ecb", Buffer.from(mac.k, "base64"), null);
  const pad = block.update(iv);
  return Buffer.concat([iv, text, poly1305(text, Buffer.from(mac.r, "base64"), pad)]);
}

function poly1305(message: Buffer, r: Buffer, s: Buffer): Buffer {
  const prime = (1n << 130n) - 5n;
  const clamped = number(r) & 0x0ffffffc0ffffffc0ffffffc0fffffffn;
  let sum = 0n;
  for (let at = 0; at < message.length; at += 16) {
    const part = Buffer.concat([message.subarray(at, at + 16), Buffer.from([1])]);
    sum = ((sum + number(part)) * clamped) % prime;
  }
  const tag = (sum + number(s)) & ((1n << 128n) - 1n);
  return Buffer.from(tag.toString(16).padStart(32, "0"), "hex").reverse();
}

/** Little end first. */
function number(bytes: Buffer): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`);
}
