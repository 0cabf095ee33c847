/** A real browser, for the scenarios that look at the hub as a person does. The screenshots are kept for a look. */
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { silent } from "../../scripts/progress.ts";
import { ensureChromium } from "../../scripts/toolchain/chromium.ts";
import type { Outputs } from "./hub.ts";

/** A Chromium that finds the hub under its name. */
export async function openBrowser(to: Outputs): Promise<Browser> {
  return chromium.launch({
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
}

/** Signs in on the login page that asking for an address leads to, and waits to be led back there. */
export async function signInOnPage(
  page: Page,
  url: string,
  email: string,
  password: string,
): Promise<void> {
  await page.goto(url, { waitUntil: "load", timeout: 120_000 });
  await page.waitForURL(/\/auth\?redirect=/, { timeout: 120_000 });
  await page.locator('input[type="email"]').fill(email, { timeout: 120_000 });
  await page.locator('input[type="password"]').fill(password);
  await screenshot(page, "login");
  await page.locator('button[type="submit"]').click();
  await page.waitForURL((now) => now.pathname === new URL(url).pathname, { timeout: 120_000 });
}

export async function screenshot(page: Page, name: string, fullPage = false): Promise<void> {
  const folder = process.env.AIHUB_SCREENSHOTS ?? join(tmpdir(), "aihub-screenshots");
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage });
}
