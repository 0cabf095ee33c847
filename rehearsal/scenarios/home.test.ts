/** The home page: how the hub is, where to go, and tokens of one's own. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HubStatus } from "../../hub-server/status/hub-status.ts";
import {
  ask,
  askJson,
  beUp,
  hub,
  hubOk,
  type Outputs,
  onHost,
  outputs,
  type Session,
  signIn,
} from "./hub.ts";
import { openBrowser, screenshot, signInOnPage } from "./in-browser.ts";
import { connectMcp } from "./mcp-client.ts";

/** Milliseconds: the host tells of itself every quarter of a minute, and later when it is busy. */
const patience = 300_000;

let to: Outputs;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let session: Session;

beforeAll(async () => {
  await beUp();
  to = await outputs();
  session = await signIn(to);
  browser = await openBrowser(to);
  context = await browser.newContext({
    ignoreHTTPSErrors: true,
    viewport: { width: 1280, height: 900 },
    // What axe puts into the page is a test's, not the hub's; the policy itself is checked below.
    bypassCSP: true,
  });
  context.setDefaultTimeout(patience);
  page = await context.newPage();
  await signInOnPage(page, to.homeUrl, to.adminEmail, to.adminPassword);
});

afterAll(async () => {
  await browser?.close();
});

const secret = (name: string) => `home-${name}-${process.pid}`;
const webdav = (token: string) => ({
  Authorization: `Basic ${Buffer.from(`anybody:${token}`).toString("base64")}`,
});

async function eventually(what: string, check: () => Promise<boolean>, forMs = patience) {
  const end = Date.now() + forMs;
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`Not within ${forMs / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

async function listTools(token: string): Promise<string[]> {
  const client = await connectMcp(to, token);
  const { tools } = await client.listTools();
  await client.close();
  return tools.map(({ name }) => name);
}

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

async function expectAccessible(): Promise<void> {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  );
  const grave = violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
  expect(grave).toEqual([]);
}

describe("the home page", () => {
  it("says at a glance that all is well, live", async () => {
    await page.getByRole("heading", { name: "All is well" }).waitFor({ timeout: patience });
    await page.getByText("live", { exact: true }).waitFor();
    await expect.poll(() => page.locator("#services tr").count()).toBe(8);
    await expect.poll(() => page.locator("#services .badge.good").count()).toBe(8);
    // A busy front door may be late to show its certificate, which is looked for again.
    for (const text of ["Data volume", "days left", "none yet", "taken"])
      await page.getByText(text).first().waitFor();
  });

  it("shows the way to everything", async () => {
    const links = page.getByRole("navigation", { name: "Apps" }).getByRole("link");
    expect(await links.evaluateAll((all) => all.map((link) => link.getAttribute("href")))).toEqual([
      "/",
      "/files/",
      "/code/",
    ]);
    await page.getByText(to.mcpUrl).first().waitFor();
  });

  it.each([
    ["light", 1280, "light"],
    ["dark", 1280, "dark"],
    ["narrow", 360, "light"],
    ["narrow-dark", 360, "dark"],
  ] as const)("is for everybody: %s", async (name, width, colorScheme) => {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.setViewportSize({ width, height: 900 });
    await expectAccessible();
    expect(
      await page.evaluate("document.documentElement.scrollWidth - window.innerWidth"),
    ).toBeLessThanOrEqual(0);
    await screenshot(page, `home-${name}`, true);
    await page.getByRole("button", { name: "New token" }).click();
    await expectAccessible();
    await screenshot(page, `home-${name}-token`);
    await page.getByRole("button", { name: "Cancel" }).click();
  });

  it("runs nothing but its own files, by a policy that the browser holds", async () => {
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize({ width: 1280, height: 900 });
    const strict = await browser.newContext({
      ignoreHTTPSErrors: true,
      storageState: await context.storageState(),
    });
    const other = await strict.newPage();
    const said: string[] = [];
    other.on("console", (message) => said.push(message.text()));
    await other.goto(to.homeUrl);
    await other.getByRole("heading", { name: "All is well" }).waitFor({ timeout: patience });
    expect(said).toEqual([]);
    await strict.close();
  });

  it("follows what happens, and tells it by itself", async () => {
    await onHost("docker pause aihub-files-1");
    try {
      await page.getByRole("heading", { name: "One service is not well" }).waitFor();
    } finally {
      await onHost("docker unpause aihub-files-1");
    }
    await page.getByRole("heading", { name: "All is well" }).waitFor();
  });

  it("shows a token that was made even when its dialog was closed meanwhile", async () => {
    const name = secret("hasty");
    const closed = Promise.withResolvers<void>();
    const tokens = "**/hub/api/tokens";
    await page.route(tokens, async (route) => {
      if (route.request().method() === "POST") await closed.promise;
      await route.continue();
    });
    await page.getByRole("button", { name: "New token" }).click();
    await page.getByLabel("Name").fill(name);
    await page.getByRole("button", { name: "Make it" }).click();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    closed.resolve();
    await page.getByRole("heading", { name: "Your new token" }).waitFor();
    expect(await page.locator("#token-secret").textContent()).toMatch(/^aihub_.{40,}$/);
    await page.getByRole("button", { name: "Done" }).click();
    await page.unroute(tokens);
    await page.getByRole("button", { name: `Revoke ${name}` }).click();
    await page.getByRole("button", { name: "Revoke", exact: true }).click();
    await page.getByRole("button", { name: `Revoke ${name}` }).waitFor({ state: "detached" });
  });

  it("makes a token that opens files and tools until it is revoked", async () => {
    const name = secret("laptop");
    await page.getByRole("button", { name: "New token" }).click();
    await page.getByLabel("Name").fill(name);
    await page.getByLabel("delete files").check();
    await page.getByRole("button", { name: "Make it" }).click();
    await page.getByRole("heading", { name: "Your new token" }).waitFor();
    const token = (await page.locator("#token-secret").textContent()) ?? "";
    expect(token).toMatch(/^aihub_.{40,}$/);
    await expectAccessible();
    await page.getByRole("button", { name: "Done" }).click();
    // A browser says that a dialog was closed in a task of its own, and the page forgets the secret then.
    await expect.poll(() => page.content()).not.toContain(token);

    const path = `/files/${name}.txt`;
    const put = await ask(to, path, { method: "PUT", headers: webdav(token), body: "by WebDAV" });
    expect(put.status).toBe(201);
    expect((await ask(to, path, { headers: webdav(token) })).body).toBe("by WebDAV");
    expect(await listTools(token)).toContain("write_code");

    await page.getByRole("button", { name: `Revoke ${name}` }).click();
    await page.getByRole("dialog").waitFor();
    await expectAccessible();
    await screenshot(page, "home-revoke");
    await page.getByRole("button", { name: "Revoke", exact: true }).click();
    await page.getByRole("button", { name: `Revoke ${name}` }).waitFor({ state: "detached" });
    expect((await ask(to, path, { headers: webdav(token) })).status).toBe(401);
    await expect(listTools(token)).rejects.toThrow();
    expect(
      (await ask(to, path, { method: "DELETE", headers: { Cookie: session.cookie } })).status,
    ).toBe(204);
  });
});

describe("a member", () => {
  const email = `member-${process.pid}@example.com`;
  const password = "a-member-of-the-rehearsal";
  let member: Session;
  let id: string;

  beforeAll(async () => {
    const made = await askJson<{ id: string }>(to, "/api/v1/auths/add", {
      method: "POST",
      session,
      json: { name: "Mia Member", email, password, role: "user" },
    });
    id = made.id;
    member = await signIn(to, email, password);
  });

  const api = <T>(path: string, method = "GET", json?: unknown) =>
    askJson<T>(to, `/hub/api/${path}`, {
      method,
      session: member,
      headers: { "X-Hub-Action": "1", Origin: to.url },
      ...(json === undefined ? {} : { json }),
    });

  it("sees how the services are, and nothing of the host", async () => {
    const status = await api<HubStatus>("status");
    expect(status).toMatchObject({ healthy: true, releases: [], volume: null, updates: null });
    const other = await browser.newContext({ ignoreHTTPSErrors: true });
    const theirs = await other.newPage();
    await signInOnPage(theirs, to.homeUrl, email, password);
    await theirs.getByRole("heading", { name: "All is well" }).waitFor({ timeout: patience });
    expect(await theirs.getByRole("heading", { name: "Releases" }).isVisible()).toBe(false);
    expect(await theirs.getByRole("link", { name: "Code" }).count()).toBe(0);
    await screenshot(theirs, "home-member", true);
    await other.close();
  });

  it("is not believed about who they are", async () => {
    const claimed = await ask(to, "/hub/api/me", {
      headers: { Cookie: member.cookie, "X-Hub-Role": "admin", "X-Hub-Id": "somebody" },
    });
    expect(JSON.parse(claimed.body)).toMatchObject({ role: "member", others: false });
  });

  it("cannot be made to act by another site", async () => {
    const act = (headers: Record<string, string>) =>
      ask(to, "/hub/api/tokens", {
        method: "POST",
        headers: { Cookie: member.cookie, "Content-Type": "application/json", ...headers },
        body: JSON.stringify({ name: secret("forged"), scopes: ["read"] }),
      });
    expect((await act({})).status).toBe(403);
    expect((await act({ "X-Hub-Action": "1", Origin: "https://evil.example" })).status).toBe(403);
  });

  it("loses their tokens with their account", async () => {
    const made = await api<{ secret: string }>("tokens", "POST", {
      name: secret("member"),
      scopes: ["read"],
    });
    const status = async () => (await ask(to, "/files/", { headers: webdav(made.secret) })).status;
    expect(await status()).toBe(200);
    await askJson(to, `/api/v1/users/${id}`, { method: "DELETE", session });
    await eventually("the token is revoked", async () => (await status()) === 401);
    expect(await onHost("docker logs aihub-hub-server-1 2>&1")).toContain(
      `Token "${secret("member")}" of ${email} is revoked: the account is gone.`,
    );
  });
});

describe("the status of the hub", () => {
  it("is the same on the command line", async () => {
    let status = {} as HubStatus;
    const look = async () => {
      status = JSON.parse((await hubOk(["status", "--json"])).stdout);
      return status.certificate !== null && status.updates?.packages !== null;
    };
    // A busy front door is late to show its certificate, and a busy host counts its updates again after five minutes.
    await expect.poll(look, { timeout: 2 * patience, interval: 2_000 }).toBe(true);
    expect(status).toMatchObject({
      healthy: true,
      stale: false,
      version: to.release,
      lastDrill: null,
      // Of a hub that is hours old at most, nothing is late.
      alarms: expect.not.arrayContaining([expect.objectContaining({ severity: "alarm" })]),
    });
    expect(status.services).toHaveLength(8);
    expect(status.services.every(({ memory }) => (memory?.used ?? 0) > 0)).toBe(true);
    expect(status.certificate?.daysLeft).toBeGreaterThan(1);
    expect(status.releases[0]).toMatchObject({ digest: to.release, outcome: "taken" });
    expect(status.releases[0]?.from).toMatch(/^[0-9a-f.:]+$/);
    expect(status.updates?.packages).not.toBeNull();
  });

  it("is told by Docker alone when the hub's server is gone", async () => {
    await onHost("docker stop aihub-hub-server-1");
    try {
      const run = await hub(["status"]);
      expect(run.exitCode).toBe(1);
      expect(run.stdout).toMatch(/✘ hub-server +exited/);
      expect(run.stdout).toMatch(/✔ open-webui +healthy/);
    } finally {
      await onHost("docker start aihub-hub-server-1");
    }
    await eventually("all is well", async () => (await hub(["status"])).exitCode === 0);
  });

  it("lies where nobody but the hub's server reads it", async () => {
    expect(await onHost("stat -c '%a %u:%g' /data/hub/status /data/hub/status/host.json")).toBe(
      "750 0:1000\n640 0:1000",
    );
    expect(
      await onHost("docker exec aihub-hub-server-1 sh -c 'touch /status/x 2>&1 || true'"),
    ).toMatch(/[Rr]ead-only/);
  });
});
