/** Server and container as they talk by files, with the container's real script and a certbot that does as it is told. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type Certbot, certbotIn, reasonIn } from "../../../hub-server/certificate/certbot.ts";

const run = promisify(execFile);
const script = new URL("../../../templates/certbot/loop.sh", import.meta.url).pathname;

let folder: string;
let certbot: Certbot;
const at = (...parts: string[]) => join(folder, ...parts);
const asked = async () => (await readFile(at("asked"), "utf8")).trim().split("\n");

/** One turn of the container's loop. */
const turn = () =>
  run("sh", [script], {
    env: {
      PATH: `${at("bin")}:${process.env.PATH}`,
      ...{ EXCHANGE: at("exchange"), STATE: at("state"), SERVING: at("serving"), ONCE: "1" },
      ...{ WEBROOT: at("webroot"), AUTHORITY: at("ca.pem"), TEMPORARY: at("tmp"), FOLDER: folder },
      ...{
        HOST_NAME: "hub.example",
        ACME_SERVER: "https://acme",
        ACME_STAGING_SERVER: "https://trial",
      },
    },
  });

async function whileLooping<T>(waiting: Promise<T>): Promise<T> {
  let over = false;
  const watched = waiting.finally(() => {
    over = true;
  });
  watched.catch(() => {});
  while (!over) await turn();
  return watched;
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "aihub-certbot-"));
  for (const name of ["bin", "exchange", "state", "serving", "webroot", "tmp"])
    await mkdir(at(name));
  await writeFile(
    at("bin/certbot"),
    `#!/bin/sh
echo "$@" >>"$FOLDER/asked"
[ -e "$FOLDER/fails" ] && { echo "Detail: no route"; exit 1; }
live="$FOLDER/state/production/live/aihub"
mkdir -p "$live" "$FOLDER/state/production/renewal"
echo "server = https://acme" >"$FOLDER/state/production/renewal/aihub.conf"
case "$*" in *state/production*) for file in fullchain privkey; do date +%s%N >"$live/$file.pem"; done ;; esac
echo certbot is done
`,
  );
  await chmod(at("bin/certbot"), 0o755);
  certbot = certbotIn(at("exchange"), { look: 5, taken: 500, answered: 10_000 });
});
afterEach(() => rm(folder, { recursive: true }));

it("carries out an order and hands on certificate and key, for nginx's eyes only", async () => {
  expect(await whileLooping(certbot.run("order", "1-a"))).toEqual({
    exitCode: 0,
    output: "certbot is done\n",
  });
  const [line = ""] = await asked();
  for (const part of [
    "certonly --server https://acme",
    `--webroot-path ${at("webroot")}`,
    "--domain hub.example",
    `--config-dir ${at("state/production")}`,
  ])
    expect(line).toContain(part);
  expect(await readdir(at("serving"))).toEqual(["1"]);
  expect((await stat(at("serving/1/privkey.pem"))).mode & 0o777).toBe(0o640);
  expect((await stat(at("serving/1"))).mode & 0o777).toBe(0o750);
  expect(await readFile(at("serving/1/server"), "utf8")).toBe("https://acme\n");
  expect(await readFile(at("exchange/chain.pem"), "utf8")).toBe(
    await readFile(at("serving/1/fullchain.pem"), "utf8"),
  );
  expect((await readdir(at("exchange"))).sort()).toEqual(["chain.pem", "result"]);
});

it("keeps the one before a renewal beside the new one, and no more", async () => {
  for (const id of ["a", "b", "c"]) await whileLooping(certbot.run("renew", id));
  expect((await readdir(at("serving"))).sort()).toEqual(["2", "3"]);
  expect((await asked())[1]).toContain("renew --cert-name aihub --server https://acme");
});

it("hands on nothing of a trial", async () => {
  await whileLooping(certbot.run("order-staging", "a"));
  expect((await asked())[0]).toContain("--server https://trial");
  expect(await readdir(at("serving"))).toEqual([]);
  expect(existsSync(at("exchange/chain.pem"))).toBe(false);
});

it("tells how it failed", async () => {
  await writeFile(at("fails"), "");
  expect(await whileLooping(certbot.run("order", "a"))).toEqual({
    exitCode: 1,
    output: "Detail: no route\n",
  });
});

it("does nothing for a request that it does not know", async () => {
  await writeFile(at("exchange/request"), "order;reboot 1\n");
  await turn();
  expect(await readFile(at("exchange/result"), "utf8")).toBe("1 64\nno such request\n");
  expect(existsSync(at("asked"))).toBe(false);
});

it("withdraws a request that nobody takes", async () => {
  expect(await certbot.run("order", "a")).toBeUndefined();
  expect(await readdir(at("exchange"))).toEqual([]);
});

it("is not run again by itself after it was cut off", async () => {
  await writeFile(at("exchange/running"), "order cut\n");
  expect(await whileLooping(certbot.collect("cut"))).toEqual({
    exitCode: 130,
    output: "certbot was stopped while it ran\n",
  });
  expect(existsSync(at("asked"))).toBe(false);
  expect(await certbot.collect("unheard-of")).toBeUndefined();
});

it("is collected by a server that was restarted meanwhile", async () => {
  await writeFile(at("exchange/request"), "renew earlier\n");
  expect(await whileLooping(certbot.collect("earlier"))).toMatchObject({ exitCode: 0 });
});

it("says in one line why it failed", () => {
  const output = `Saving debug log to /state/production/logs/letsencrypt.log
Requesting a certificate for hub.example

Certbot failed to authenticate some domains (authenticator: webroot). The Certificate Authority reported these problems:
  Domain: hub.example
  Type:   connection
  Detail: 192.0.2.1: Fetching http://hub.example/: Connection refused

Hint: The Certificate Authority failed to download the temporary challenge files.
Some challenges have failed.
Ask for help or search for solutions at https://community.letsencrypt.org.
`;
  expect(reasonIn(output)).toBe(
    "Type:   connection Detail: 192.0.2.1: Fetching http://hub.example/: Connection refused",
  );
});
