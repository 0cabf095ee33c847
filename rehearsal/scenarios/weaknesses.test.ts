/** What scanners look for: TLS by sslyze, the headers of every app, cookies, what is sent to whom. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { silent } from "../../scripts/progress.ts";
import { scanTls } from "../../scripts/toolchain/sslyze.ts";
import { type Answer, ask, beUp, type Outputs, onHost, outputs, signIn } from "./hub.ts";

let to: Outputs;
let cookie: string;

beforeAll(async () => {
  await beUp();
  to = await outputs();
  ({ cookie } = await signIn(to));
});

it("TLS is as Mozilla's intermediate configuration asks for, without a known weakness", async () => {
  const folder = await mkdtemp(join(tmpdir(), "aihub-scan-"));
  try {
    const authority = join(folder, "ca.pem");
    await writeFile(authority, to.caCertificate);
    const name = new URL(to.url).hostname;
    const { report } = await scanTls(`${to.ipAddress}:443`, name, authority, silent);
    expect(report).toMatch(/SCANS COMPLETED/);
    expect(report).not.toMatch(/VULNERABLE -/);
    // A CA of its own is in no browser's list: that and nothing else is complained about.
    const complaints = report.split("\n").filter((line) => /^\s+\* [a-z_]+: /.test(line));
    expect(complaints.filter((line) => !/certificate_path_validation/.test(line))).toEqual([]);
    for (const old of ["SSL 2.0", "SSL 3.0", "TLS 1.0", "TLS 1.1"])
      expect(report).toMatch(new RegExp(`${old} Cipher Suites:\\s+Attempted[^*]*rejected all`));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

describe("headers", () => {
  const policy = (answer: Answer) => String(answer.headers["content-security-policy"] ?? "");
  const apps = ["/", "/auth", "/files/", "/code/?folder=/workspace", "/hub/", "/api/config"];

  it.each(apps)("%s is guarded in a browser", async (path) => {
    const answer = await ask(to, path, { headers: { Cookie: cookie, Accept: "text/html" } });
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      "x-content-type-options": "nosniff",
      "x-frame-options": "SAMEORIGIN",
      "referrer-policy": "same-origin",
      "cross-origin-resource-policy": "same-origin",
    });
    expect(answer.headers["permissions-policy"]).toMatch(/geolocation=\(\)/);
    expect(policy(answer)).toMatch(/frame-ancestors '(self|none)'/);
    expect(policy(answer)).toMatch(/object-src 'none'|default-src 'none'/);
    expect(answer.headers.server).toBe("nginx");
    expect(answer.headers["x-powered-by"]).toBeUndefined();
  });

  it("a refusal is guarded as well", async () => {
    const answer = await ask(to, "/files/", { headers: { Accept: "text/html" } });
    expect(answer.headers["x-content-type-options"]).toBe("nosniff");
  });

  it("a page among the files may run nothing, under any spelling", async () => {
    await onHost(
      "echo '<script>document.title=1</script>' >/data/workspace/page.html; chown 1000:1000 /data/workspace/page.html",
    );
    for (const path of [
      "/files/page.html",
      "/files/./page.html",
      "/files/%70age.html",
      "/%66iles/page.html",
      "//files//page.html",
      "/files/page.html?x=1",
      "/files/page.html?raw",
      "/files/page.html?x=?view",
      "/files/page.html?a/?",
    ]) {
      const answer = await ask(to, path, { headers: { Cookie: cookie } });
      if (answer.status === 200 && answer.body.includes("document.title=1"))
        expect(policy(answer), path).toMatch(/^sandbox; default-src 'none'/);
    }
    const plain = await ask(to, "/files/page.html", { headers: { Cookie: cookie } });
    expect(plain.body).toContain("document.title=1");
  });

  it("a session's cookie is the browser's alone", async () => {
    const answer = await ask(to, "/api/v1/auths/signin", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ email: to.adminEmail, password: to.adminPassword }),
    });
    const cookies = [answer.headers["set-cookie"] ?? []].flat();
    const token = cookies.find((one) => one.startsWith("token="));
    expect(token).toMatch(/; ?HttpOnly/i);
    expect(token).toMatch(/; ?Secure/i);
    expect(token).toMatch(/; ?SameSite=lax/i);
  });
});

it("guesses at a password are slowed down for an address", async () => {
  const guess = async (number: number) =>
    (
      await ask(to, "/api/v1/auths/signin", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ email: `nobody-${number}@example.org`, password: "guess" }),
      })
    ).status;
  expect(await guess(0)).toBe(400);
  // At once: one after the other, those of a slow machine are no flood.
  expect(await Promise.all(Array.from({ length: 44 }, (_, number) => guess(number + 1)))).toContain(
    429,
  );
  // The next scenario signs in again.
  await new Promise((resolve) => setTimeout(resolve, 20_000));
});
