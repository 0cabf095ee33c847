/** The hub in a real browser, as a person meets it. The screenshots are kept for a look. */
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { silent } from "../../scripts/progress.ts";
import { ensureChromium } from "../../scripts/toolchain/chromium.ts";
import { hubOk, type Outputs, onHost, outputs } from "./hub.ts";

let to: Outputs;
let browser: Browser;
let page: Page;
const shots = join(process.env.AIHUB_SCREENSHOTS ?? join(tmpdir(), "aihub-screenshots"));

beforeAll(async () => {
  await hubOk(["up", "--yes"]);
  to = await outputs();
  await onHost(
    "echo '# Plans for the browser' >/data/workspace/plans.md; chown 1000:1000 /data/workspace/plans.md",
  );
  await mkdir(shots, { recursive: true });
  browser = await chromium.launch({
    executablePath: await ensureChromium(silent),
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      `--host-resolver-rules=MAP ${new URL(to.url).hostname} ${to.ipAddress}`,
    ],
  });
  // The certificate comes from the hub's own CA, checked in every other scenario; a person would be asked once.
  const context = await browser.newContext({
    ignoreHTTPSErrors: true,
    viewport: { width: 1280, height: 800 },
  });
  page = await context.newPage();
});

afterAll(async () => {
  await browser?.close();
});

const shot = (name: string) => page.screenshot({ path: join(shots, `${name}.png`) });

describe("a person with a browser", () => {
  it("is sent from /files/ to the login, signs in, and lands in the files", async () => {
    await page.goto(to.filesUrl, { waitUntil: "load" });
    await page.waitForURL(/\/auth\?redirect=/, { timeout: 60_000 });
    await page.locator('input[type="email"]').fill(to.adminEmail, { timeout: 60_000 });
    await page.locator('input[type="password"]').fill(to.adminPassword);
    await shot("login");
    await page.locator('button[type="submit"]').click();
    await page.waitForURL(/\/files\//, { timeout: 60_000 });
    await page.getByText("plans.md").first().waitFor({ timeout: 60_000 });
    await shot("files");
  });

  it("finds the chat open", async () => {
    await page.goto(to.url, { waitUntil: "load" });
    await page.locator("#chat-input").waitFor({ timeout: 60_000 });
    await page.getByText("Okay, Let's Go!").click({ timeout: 60_000 });
    await shot("chat");
    expect(page.url()).not.toMatch(/\/auth/);
  });

  it("opens the same file in VS Code", async () => {
    await page.goto(`${to.codeUrl}?folder=/workspace`, { waitUntil: "load" });
    await page.getByText("plans.md").first().dblclick({ timeout: 120_000 });
    await page.getByText("Plans for the browser").first().waitFor({ timeout: 60_000 });
    await shot("code");
  });

  it("finds the way to all of them on the home page", async () => {
    await page.goto(to.homeUrl, { waitUntil: "load" });
    expect(await page.getByRole("link").allTextContents()).toEqual([
      expect.stringContaining("Chat"),
      expect.stringContaining("Files"),
      expect.stringContaining("Code"),
    ]);
    await shot("home");
  });
});
