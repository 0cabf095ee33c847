/** The certificate that certbot handed on, as far as others may see it: without its key. */
import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";

export interface HeldCertificate {
  /** Tells one certificate from another: SHA-256 in hex. */
  fingerprint: string;
  issuer: string;
  /** Milliseconds since 1970. */
  notBefore: number;
  notAfter: number;
  /** Whether it is for this name. */
  covers(hostName: string): boolean;
}

/** @returns undefined when there is none, or none that can be read */
export async function heldCertificate(path: string): Promise<HeldCertificate | undefined> {
  try {
    const certificate = new X509Certificate(await readFile(path));
    return {
      fingerprint: certificate.fingerprint256,
      issuer: certificate.issuer.replaceAll("\n", ", "),
      notBefore: Date.parse(certificate.validFrom),
      notAfter: Date.parse(certificate.validTo),
      covers: (hostName) => certificate.checkHost(hostName) !== undefined,
    };
  } catch {
    return undefined;
  }
}
