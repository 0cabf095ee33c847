/**
 * Secrets stay where they belong: what a person can set is set to values that are nowhere else, what the hub makes is taken
 * from where it lies, and all of it is looked for wherever it must not be, after the hub was used in every way.
 */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { execa } from "execa";
import type { Client as SshClient } from "ssh2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectToHost } from "../../components/host-connection.ts";
import { secretsSchema } from "../../config/schema.ts";
import { type HubPasswords, passwordsSchema } from "../../hub/passwords.ts";
import { silent } from "../../scripts/progress.ts";
import { ensurePulumi } from "../../scripts/toolchain/index.ts";
import { currentInstance } from "../instance.ts";
import { ask, hub, hubOk, instanceName, type Outputs, outputs, signIn } from "./hub.ts";
import { connectMcp } from "./mcp-client.ts";
import { sampler, watchProcesses } from "./process-samples.ts";
import { formsOf, isSecret, type Marker, secretsInState, textsInFile } from "./secret-forms.ts";

type Given = keyof typeof secretsSchema.shape;

/** Would take database and cache away from the hub: they are previewed, and not brought to the host. */
const previewedOnly: Given[] = ["databaseUrl", "redisUrl"];

const instance = currentInstance(instanceName);
const stackFile = join(instance.projectDir, "Pulumi.rehearsal.yaml");
/** On the host. In memory; nobody else looks into it. */
const ROOM = "/run/canaries";
/** A word that is no secret, put where secrets could be: a search that does not find it finds nothing. */
const planted = `planted${randomBytes(16).toString("hex")}`;

let to: Outputs;
let host: SshClient;
/** Of this machine, in the shape of the host's. */
let room: string;
let settings: string;
const markers: Marker[] = [];

/** A place where a secret, or the planted word, was found. */
interface Hit {
  side: "here" | "host";
  path: string;
  /** Which secret, never its value. */
  names: string[];
  planted: boolean;
}
let hits: Hit[] = [];

/** Runs a command of fixed text on the host; what is secret goes by its standard input. */
function run(command: string, input = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    host.exec(command, (error, channel) => {
      if (error) return reject(error);
      const said: Buffer[] = [];
      const failed: Buffer[] = [];
      channel.on("data", (chunk: Buffer) => said.push(chunk));
      channel.stderr.on("data", (chunk: Buffer) => failed.push(chunk));
      channel.on("close", (code: number | null) => {
        if (code === 0) resolve(Buffer.concat(said).toString("latin1"));
        else reject(new Error(`${command}: ${code}\n${Buffer.concat(failed)}`));
      });
      channel.end(input);
    });
  });
}

/** Runs a verb in the room and keeps all that it prints. */
async function heard(args: string[], input?: string): Promise<string> {
  const made = await hub(args, {
    env: { TMPDIR: join(room, "left") },
    ...(input === undefined ? {} : { input }),
  });
  await appendFile(join(room, "printed", args.join("-").replaceAll(/[^\w-]/g, "")), made.all);
  return made.all;
}

async function heardOk(args: string[], input?: string): Promise<string> {
  const said = await heard(args, input);
  if (/^✘/m.test(said)) throw new Error(`${args.join(" ")}:\n${said.slice(-3000)}`);
  return said;
}

/** The plain CLI, for one setting after the other within seconds. */
async function pulumi(args: string[], input?: string): Promise<string> {
  const { root } = await ensurePulumi(silent);
  const home = join(instance.stateDir, "pulumi");
  const passphrase = (await readFile(join(instance.stateDir, "passphrase"), "utf8")).trim();
  const { stdout } = await execa(join(root, "bin/pulumi"), args, {
    cwd: instance.projectDir,
    env: {
      ...{ PULUMI_HOME: home, PULUMI_BACKEND_URL: `file://${home}` },
      ...{ PULUMI_CONFIG_PASSPHRASE: passphrase, PULUMI_SKIP_UPDATE_CHECK: "1" },
    },
    ...(input === undefined ? {} : { input }),
  });
  return stdout;
}

/** The first of these that the schema takes: a new setting is covered as it comes. */
function valueFor(key: Given, passwords: HubPasswords): string {
  const word = `canary${randomBytes(20).toString("hex")}`;
  const key_ = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" });
  const candidates = [
    word,
    `postgresql://canary:${word}@127.0.0.1:5432/hub`,
    `rediss://:${word}@127.0.0.1:25061`,
    key_.toString(),
    `-----BEGIN CERTIFICATE-----\n${randomBytes(48).toString("base64")}\n-----END CERTIFICATE-----\n`,
    JSON.stringify(passwords),
  ];
  const found = candidates.find((one) => secretsSchema.shape[key].safeParse(one).success);
  if (found === undefined) throw new Error(`no value is known that the setting ${key} takes`);
  return found;
}

async function setAll(values: Record<string, string>): Promise<void> {
  for (const [key, value] of Object.entries(values)) {
    const secret = key in secretsSchema.shape;
    const kind = secret ? "--secret" : "--plaintext";
    const path = key.includes(".") ? ["--path"] : [];
    const args = ["config", "set", "--stack", "rehearsal", "--non-interactive", kind, ...path];
    await pulumi([...args, `aihub:${key}`], `${value}\n`);
  }
}

/** What models can ask for, and what they would like to. */
async function talkToTools(token: string): Promise<string> {
  const client = await connectMcp(to, token);
  const said: unknown[] = [await client.listTools()];
  const call = async (name: string, args: Record<string, unknown>) => {
    said.push(await client.callTool({ name, arguments: args }).catch((error) => String(error)));
  };
  const project = "canaries";
  await call("create_project", { project });
  await call("write_code", { project, path: "kept.txt", content: `kept ${planted}\n` });
  await call("read_code", { project, path: "kept.txt" });
  await call("list_files", { project });
  // As one who has the editor could leave them.
  await run(
    "cd /data/workspace/canaries && ln -sfn /run/secrets/mcp-token token && ln -sfn / root && ln -sfn /proc/self/environ environ",
  );
  for (const path of [
    ...["../../etc/passwd", "../../../../run/secrets/mcp-token", "/run/secrets/mcp-token"],
    ...[
      "/proc/self/environ",
      "../../proc/self/environ",
      "../../proc/1/environ",
      "token",
      "environ",
    ],
    ...["root/run/secrets/mcp-token", "root/run/chat-key/api-key", "root/state/tokens.json"],
    ...["..%2f..%2frun/secrets/mcp-token", "../.aihub/history.db", "....//....//run/secrets"],
  ]) {
    await call("read_code", { project, path });
    await call("copy", { project, from: path, to: "had.txt" });
  }
  await call("list_files", { project, path: "root/run/secrets" });
  await call("search_code", { project, path: "root/run", query: "[A-Za-z0-9]{40}", regex: true });
  for (const name of ["../../run", "..", "/run/secrets", ".aihub"]) {
    await call("list_files", { project: name });
  }
  await client.close();
  await run("cd /data/workspace/canaries && rm -f token root environ");
  return JSON.stringify(said);
}

async function askThePages(cookie: string): Promise<string> {
  const paths = [
    ...["/", "/hub/", "/hub/app.js", "/hub/api/me", "/hub/api/status", "/hub/api/tokens"],
    ...["/hub/api/audit?limit=200", "/files/?json", "/files/canaries/?json", "/api/config"],
    ...["/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource/mcp"],
  ];
  const answers = await Promise.all(
    paths.map((path) => ask(to, path, { headers: { Cookie: cookie } })),
  );
  return answers.map(({ body, headers }) => `${JSON.stringify(headers)}\n${body}\n`).join("\n");
}

/** Everything that a place of the host keeps in another form than text, as text; each kind in a folder of the room. */
const gather = `
set -eu
cd ${ROOM}/places
mkdir -p journal logs inspect environment images
journalctl --no-pager --all --output export > journal/export
docker ps -a --format '{{.Names}}' | while read -r name; do
  docker logs "$name" > logs/"$name" 2>&1
  docker inspect "$name" > environment/"$name"
done
docker images -q | sort -u | xargs docker image inspect > images/inspect
docker images -q | sort -u | xargs -n1 docker history --no-trunc > images/history
docker network ls -q | xargs docker network inspect > images/networks
ps -eo args > processes/now
iptables-save > images/rules 2>/dev/null || true
systemctl show '*' --property=ExecStart --property=Environment > images/units 2>/dev/null || true
find /var/log -name '*.gz' -exec sh -c 'zcat "$1" > logs/"$(basename "$1")".text' - {} ';'
# Apart: what each container was given as its environment.
${"/opt/aihub/tools/node"} --input-type=module -e '
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
for (const name of readdirSync("environment")) {
  const [all] = JSON.parse(readFileSync("environment/" + name, "utf8"));
  writeFileSync("environment/" + name, all.Config.Env.join("\\n") + "\\n");
  delete all.Config.Env;
  writeFileSync("inspect/" + name, JSON.stringify(all));
}'
`;

/** Where the host is searched. Databases, which keep what their services keep, are no such place. */
const onTheHost = [
  ...["/opt/aihub", "/etc", "/root", "/home", "/tmp", "/var/tmp", "/var/log", "/var/lib/cloud"],
  ...["/var/lib/aihub", "/var/spool", "/run", "/usr/local"],
  ...[
    "/data/hub",
    "/data/workspace",
    "/data/mcp-server",
    "/data/certificates",
    "/data/code-server",
  ],
];

/** By path and what was found there; the search knows all words at once. */
async function search(): Promise<Hit[]> {
  const names = new Map<string, string[]>();
  for (const { name, value } of markers) {
    for (const form of formsOf(value)) names.set(form, [...(names.get(form) ?? []), name]);
  }
  const words = [...names.keys(), ...formsOf(planted)];
  const needles = `${words.join("\n")}\n`;
  const options = "-raoZF --devices=skip --no-messages";
  const excluded =
    "--exclude-dir=docker --exclude-dir=containerd --exclude=needles --exclude-dir=tools";
  const places = [...onTheHost, `${ROOM}/places`].join(" ");
  const [there, here] = await Promise.all([
    run(
      `cat > ${ROOM}/needles; LC_ALL=C grep ${options} ${excluded} -f ${ROOM}/needles ${places} | tr '\\0' '\\t' | sort -u; true`,
      needles,
    ),
    execa(
      "grep",
      [
        ...options.split(" "),
        ...["--exclude-dir=node_modules", "-f", "-", room],
        ...["pulumi", "project", "cloud.log", "providers.log", "images.json"].map((name) =>
          join(instance.stateDir, name),
        ),
        ...["buckets", "versions", "log"].map((name) => join(instance.cloudDir, "spaces", name)),
      ],
      { input: needles, env: { LC_ALL: "C" }, reject: false, encoding: "latin1" },
    ).then(({ stdout }) => stdout),
  ]);
  const found = new Map<string, Hit>();
  for (const [side, text] of [
    ["host", there] as const,
    ["here", here.replaceAll("\0", "\t")] as const,
  ]) {
    for (const line of text.split("\n")) {
      const [path, word] = line.split("\t");
      if (!path || word === undefined) continue;
      const hit = found.get(side + path) ?? { side, path, names: [], planted: false };
      found.set(side + path, hit);
      const whose = names.get(word);
      if (whose) hit.names = [...new Set([...hit.names, ...whose])];
      else hit.planted = true;
    }
  }
  return [...found.values()];
}

/** Files that are words, keys, JSON or settings: what of them is secret. */
async function secretsInFolders(): Promise<Marker[]> {
  const files = await run(
    "find /opt/aihub/secrets /data/hub /data/mcp-server /data/certificates -type f -size -64k " +
      "! -path '*/audit/*' ! -path '*/status/*' ! -name '*.db*' ! -name '*.jsonl' ! -path '/data/hub/recovery/*' " +
      "-printf '%p\\0' | while IFS= read -r -d '' file; do printf '%s\\0' \"$file\"; cat \"$file\"; printf '\\0'; done",
  );
  const parts = files.split("\0");
  const found: Marker[] = [];
  for (let index = 0; index + 1 < parts.length; index += 2) {
    found.push(...textsInFile(parts[index] ?? "", parts[index + 1] ?? ""));
  }
  // Tokens are kept as digests there, and digests are no secrets.
  return found.filter(({ name }) => !/tokens\.json|current\.env|applied\.env/.test(name));
}

/** The private halves of the keys by which the hub signs what programs are let in with. */
async function signingKeys(): Promise<Marker[]> {
  const text = await run("cat /data/hub/server/*.db /data/hub/server/*.db-wal");
  return [...text.matchAll(/"d":"([\w-]{40,})"/g)].map(([, value = ""], index) => ({
    name: `signing key ${index}`,
    value,
  }));
}

beforeAll(async () => {
  room = await mkdtemp(join(tmpdir(), "aihub-canaries-"));
  for (const name of ["printed", "left", "processes", "answers", "logs"]) {
    await mkdir(join(room, name));
  }
  // After another scenario it runs already.
  to = await outputs().catch(async () => {
    await hubOk(["up", "--yes"]);
    return outputs();
  });
  host = await connectToHost({
    ...{ address: to.ipAddress, privateKey: to.sshPrivateKey, hostKey: to.sshHostKey },
  });
  await run("systemctl stop aihub-point.timer aihub-nightly.timer");
  await run(`rm -rf ${ROOM}; mkdir -m 700 -p ${ROOM}/places/processes`);
  await run(`cat > ${ROOM}/sampler.mjs`, sampler);
  await run(
    `systemd-run --quiet --unit=canaries /opt/aihub/tools/node ${ROOM}/sampler.mjs ${ROOM}/places/processes/seen`,
  );
  const stopWatching = watchProcesses(join(room, "processes/seen"));
  settings = await readFile(stackFile, "utf8");

  const sealed = JSON.parse(
    (await hubOk(["outputs", "escrow", "--json", "--show-secrets"])).stdout,
  ) as { escrow: { passwords: HubPasswords; repository: { location: string } } };
  const keys = Object.keys(secretsSchema.shape) as Given[];
  const given = Object.fromEntries(
    keys.map((key) => [key, valueFor(key, sealed.escrow.passwords)]),
  ) as Record<Given, string>;
  markers.push(...keys.map((key) => ({ name: `setting ${key}`, value: given[key] })));

  const { modelApiKey, ...rest } = given;
  await heardOk(["config", "set", "modelApiKey"], modelApiKey);
  await setAll({
    // Nothing answers there, and the bucket's keys are wrong: what fails is said, without them.
    ...{ modelApiUrl: "http://127.0.0.1:9/v1", tlsMode: "provided" },
    ...{ "backup.copyTo": sealed.escrow.repository.location.replace(/\/[^/]+$/, "/canaries-copy") },
    "backup.gitHostKey": to.sshHostKey,
    ...rest,
  });
  await heardOk(["pulumi", "preview", "--diff", "--non-interactive"]);
  for (const key of [...previewedOnly, "tlsMode"]) {
    await pulumi(["config", "rm", "--stack", "rehearsal", `aihub:${key}`]);
  }
  await heardOk(["up", "--yes"]);

  const passphrase = `canary${randomBytes(20).toString("hex")}`;
  const passphraseFile = join(room, "..", `${basename(room)}-passphrase`);
  await writeFile(passphraseFile, `${passphrase}\n`, { mode: 0o600 });
  markers.push({ name: "escrow passphrase", value: passphrase });
  await hub(["token", "revoke", "canaries"]);
  const token = JSON.parse((await hubOk(["token", "create", "canaries", "--json"])).stdout) as {
    secret: string;
  };
  markers.push({ name: "named token", value: token.secret });
  const session = await signIn(to);
  markers.push({ name: "session", value: session.token });

  const answers = (async () => {
    await writeFile(join(room, "answers/tools"), await talkToTools(to.mcpToken));
    await writeFile(join(room, "answers/tools-of-token"), await talkToTools(token.secret));
    await heardOk(["point", "--json"]);
    await run(`systemctl start aihub-nightly.service || true`);
    await heardOk(["restore", "file", "canaries/kept.txt", "--yes", "--json"]);
    await writeFile(join(room, "answers/pages"), await askThePages(session.cookie));
  })();
  const verbs = (async () => {
    await heardOk([
      ...["escrow", "--out", join(room, "left/escrow.age"), "--json"],
      ...["--passphrase-file", passphraseFile],
    ]);
    for (const args of [["outputs"], ["status", "--json"], ["config"]]) {
      await heard(args);
    }
    await heard(["logs", "open-webui"]);
    await heard(["pulumi", "stack", "export"]);
  })();
  await Promise.all([answers, verbs]);
  await rm(passphraseFile);

  await run(
    `logger ${planted}; docker exec aihub-nginx-1 sh -c 'echo ${planted} >/proc/1/fd/2'; sh -c 'sleep 0.3; :' ${planted}`,
  );
  await execa("sh", ["-c", "sleep 0.3; :", planted]);
  await stopWatching();
  await run("systemctl stop canaries.service");

  const state = JSON.parse(
    await pulumi(["stack", "export", "--show-secrets", "--stack", "rehearsal"]),
  );
  const ofInstance = await Promise.all(
    ["token", "passphrase"].map(async (name) => ({
      name: `rehearsal's ${name}`,
      value: (await readFile(join(instance.stateDir, name), "utf8")).trim(),
    })),
  );
  const made = [...secretsInState(state), ...(await secretsInFolders()), ...ofInstance];
  markers.push(...made.filter(isSecret), ...(await signingKeys()));

  await run(`bash -s`, gather);
  await openLogs();
  await plantCopies();
  // Said to whoever rehearses, on this machine alone; README.md and docs/security.md name it.
  const printed = join(room, "printed/up---yes");
  await writeFile(printed, (await readFile(printed, "utf8")).replace(/^ {2}Password {2}\S+$/m, ""));
  hits = await search();
});

/** The engine's logs are compressed. Those of its updates are encrypted, and stay as they are. */
async function openLogs(): Promise<void> {
  const folder = join(instance.stateDir, "pulumi/logs");
  for (const name of await readdir(folder)) {
    const bytes = await readFile(join(folder, name));
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
      await writeFile(join(room, "logs", name), gunzipSync(bytes));
    }
  }
}

/** In a copy of each place, the planted word in each spelling. */
async function plantCopies(): Promise<void> {
  const text = formsOf(planted).join("\nbefore ");
  await mkdir(join(room, "copies"));
  const places = {
    state: "pulumi/.pulumi/stacks/aihub/rehearsal.json",
    settings: "project/Pulumi.rehearsal.yaml",
    "providers-log": "providers.log",
    "cloud-log": "cloud.log",
  };
  for (const [name, path] of Object.entries(places)) {
    const kept = await readFile(join(instance.stateDir, path), "latin1");
    const middle = Math.floor(kept.length / 2);
    await writeFile(
      join(room, "copies", name),
      `${kept.slice(0, middle)}${text}${kept.slice(middle)}`,
      "latin1",
    );
  }
  // Bytes that are no text lie around it in the bucket.
  await writeFile(
    join(room, "copies/bucket"),
    Buffer.concat([randomBytes(100_000), Buffer.from(`\0${text}\0`), randomBytes(100_000)]),
  );
  await run(
    `mkdir -p ${ROOM}/places/copies; cd ${ROOM}/places/copies; cat > word; ` +
      "for file in /opt/aihub/current/compose.yaml /opt/aihub/store/nginx-*/nginx.conf ../inspect/aihub-nginx-1 ../environment/aihub-nginx-1 ../images/history /var/log/dpkg.log; do " +
      'cat "$file" word "$file" > "$(basename "$(dirname "$file")")-$(basename "$file")"; done',
    text,
  );
}

afterAll(async () => {
  if (settings) await writeFile(stackFile, settings);
  if (host) {
    await run(
      `systemctl stop canaries.service 2>/dev/null; rm -rf ${ROOM} /data/workspace/canaries; systemctl start aihub-point.timer aihub-nightly.timer`,
    );
    host.end();
  }
  await hub(["token", "revoke", "canaries"]);
  if (room) await rm(room, { recursive: true, force: true });
});

const readable = ({ side, path, names }: Hit) => `${side} ${path}: ${names.join(", ")}`;
const inside = (pattern: RegExp) => (hit: Hit) => pattern.test(hit.path);

/** Where secrets are meant to lie on the host, for whom; each is checked for who else may read it. */
const kept = [
  /^\/opt\/aihub\/secrets\//,
  // The chat's API keys, for the service that uses each; the password that set-up gave the administrator last.
  /^\/data\/hub\/(setup|chat-key|server-key)\//,
  // Keys by which the hub's server signs, with what it let in.
  /^\/data\/hub\/server\//,
  // The host's own key, and what it was made from.
  /^\/etc\/ssh\/ssh_host_ed25519_key$/,
  /^\/var\/lib\/cloud\//,
  /^\/run\/cloud-init\//,
  // What the next point is made of: the secrets, and a database that has them.
  /^\/data\/hub\/recovery\/point\//,
  // Keys of the places of backups, in memory, while and after they are used.
  /^\/run\/aihub-recovery\//,
];

describe("the secrets looked for", () => {
  it("are all that there are", () => {
    const names = markers.map(({ name }) => name);
    for (const key of Object.keys(secretsSchema.shape)) expect(names).toContain(`setting ${key}`);
    const sealed = markers.filter(({ name }) => name.includes("escrow.passwords."));
    expect(sealed.map(({ name }) => name.split(".").at(-1)).sort()).toEqual(
      expect.arrayContaining(Object.keys(passwordsSchema.shape).sort()),
    );
    for (const folder of [
      "nginx",
      "open-webui",
      "mcp-server",
      "postgres",
      "valkey",
      "setup",
      "recovery",
    ]) {
      expect(
        names.some((name) => name.startsWith(`/opt/aihub/secrets/${folder}-`)),
        folder,
      ).toBe(true);
    }
    expect(names.filter((name) => name.startsWith("signing key")).length).toBeGreaterThan(0);
    expect(
      names.filter((name) => /^state (ca|server|login|host)\b/.test(name)).length,
    ).toBeGreaterThanOrEqual(4);
    expect(new Set(markers.map(({ value }) => value)).size).toBeGreaterThanOrEqual(32);
    for (const { name, value } of markers) expect(formsOf(value).length, name).toBeGreaterThan(3);
  });

  it("had come to the host", () => {
    const arrived = hits.filter(inside(/^\/opt\/aihub\/secrets\//)).flatMap(({ names }) => names);
    for (const key of ["modelApiKey", "backupSshKey", "backupGitKey", "backupCopySecretKey"]) {
      expect(arrived).toContain(`setting ${key}`);
    }
  });
});

describe("the search", () => {
  it.each([
    ["here", /\/copies\/state$/],
    ["here", /\/copies\/settings$/],
    ["here", /\/copies\/providers-log$/],
    ["here", /\/copies\/cloud-log$/],
    ["here", /\/copies\/bucket$/],
    ["here", /\/processes\/seen$/],
    ["here", /\/answers\/tools$/],
    ["host", /\/processes\/seen$/],
    ["host", /\/journal\/export$/],
    ["host", /\/logs\/aihub-nginx-1$/],
    ["host", /^\/data\/workspace\/canaries\/kept\.txt$/],
    ["host", /\/copies\/.*compose\.yaml$/],
    ["host", /\/copies\/.*nginx\.conf$/],
    ["host", /\/copies\/inspect-/],
    ["host", /\/copies\/environment-/],
    ["host", /\/copies\/images-history$/],
    ["host", /\/copies\/log-dpkg\.log$/],
  ])("finds %s what lies in %s", (side, path) => {
    expect(
      hits.filter((hit) => hit.side === side && hit.planted && path.test(hit.path)),
    ).not.toEqual([]);
  });

  it.each([
    ["as it is", (word: string) => word],
    ["in base64", (word: string) => Buffer.from(`x${word}yz`).toString("base64")],
    ["in base64 for addresses", (word: string) => Buffer.from(`xy${word}z`).toString("base64url")],
    ["in hexadecimal", (word: string) => Buffer.from(word).toString("hex")],
    ["in an address", (word: string) => `https://x/?key=${encodeURIComponent(word)}`],
    ["in JSON", (word: string) => JSON.stringify({ key: `${word}\n` })],
    ["one line of a key in JSON", () => JSON.stringify(pem)],
    ["one line of a key, indented", () => pem.replaceAll("\n", "\r\n    ")],
  ])("knows a secret %s", (_how, spelled) => {
    const word = "a+secret/with&all%kinds=of\"signs'in it";
    expect([...formsOf(word), ...formsOf(pem)].some((form) => spelled(word).includes(form))).toBe(
      true,
    );
  });
});

const pem = generateKeyPairSync("rsa", { modulusLength: 2048 })
  .privateKey.export({ type: "pkcs8", format: "pem" })
  .toString();

describe("secrets", () => {
  const leaks = (which: (hit: Hit) => boolean) =>
    hits.filter((hit) => hit.names.length > 0 && which(hit)).map(readable);

  it("are in no state, history, log or setting of the engine in clear, nor in the bucket", () => {
    expect(leaks((hit) => hit.side === "here" && !hit.path.startsWith(room))).toEqual([]);
    expect(leaks(inside(/\/logs\/(pulumi|organization)/))).toEqual([]);
  });

  it("are in nothing that a verb prints or leaves", () => {
    expect(leaks((hit) => hit.side === "here" && /\/(printed|left)\//.test(hit.path))).toEqual([]);
  });

  it("are in no answer of tools, pages and status", () => {
    expect(leaks((hit) => hit.side === "here" && hit.path.includes("/answers/"))).toEqual([]);
  });

  it("are in no command line, here or on the host", () => {
    expect(leaks(inside(/\/processes\//))).toEqual([]);
  });

  it("are in no journal, log, container's definition or image", () => {
    expect(leaks(inside(/\/places\/(journal|logs|inspect|images|copies)\//))).toEqual([]);
  });

  it("are in the environment of the chat alone, from the file that only it has", () => {
    const given = leaks(inside(/\/places\/environment\//));
    expect(given).toHaveLength(1);
    expect(given[0]).toMatch(/\/environment\/aihub-open-webui-1:/);
    for (const name of given[0]?.split(": ")[1]?.split(", ") ?? []) {
      expect(name).not.toMatch(/tls|backup|mcp|signing|login|passphrase|rehearsal's/i);
    }
  });

  it("are nowhere else on the host but where their service has them, and nobody else reads them", async () => {
    const found = hits.filter(
      ({ side, names, path }) =>
        side === "host" && names.length > 0 && !path.startsWith(`${ROOM}/places/`),
    );
    const meant = found.filter(({ path }) => kept.some((place) => place.test(path)));
    expect(found.filter((hit) => !meant.includes(hit)).map(readable)).toEqual([]);
    for (const place of kept.slice(0, 2))
      expect(meant.some(inside(place)), String(place)).toBe(true);
    // As one who is nobody in particular.
    const open = await run(
      `while IFS= read -r file; do setpriv --reuid=65534 --regid=65534 --clear-groups cat "$file" >/dev/null 2>&1 && echo "$file"; done; true`,
      `${meant.map(({ path }) => path).join("\n")}\n`,
    );
    expect(open).toBe("");
    expect(await run("stat -c '%a %u' /opt/aihub/secrets")).toBe("700 0\n");
    const modes = await run("find /opt/aihub/secrets -type f -printf '%m\\n' | sort -u");
    expect(
      modes
        .trim()
        .split("\n")
        .every((mode) => /^[46]00$/.test(mode)),
      modes,
    ).toBe(true);
  });

  it("are sealed in the escrow, which only its owner reads", async () => {
    expect((await stat(join(room, "left/escrow.age"))).mode & 0o777).toBe(0o600);
  });
});
