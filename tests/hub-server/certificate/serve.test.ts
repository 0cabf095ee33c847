/** nginx's start script with the real openssl and an nginx that only tells what it is asked. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { heldCertificate } from "../../../hub-server/certificate/held-certificate.ts";

const run = promisify(execFile);
const script = new URL("../../../templates/nginx/serve.sh", import.meta.url).pathname;
const strict = 'add_header Strict-Transport-Security "max-age=31536000" always;\n';

let made: string;
let folder: string;
let child: ChildProcess | undefined;
const at = (...parts: string[]) => join(folder, ...parts);

/** A certificate and its key in `made/<name>/`. */
async function make(name: string, hostName: string, ...more: string[]): Promise<void> {
  const to = join(made, name);
  await mkdir(to);
  await run("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
    ...["-keyout", join(to, "privkey.pem"), "-out", join(to, "fullchain.pem")],
    ...["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${hostName}`, ...more],
  ]);
}

beforeAll(async () => {
  made = await mkdtemp(join(tmpdir(), "aihub-pairs-"));
  await Promise.all([
    make("own", "hub.example"),
    make("first", "hub.example"),
    make("second", "hub.example"),
    make("other-name", "other.example"),
    make("over", "hub.example"),
  ]);
  const over = join(made, "over");
  const pair = [join(over, "fullchain.pem"), join(over, "privkey.pem")] as const;
  const request = ["x509", "-x509toreq", "-copy_extensions", "copy"];
  await run("openssl", [
    ...request,
    "-in",
    pair[0],
    "-signkey",
    pair[1],
    "-out",
    `${over}/request`,
  ]);
  // The shortest life that openssl gives ends at once.
  const shortest = ["x509", "-req", "-copy_extensions", "copy", "-days", "0"];
  await run("openssl", [
    ...shortest,
    "-in",
    `${over}/request`,
    "-signkey",
    pair[1],
    "-out",
    pair[0],
  ]);
});
afterAll(() => rm(made, { recursive: true }));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "aihub-serve-"));
  for (const name of ["bin", "given", "serving"]) await mkdir(at(name));
  await cp(join(made, "own/fullchain.pem"), at("given/tls.crt"));
  await cp(join(made, "own/privkey.pem"), at("given/tls.key"));
  await writeFile(
    at("bin/nginx"),
    `#!/bin/sh
if [ "$*" = -v ]; then
    echo "nginx version: nginx/$(cat "$FOLDER/version" 2>/dev/null || echo 1.28.0)" >&2
    exit
fi
echo "$@" >>"$FOLDER/asked"
case "$*" in
*-t*) ! [ -e "$FOLDER/refuses" ] ;;
*-s*) ;;
*) exec sleep 60 ;;
esac
`,
  );
  await chmod(at("bin/nginx"), 0o755);
});
afterEach(async () => {
  if (child) process.kill(-(child.pid as number), "SIGKILL");
  child = undefined;
  await rm(folder, { recursive: true, force: true });
});

const environment = (mode: string, known: string) => ({
  ...{ PATH: `${at("bin")}:${process.env.PATH}`, FOLDER: folder, TURN: "0.05" },
  ...{ HOST_NAME: "hub.example", TLS_MODE: mode, KNOWN_TO_BROWSERS: known },
  ...{ ACME_SERVER: "https://acme" },
  ...{ SERVING: at("serving"), GIVEN: at("given"), CHOSEN: at("tls"), CONFIGURATION: "/conf" },
});
const start = (mode = "acme", known = "yes") => {
  child = spawn("sh", [script], { env: environment(mode, known), detached: true, stdio: "ignore" });
};
const check = (mode = "acme", known = "yes") =>
  run("sh", [script, "check"], { env: environment(mode, known) });

/** As certbot's container does it. */
async function handOn(name: string, number: number, server = "https://acme"): Promise<void> {
  await cp(join(made, name), at("serving/.new"), { recursive: true });
  await writeFile(at("serving/.new/server"), `${server}\n`);
  await rename(at("serving/.new"), at("serving", String(number)));
}
const text = (path: string) => readFile(path, "utf8").catch(() => "");
const served = async () => {
  for (const name of ["own", "first", "second", "other-name", "over"]) {
    const pair = [await text(at("tls/tls.crt")), await text(at("tls/tls.key"))];
    const known = ["fullchain.pem", "privkey.pem"].map((file) => text(join(made, name, file)));
    if ((await Promise.all(known)).join() === pair.join()) return name;
  }
  return "a mixture";
};
const headers = () => text(at("tls/strict-transport-security.conf"));
const asked = async () => (await text(at("asked"))).split("\n").filter(Boolean);

describe("what is served", () => {
  it.each<[string, string[], string]>([
    ["none came yet", [], "own"],
    ["one came", ["first"], "first"],
    ["two came", ["first", "second"], "second"],
    ["the newest has ended", ["first", "over"], "first"],
    ["the newest is for another name", ["first", "other-name"], "first"],
    ["none is good", ["over", "other-name"], "own"],
  ])("when %s", async (_what, pairs, expected) => {
    for (const [index, name] of pairs.entries()) await handOn(name, index + 1);
    await check();
    expect(await served()).toBe(expected);
    expect(await headers()).toBe(expected === "own" ? "\n" : strict);
    expect(await asked()).toEqual(["-t -q -c /conf"]);
  });

  it("is never a certificate with another's key", async () => {
    await handOn("first", 1);
    await cp(join(made, "second/privkey.pem"), at("serving/1/privkey.pem"));
    await check();
    expect(await served()).toBe("own");
    await writeFile(at("serving/1/fullchain.pem"), "");
    await check();
    expect(await served()).toBe("own");
  });

  it("is the one among the secrets in the other modes, and only a known one is held to for a year", async () => {
    await handOn("first", 1);
    await check("internal");
    expect([await served(), await headers()]).toEqual(["own", "\n"]);
    await check("provided");
    expect([await served(), await headers()]).toEqual(["own", strict]);
    await check("acme", "no");
    expect([await served(), await headers()]).toEqual(["first", "\n"]);
    await handOn("second", 2, "https://another");
    await check("acme", "yes");
    expect([await served(), await headers()]).toEqual(["second", "\n"]);
  });
});

describe("a connection that is kept", () => {
  it.each([
    ["1.26.3", "keepalive_time 10s;\n"],
    ["1.27.3", "keepalive_time 10s;\n"],
    ["1.27.4", "keepalive_min_timeout 10s;\n"],
    ["1.100.0", "keepalive_min_timeout 10s;\n"],
  ])("of nginx %s is not closed under who asks", async (version, directive) => {
    await writeFile(at("version"), version);
    await check();
    expect(await text(at("tls/keepalive.conf"))).toBe(directive);
  });
});

describe("a newer one", () => {
  it("is taken over by a reload, once", async () => {
    start();
    await expect.poll(asked).toHaveLength(1);
    expect(await served()).toBe("own");
    await handOn("first", 7);
    await expect.poll(asked).toHaveLength(3);
    expect(await asked()).toEqual([
      "-c /conf -g daemon off;",
      "-t -q -c /conf",
      "-s reload -c /conf",
    ]);
    expect(await served()).toBe("first");
    expect(await headers()).toBe(strict);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await asked()).toHaveLength(3);
  });

  it("that nginx refuses leaves the old one", async () => {
    await handOn("first", 1);
    start();
    await expect.poll(asked).toHaveLength(1);
    await writeFile(at("refuses"), "");
    await handOn("second", 2);
    await expect.poll(asked).toHaveLength(2);
    await expect.poll(served).toBe("first");
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await asked()).toHaveLength(2);
  });
});

describe("what is known about it", () => {
  it("is read from the chain alone", async () => {
    const held = await heldCertificate(join(made, "first/fullchain.pem"));
    expect(held?.issuer).toBe("CN=first");
    expect(held?.covers("hub.example")).toBe(true);
    expect(held?.covers("other.example")).toBe(false);
    expect((held?.notAfter ?? 0) - (held?.notBefore ?? 0)).toBe(30 * 86_400_000);
    expect(await heldCertificate(join(made, "none"))).toBeUndefined();
  });
});
