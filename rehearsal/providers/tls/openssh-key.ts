/** Keys in the forms of OpenSSH, which Node's crypto does not write. */
import { createPublicKey, type JsonWebKey, type KeyObject, randomBytes } from "node:crypto";
import { toPem } from "./der.ts";

const CURVES: Record<string, string> = {
  "P-256": "nistp256",
  "P-384": "nistp384",
  "P-521": "nistp521",
};

/** The public key as SSH sends it, or undefined for a key that SSH has no name for (such as P-224). */
export function sshPublicBlob(key: KeyObject): Buffer | undefined {
  const publicKey = key.type === "private" ? createPublicKey(key) : key;
  const jwk = jwkOf(publicKey);
  if (!jwk) return undefined;
  if (jwk.kty === "RSA") {
    return Buffer.concat([text("ssh-rsa"), mpint(jwk.e), mpint(jwk.n)]);
  }
  if (jwk.kty === "OKP") return Buffer.concat([text("ssh-ed25519"), field(raw(jwk.x))]);
  const curve = CURVES[jwk.crv ?? ""];
  if (!curve) return undefined;
  return Buffer.concat([text(`ecdsa-sha2-${curve}`), text(curve), field(point(jwk))]);
}

/** A line for authorized_keys, with its newline. */
export function sshPublicLine(key: KeyObject): string | undefined {
  const blob = sshPublicBlob(key);
  if (!blob) return undefined;
  const name = blob.subarray(4, 4 + blob.readUInt32BE(0)).toString();
  return `${name} ${blob.toString("base64")}\n`;
}

/** An unencrypted "OPENSSH PRIVATE KEY", or undefined for a key that SSH has no name for. */
export function sshPrivatePem(key: KeyObject): string | undefined {
  const blob = sshPublicBlob(key);
  const jwk = jwkOf(key);
  if (!blob || !jwk) return undefined;
  const check = randomBytes(4);
  const secret = Buffer.concat([check, check, secretFields(blob, jwk), text("")]);
  const padding = Buffer.from([1, 2, 3, 4, 5, 6, 7].slice(0, (8 - (secret.length % 8)) % 8));
  const one = Buffer.alloc(4);
  one.writeUInt32BE(1);
  return toPem(
    "OPENSSH PRIVATE KEY",
    Buffer.concat([
      Buffer.from("openssh-key-v1\0"),
      text("none"),
      text("none"),
      text(""),
      one,
      field(blob),
      field(Buffer.concat([secret, padding])),
    ]),
  );
}

function secretFields(blob: Buffer, jwk: JsonWebKey): Buffer {
  if (jwk.kty === "RSA") {
    const fields = [jwk.n, jwk.e, jwk.d, jwk.qi, jwk.p, jwk.q].map(mpint);
    return Buffer.concat([text("ssh-rsa"), ...fields]);
  }
  if (jwk.kty === "OKP") {
    return Buffer.concat([blob, field(Buffer.concat([raw(jwk.d), raw(jwk.x)]))]);
  }
  return Buffer.concat([blob, mpint(jwk.d)]);
}

function jwkOf(key: KeyObject): JsonWebKey | undefined {
  try {
    return key.export({ format: "jwk" });
  } catch {
    // Curves without a name in JSON Web Keys have none in SSH either.
    return undefined;
  }
}

function point(jwk: JsonWebKey): Buffer {
  return Buffer.concat([Buffer.of(4), raw(jwk.x), raw(jwk.y)]);
}

function raw(base64url: string | undefined): Buffer {
  return Buffer.from(base64url ?? "", "base64url");
}

function mpint(base64url: string | undefined): Buffer {
  let bytes = raw(base64url);
  while (bytes.length > 1 && bytes[0] === 0) bytes = bytes.subarray(1);
  return field((bytes[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes);
}

function text(value: string): Buffer {
  return field(Buffer.from(value));
}

function field(bytes: Buffer): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(bytes.length);
  return Buffer.concat([size, bytes]);
}
