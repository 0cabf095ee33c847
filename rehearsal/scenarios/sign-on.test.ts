/** Whatever the sign-on rests on may stop, hang or come back: nobody passes who may not, and who may gets in again. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { isClear, plain } from "../faults/words.ts";
import {
  ask,
  beUp,
  holdTimers,
  type Outputs,
  onHost,
  outputs,
  type Session,
  signIn,
  startTimers,
} from "./hub.ts";

let to: Outputs;
let admin: Session;
let signedOut: Session;

/** How long the gate's memory and a failing answer may take together, and more. */
const patience = { timeout: 180_000, interval: 1_000 };
const paths = ["/files/", "/code/", "/hub/"];

beforeAll(async () => {
  await beUp();
  // A night's work without its database would be an alarm until the next night.
  await holdTimers();
  to = await outputs();
  admin = await signIn(to);
  signedOut = await signIn(to);
  await ask(to, "/api/v1/auths/signout", {
    method: "POST",
    headers: { Cookie: signedOut.cookie },
  });
});

afterAll(startTimers);

const statusOf = async (path: string, cookie: string) =>
  (await ask(to, path, { headers: { Cookie: cookie, Accept: "text/html" } })).status;
const container = (service: string) => `aihub-${service}-1`;

/** Strangers, and one whose session was ended: never in, whatever stands still. */
async function nobodyPasses(): Promise<void> {
  const shut = async (path: string, cookie: string) =>
    expect([302, 401, 403, 500, 502, 503, 504], `${path} ${cookie.slice(0, 12)}`).toContain(
      await statusOf(path, cookie),
    );
  // All at once: what hangs makes each of them wait.
  await Promise.all(
    paths.flatMap((path) =>
      ["", "token=a.b.c", signedOut.cookie].map((cookie) => shut(path, cookie)),
    ),
  );
}

async function adminPasses(): Promise<void> {
  await expect.poll(() => statusOf("/files/", admin.cookie), patience).toBe(200);
}

describe.each(["hub-server", "open-webui", "postgres", "valkey"])("%s", (service) => {
  afterEach(async () => {
    await onHost(`docker unpause ${container(service)} 2>/dev/null || true`);
    await onHost(`docker start ${container(service)}`);
    await adminPasses();
    await nobodyPasses();
  });

  it("stopped: the doors shut, with a page that says so", async () => {
    await adminPasses();
    await onHost(`docker stop -t 5 ${container(service)}`);
    await nobodyPasses();
    await expect.poll(() => statusOf("/files/", admin.cookie), patience).toBe(503);
    const page = await ask(to, "/files/", {
      headers: { Cookie: admin.cookie, Accept: "text/html" },
    });
    expect(page.body).toMatch(/One moment/);
    if (service === "open-webui") {
      const chat = await ask(to, "/", { headers: { Accept: "text/html" } });
      expect([chat.status, chat.body]).toEqual([503, expect.stringMatching(/One moment/)]);
      const program = await ask(to, "/api/v1/chats/", { headers: { Accept: "application/json" } });
      expect([program.status, program.body]).toEqual([
        503,
        expect.stringMatching(/"detail":"This/),
      ]);
    }
    if (service === "postgres") {
      const program = await ask(to, "/api/v1/auths/signin", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ email: "admin@example.com", password: "wrong" }),
      });
      expect(program.status).toBeGreaterThanOrEqual(500);
      expect(isClear(plain(program.body)), program.body).toBe(true);
    }
    await nobodyPasses();
  });

  it("hanging: the doors shut", async () => {
    await adminPasses();
    await onHost(`docker pause ${container(service)}`);
    await expect.poll(() => statusOf("/files/", admin.cookie), patience).toBe(503);
    await nobodyPasses();
  });

  it("restarted: nobody slips in while it starts", async () => {
    await adminPasses();
    await onHost(`docker restart -t 5 ${container(service)}`);
    for (let round = 0; round < 5; round++) await nobodyPasses();
  });
});
