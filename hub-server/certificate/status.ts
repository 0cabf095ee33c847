/** How it stands with the hub's certificate, as others may read it. */
import { readFile, rename, writeFile } from "node:fs/promises";

export interface CertificateStatus {
  /**
   * waiting: the hub's own certificate serves, none came yet. ordering: certbot is at work. serving: one from the ACME
   * server serves. at-risk: one serves, but it could not be renewed now.
   */
  state: "waiting" | "ordering" | "serving" | "at-risk";
  /** What is, what is wrong where, and how to fix it. */
  message: string;
  /** ISO times. */
  notAfter: string | null;
  nextCheck: string | null;
  writtenAt: string;
  /** Whole days, rounded down. */
  daysLeft: number | null;
  issuer: string | null;
  /** What the ledger says about the last seven days. */
  ledger: { issued: number; failed: number; trials: number; last: string | null };
}

/** @returns undefined when nothing is known, as without tlsMode acme */
export async function certificateStatus(path: string): Promise<CertificateStatus | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as CertificateStatus;
  } catch {
    return undefined;
  }
}

export async function saveStatus(path: string, status: CertificateStatus): Promise<void> {
  await writeFile(`${path}.new`, `${JSON.stringify(status, null, 2)}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}
