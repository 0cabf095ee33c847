import { createHash, createPublicKey, generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { z } from "zod";
import type { Resource } from "../resource.ts";
import { sshPrivatePem, sshPublicBlob, sshPublicLine } from "./openssh-key.ts";

const inputs = z.strictObject({
  algorithm: z.enum(["RSA", "ECDSA", "ED25519"]),
  ecdsaCurve: z.enum(["P224", "P256", "P384", "P521"]).optional(),
  rsaBits: z.int().min(512).optional(),
});
type Inputs = z.infer<typeof inputs>;

const generate = promisify(generateKeyPair);
const CURVES = { P224: "secp224r1", P256: "prime256v1", P384: "secp384r1", P521: "secp521r1" };

export const privateKey: Resource<Inputs> = {
  type: "tls:index/privateKey:PrivateKey",
  inputs,
  replaceOn: Object.keys(inputs.shape),
  defaults: { ecdsaCurve: "P224", rsaBits: 2048 },
  computed: [
    "privateKeyOpenssh",
    "privateKeyPem",
    "privateKeyPemPkcs8",
    "publicKeyFingerprintMd5",
    "publicKeyFingerprintSha256",
    "publicKeyOpenssh",
    "publicKeyPem",
  ],
  secrets: ["privateKeyOpenssh", "privateKeyPem", "privateKeyPemPkcs8"],

  async create(given) {
    const key = await generateKey(given);
    const publicKey = createPublicKey(key);
    const spki = publicKey.export({ type: "spki", format: "der" });
    const blob = sshPublicBlob(key);
    const md5 = blob && createHash("md5").update(blob).digest("hex");
    const sha256 = blob && createHash("sha256").update(blob).digest("base64");
    return {
      id: createHash("sha1").update(spki).digest("hex"),
      outputs: {
        ...given,
        privateKeyPem: pemOf(given.algorithm, key),
        privateKeyPemPkcs8: key.export({ type: "pkcs8", format: "pem" }),
        privateKeyOpenssh: sshPrivatePem(key) ?? "",
        publicKeyPem: publicKey.export({ type: "spki", format: "pem" }),
        publicKeyOpenssh: sshPublicLine(key) ?? "",
        publicKeyFingerprintMd5: md5?.match(/../g)?.join(":") ?? "",
        publicKeyFingerprintSha256: sha256 ? `SHA256:${sha256.replace(/=+$/, "")}` : "",
      },
    };
  },
};

async function generateKey({ algorithm, ecdsaCurve, rsaBits }: Inputs): Promise<KeyObject> {
  if (algorithm === "RSA")
    return (await generate("rsa", { modulusLength: rsaBits ?? 2048 })).privateKey;
  if (algorithm === "ED25519") return (await generate("ed25519", {})).privateKey;
  return (await generate("ec", { namedCurve: CURVES[ecdsaCurve ?? "P224"] })).privateKey;
}

/** Each algorithm's own traditional form; Ed25519 has none but PKCS #8. */
function pemOf(algorithm: Inputs["algorithm"], key: KeyObject): string | Buffer {
  if (algorithm === "RSA") return key.export({ type: "pkcs1", format: "pem" });
  if (algorithm === "ECDSA") return key.export({ type: "sec1", format: "pem" });
  return key.export({ type: "pkcs8", format: "pem" });
}
