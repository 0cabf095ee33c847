/** The hub in a real browser, as a person meets it. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { beUp, type Outputs, onHost, outputs } from "./hub.ts";
import { openBrowser, screenshot, signInOnPage } from "./in-browser.ts";

let to: Outputs;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  await beUp();
  to = await outputs();
  await onHost(
    "echo '# Plans for the browser' >/data/workspace/plans.md; chown 1000:1000 /data/workspace/plans.md",
  );
  browser = await openBrowser(to);
  // The certificate comes from the hub's own CA, checked in every other scenario; a person would be asked once.
  const context = await browser.newContext({
    ignoreHTTPSErrors: true,
    viewport: { width: 1280, height: 800 },
  });
  context.setDefaultTimeout(120_000);
  page = await context.newPage();
});

afterAll(async () => {
  await browser?.close();
});

describe("a person with a browser", () => {
  it("is sent from /files/ to the login, signs in, and lands in the files", async () => {
    await signInOnPage(page, to.filesUrl, to.adminEmail, to.adminPassword);
    await page.getByText("plans.md").first().waitFor({ timeout: 60_000 });
    await screenshot(page, "files");
  });

  it("finds the chat open", async () => {
    await page.goto(to.url, { waitUntil: "load" });
    await page.locator("#chat-input").waitFor({ timeout: 60_000 });
    await page.getByText("Okay, Let's Go!").click({ timeout: 60_000 });
    await screenshot(page, "chat");
    expect(page.url()).not.toMatch(/\/auth/);
  });

  it("opens the same file in VS Code", async () => {
    await page.goto(`${to.codeUrl}?folder=/workspace`, { waitUntil: "load" });
    await page.getByText("plans.md").first().dblclick({ timeout: 120_000 });
    await page.getByText("Plans for the browser").first().waitFor({ timeout: 60_000 });
    await screenshot(page, "code");
  });

  it("runs a command in its terminal", async () => {
    await page.keyboard.press("Control+`");
    const terminal = page.locator(".terminal.xterm").first();
    await terminal.waitFor({ timeout: 60_000 });
    await terminal.click();
    await page.keyboard.type("echo $((6 * 7))-by-hand >/workspace/by-hand.txt\n");
    await expect
      .poll(() => onHost("cat /data/workspace/by-hand.txt 2>/dev/null || true"), {
        timeout: 60_000,
        interval: 1_000,
      })
      .toMatch("42-by-hand");
    await screenshot(page, "terminal");
  });

  it("signs out, and finds every door shut", async () => {
    await page.goto(to.url, { waitUntil: "load" });
    await page.locator("#chat-input").waitFor({ timeout: 60_000 });
    await page
      .getByRole("button", { name: /user menu|user profile/i })
      .first()
      .click();
    await page.getByText("Sign Out").click({ timeout: 60_000 });
    await page.waitForURL(/\/auth/, { timeout: 60_000 });
    for (const url of [to.filesUrl, to.codeUrl, to.homeUrl]) {
      // The gate remembers a session for seconds.
      const leadsTo = async () => {
        await page.goto(url, { waitUntil: "load" });
        return page.url();
      };
      await expect
        .poll(leadsTo, { message: url, timeout: 120_000, interval: 1_000 })
        .toMatch(/\/auth\?redirect=/);
    }
    await screenshot(page, "signed-out");
  });
});
