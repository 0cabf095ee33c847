/** What must hold before an act on the host is called done. */
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../hub/user-error.ts";
import { openHost } from "./host.ts";
import { askHub } from "./hub-https.ts";
import type { OpenStack } from "./stack.ts";
import { hostStatus } from "./status.ts";

/** What a stranger gets where; the side apps send browsers to the login and others away. */
const doors: readonly { path: string; method: string; status: readonly number[] }[] = [
  { path: "/", method: "GET", status: [200] },
  { path: "/files/", method: "GET", status: [302, 401] },
  { path: "/code/", method: "GET", status: [302, 401] },
  { path: "/hub/", method: "GET", status: [302, 401] },
  { path: "/files/", method: "PROPFIND", status: [401] },
  { path: "/mcp", method: "POST", status: [401] },
];

const TRIES = 30;
const EVERY_MS = 2_000;

/** Services healthy, login page there, doors shut to strangers. @throws UserError that says which is not */
export async function requireGates(open: OpenStack): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const amiss = await amissAt(open);
    if (amiss.length === 0) return;
    if (attempt === TRIES) {
      throw new UserError(
        `The hub is not as it must be:\n  ${amiss.join("\n  ")}\n  fix: npm run hub -- status, npm run hub -- logs; run again when it is put right`,
      );
    }
    await sleep(EVERY_MS);
  }
}

async function amissAt(open: OpenStack): Promise<string[]> {
  const outputs = await open.stack.outputs();
  const hub = {
    address: String(outputs.ipAddress?.value),
    hostName: new URL(String(outputs.url?.value)).hostname,
    // Where it comes from is no matter of doors.
    ca: "any",
  };
  const found: string[] = [];
  for (const { path, method, status } of doors) {
    const answer = await askHub(hub, path, {
      ...{ method, headers: { Accept: "text/html" }, within: 10_000 },
    }).then(
      (one) => one.status,
      () => 0,
    );
    if (!status.includes(answer)) {
      found.push(`${method} ${path} answers ${answer || "nothing"} to a stranger`);
    }
  }
  if (found.length > 0) return found;
  const host = await openHost(open);
  try {
    const state = await hostStatus(host);
    if (!state) return ["the host gives no status"];
    const sick = state.services.filter(({ health }) => health !== "healthy");
    return state.healthy
      ? []
      : sick
          .map(({ name, health }) => `${name} is ${health}`)
          .concat(sick.length === 0 ? ["the host's report is missing"] : []);
  } finally {
    host.close();
  }
}
