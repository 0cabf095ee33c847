/** What an ACME server says about itself, asked without an account. */
import { readFile } from "node:fs/promises";
import { get } from "node:https";
import { rootCertificates } from "node:tls";

export interface AcmeDirectory {
  /** Names by which CAA records allow it. */
  caaIdentities: string[];
}

const TIMEOUT_MS = 15_000;
const MOST_BYTES = 64 * 1024;

/** @throws Error that says why it does not answer as an ACME server does */
export async function acmeDirectory(url: string, caFile: string): Promise<AcmeDirectory> {
  const ca = await readFile(caFile, "utf8").catch(() => "");
  const text = await fetchText(url, ca);
  let directory: { newOrder?: unknown; meta?: { caaIdentities?: unknown } };
  try {
    directory = JSON.parse(text);
  } catch {
    throw new Error("it answers with something else than JSON");
  }
  if (typeof directory?.newOrder !== "string") throw new Error("it answers, but takes no orders");
  const identities = directory.meta?.caaIdentities;
  return { caaIdentities: Array.isArray(identities) ? identities.map(String) : [] };
}

function fetchText(url: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = get(
      url,
      {
        agent: false,
        timeout: TIMEOUT_MS,
        signal: AbortSignal.timeout(2 * TIMEOUT_MS),
        headers: { "User-Agent": "aihub" },
        ...(ca.trim() === "" ? {} : { ca: [...rootCertificates, ca] }),
      },
      (response) => {
        if (response.statusCode !== 200) {
          response.destroy();
          reject(new Error(`it answers ${response.statusCode}`));
          return;
        }
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          text += part;
          if (text.length > MOST_BYTES) response.destroy(new Error("its answer has no end"));
        });
        response.on("end", () => resolve(text));
        response.on("error", reject);
      },
    );
    asked.on("timeout", () => asked.destroy(new Error("no answer in 15 s")));
    asked.on("error", reject);
  });
}
