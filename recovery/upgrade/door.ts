/**
 * The front door while the chat's data may still be taken back: closed for everything that writes there, so that nobody is told
 * "saved" of something that is not. nginx looks for these files at each request (templates/nginx/nginx.conf).
 */
import { randomBytes } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { writeWhole } from "../memory.ts";
import { DATA, RECOVERY } from "../place.ts";

const DOOR = join(DATA, "hub/door");
const CLOSED = join(DOOR, "closed");
/** A header by which the rollout's own look at the doors gets through, for curl's `-H @FILE`. */
const PROBE_HEADER = join(RECOVERY, "probe-header");

export async function closeDoor(): Promise<void> {
  await forgetProbes();
  const probe = randomBytes(16).toString("hex");
  await writeWhole(join(DOOR, `probe-${probe}`), "", 0o644);
  await writeWhole(PROBE_HEADER, `X-Hub-Probe: ${probe}\n`, 0o600);
  await writeWhole(CLOSED, "", 0o644);
}

export async function openDoor(): Promise<void> {
  await rm(CLOSED, { force: true });
  await forgetProbes();
}

async function forgetProbes(): Promise<void> {
  await rm(PROBE_HEADER, { force: true });
  for (const name of await readdir(DOOR).catch(() => [])) {
    if (name.startsWith("probe-")) await rm(join(DOOR, name), { force: true });
  }
}

/** Whether a stranger who asks for the chat is told to come back later. @returns true when nobody answers at all, too */
export async function isClosed(url: string): Promise<boolean> {
  const name = new URL(url).hostname;
  return new Promise((resolve) => {
    const asked = request(
      {
        host: "127.0.0.1",
        port: 443,
        servername: name,
        headers: { Host: name },
        // It is this host that is asked, whatever certificate it has.
        rejectUnauthorized: false,
        timeout: 10_000,
        agent: false,
      },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode === 503);
      },
    );
    asked.on("timeout", () => asked.destroy());
    asked.on("error", () => resolve(true));
    asked.end();
  });
}
