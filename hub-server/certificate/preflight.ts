/** Looks, before certbot runs, at everything an order would fail by: what is found here costs nothing of any limit. */
import { randomBytes } from "node:crypto";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import type { AcmeDirectory } from "./acme-directory.ts";
import { caaRefusal } from "./caa.ts";
import type { NameLookup } from "./name-lookup.ts";
import type { Obstacle } from "./obstacle.ts";

export interface PreflightParts {
  hostName: string;
  /** Directory URL of the ACME server. */
  server: string;
  /** Whether a trial at a staging server comes before an order: it tells what silence from here leaves open. Default no. */
  trial?: boolean;
  directory(): Promise<AcmeDirectory>;
  lookup: NameLookup;
  /** Folder that is served at port 80 of the host name. */
  webroot: string;
  /** Port that an ACME server asks at. Default 80. */
  port?: number;
}

const CHALLENGES = ".well-known/acme-challenge";
const TIMEOUT_MS = 10_000;
const SILENCE = `no answer in ${TIMEOUT_MS / 1000} s`;
const MOST_BYTES = 4096;
const letsEncrypt = /\.letsencrypt\.org$/;

/** @returns the first obstacle; undefined: an order has every chance */
export async function preflight(parts: PreflightParts): Promise<Obstacle | undefined> {
  const { hostName, server, lookup } = parts;
  const serverName = new URL(server).host;
  let identities: string[];
  try {
    identities = (await parts.directory()).caaIdentities;
  } catch (error) {
    return {
      at: "server",
      what: `The ACME server ${serverName} cannot be reached: ${(error as Error).message}.`,
      fix: "Look whether it is up and whether the host may reach it; it is tried again by itself.",
    };
  }
  if (letsEncrypt.test(new URL(server).hostname)) identities = ["letsencrypt.org"];

  let addresses: string[];
  try {
    addresses = await lookup.addresses(hostName);
  } catch (error) {
    return {
      at: "dns",
      what: `The DNS gives no answer about ${hostName}: ${(error as Error).message}.`,
      fix: "Look whether the name servers of the domain answer.",
    };
  }
  if (addresses.length === 0) {
    return {
      at: "dns",
      what: `The DNS has no address for ${hostName}.`,
      fix: `Add an A record for ${hostName} with the hub's address (the output ipAddress).`,
    };
  }

  try {
    const refusal = await caaRefusal(hostName, identities, lookup);
    if (refusal) {
      const [identity = serverName] = identities;
      return {
        at: "caa",
        what: `CAA records of ${refusal.name} do not let ${serverName} issue for ${hostName}: ${refusal.records}.`,
        fix: `Add to ${refusal.name}: CAA 0 issue "${identity}".`,
      };
    }
  } catch (error) {
    return {
      at: "caa",
      what: `The DNS gives no answer about the CAA records of ${hostName}, so no CA may issue: ${(error as Error).message}.`,
      fix: "Look whether the name servers of the domain answer to questions for CAA.",
    };
  }
  return fetchedBack(parts, addresses);
}

/** Puts a file where certbot puts its answers and fetches it by each address, as the ACME server will. */
async function fetchedBack(
  { hostName, webroot, port = 80, trial = false }: PreflightParts,
  addresses: readonly string[],
): Promise<Obstacle | undefined> {
  const folder = join(webroot, CHALLENGES);
  await mkdir(folder, { recursive: true });
  // Certbot writes here as well, by its group; not what somebody else made.
  for (const made of [join(webroot, ".well-known"), folder]) await chmod(made, 0o2775);
  const name = `aihub-${randomBytes(16).toString("base64url")}`;
  const content = randomBytes(32).toString("base64url");
  const file = join(folder, name);
  await writeFile(file, content, { mode: 0o644, flag: "wx" });
  try {
    for (const address of addresses) {
      const wrong = await differs(
        { hostName, address, port, path: `/${CHALLENGES}/${name}` },
        content,
      );
      if (wrong === undefined) continue;
      const six = address.includes(":");
      // Not every network leads a host's packets to its own public address; the trial looks from outside.
      if (wrong === SILENCE && trial && !six) continue;
      return {
        at: "http",
        what: `http://${hostName} at ${address}, port ${port}, is not this hub: ${wrong}.`,
        fix: six
          ? `The hub has no IPv6 address: remove the AAAA record of ${hostName}.`
          : `Let the A record of ${hostName} name the hub's address (the output ipAddress) and nothing else, and let port 80 be reached from everywhere.`,
      };
    }
    return undefined;
  } finally {
    await rm(file, { force: true });
  }
}

interface Where {
  hostName: string;
  address: string;
  port: number;
  path: string;
}

/** How what is there differs from `content`; undefined when it does not. */
function differs(
  { hostName, address, port, path }: Where,
  content: string,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const asked = request(
      {
        host: address,
        port,
        path,
        headers: { Host: hostName, "User-Agent": "aihub" },
        agent: false,
        timeout: TIMEOUT_MS,
        signal: AbortSignal.timeout(2 * TIMEOUT_MS),
      },
      (response) => {
        const { statusCode = 0, headers } = response;
        // The hub's own door never sends this path elsewhere, so another answers.
        if (statusCode !== 200) {
          response.destroy();
          resolve(
            `it answers ${statusCode}${headers.location ? ` and leads to ${headers.location.slice(0, 200)}` : ""}`,
          );
          return;
        }
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          text += part;
          if (text.length > MOST_BYTES) response.destroy(new Error("the answer has no end"));
        });
        response.on("end", () =>
          resolve(text.trim() === content ? undefined : "it answers with other content"),
        );
        response.on("error", (error) => resolve(error.message));
      },
    );
    asked.on("timeout", () => asked.destroy(new Error(SILENCE)));
    asked.on("error", (error) => resolve(error.message));
    asked.end();
  });
}
