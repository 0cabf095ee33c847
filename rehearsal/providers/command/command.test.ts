import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { operationUnderTest } from "../operation-under-test.ts";
import { privateKey } from "../tls/private-key.ts";
import { Archive, Asset } from "../wire.ts";
import { copyToRemote } from "./copy-to-remote.ts";
import { remoteCommand } from "./remote-command.ts";
import { type SshServerUnderTest, sshServerUnderTest } from "./ssh-server-under-test.ts";

let server: SshServerUnderTest;
let folder: string;

beforeAll(async () => {
  server = await sshServerUnderTest({ accepted: ["LANG", "PULUMI_COMMAND_STDOUT"] });
});
afterAll(() => server.close());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "aihub-command-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
});

const connection = (more: object = {}) => ({
  host: "127.0.0.1",
  port: server.port,
  user: server.login.user,
  privateKey: server.login.privateKey,
  hostKey: server.hostKey,
  dialErrorLimit: 0,
  ...more,
});

const create = async (inputs: object, operation = operationUnderTest()) =>
  (await remoteCommand.create({ connection: connection(), ...inputs }, operation)).outputs;

test("runs a command in a real shell and keeps its two outputs apart", async () => {
  const outputs = await create({ create: "echo one; echo two; echo wrong >&2" });
  expect(outputs).toMatchObject({ stdout: "one\ntwo", stderr: "wrong" });
});

test("hands stdin over, however long", async () => {
  const stdin = "0123456789abcdef\n".repeat(40_000);
  const outputs = await create({ create: "wc -c", stdin, logging: "none" });
  expect(outputs.stdout).toMatch(new RegExp(`^\\s*${stdin.length}$`));
});

test("an exit code is an error that shows the command and what it printed", async () => {
  const failing = create({ create: "echo before; echo why >&2; exit 3" });
  await expect(failing).rejects.toThrow(
    /^Process exited with status 3: running "echo before; echo why >&2; exit 3":\n(before\nwhy|why\nbefore)\n$/,
  );
});

test("shows lines while the command runs, unless logging is off", async () => {
  const shown = operationUnderTest();
  await create({ create: "echo first; echo second >&2" }, shown);
  expect(shown.statuses.sort()).toEqual(["first", "second"]);
  const quiet = operationUnderTest();
  await create({ create: "echo first; echo second >&2", logging: "none" }, quiet);
  expect(quiet.statuses).toEqual([]);
  const half = operationUnderTest();
  await create({ create: "echo first; echo second >&2", logging: "stderr" }, half);
  expect(half.statuses).toEqual(["second"]);
});

test("fails on a line over which the real provider hangs, and takes it when logging is off", async () => {
  const long = "head -c 70000 /dev/zero | tr '\\0' x";
  await expect(create({ create: long })).rejects.toThrow(/set logging to "none"/);
  const outputs = await create({ create: long, logging: "none" });
  expect(String(outputs.stdout)).toHaveLength(70_000);
});

test("an environment variable that the server refuses is an error that names it", async () => {
  await expect(create({ create: "true", environment: { SECRET: "x" } })).rejects.toThrow(
    'could not set environment variable "SECRET"',
  );
});

test("an environment variable that the server accepts arrives", async () => {
  const outputs = await create({ create: 'echo "$LANG"', environment: { LANG: "tlh" } });
  expect(outputs.stdout).toBe("tlh");
});

test("update runs `update`, or `create` again, with the previous output in the environment", async () => {
  const inputs = { connection: connection(), create: "echo created" };
  const outputs = await create(inputs);
  const old = { inputs, outputs };
  const next = { ...inputs, update: 'echo "was $PULUMI_COMMAND_STDOUT"' };
  const updated = await remoteCommand.update?.("id", next, old, operationUnderTest());
  expect(updated?.stdout).toBe("was created");
  const again = await remoteCommand.update?.("id", inputs, old, operationUnderTest());
  expect(again?.stdout).toBe("created");
});

test("a refused variable of the previous output is only a warning", async () => {
  const inputs = { connection: connection(), create: "echo noise >&2" };
  const operation = operationUnderTest();
  await remoteCommand.update?.("id", inputs, { inputs, outputs: await create(inputs) }, operation);
  expect(operation.reports).toEqual([expect.stringContaining("'PULUMI_COMMAND_STDERR'")]);
  const without = operationUnderTest();
  const quiet = { ...inputs, addPreviousOutputInEnv: false };
  await remoteCommand.update?.(
    "id",
    quiet,
    { inputs: quiet, outputs: await create(quiet) },
    without,
  );
  expect(without.reports).toEqual([]);
});

test("delete runs the script and the connection that were remembered", async () => {
  const mark = join(folder, "deleted");
  const inputs = { connection: connection(), delete: `echo gone > ${mark}` };
  await remoteCommand.delete?.("id", { inputs, outputs: {} }, operationUnderTest());
  expect(readFileSync(mark, "utf8")).toBe("gone\n");
});

test("without a script nothing is dialled", async () => {
  const before = server.connections();
  await create({ connection: connection({ port: 1 }) });
  expect(server.connections()).toBe(before);
});

test("refuses a host with another key", async () => {
  const stranger = await sshServerUnderTest();
  onTestFinished(() => stranger.close());
  const inputs = { create: "true", connection: connection({ hostKey: stranger.hostKey }) };
  await expect(create(inputs)).rejects.toThrow(
    "after 0 failed attempts: ssh: handshake failed: ssh: host key mismatch",
  );
  expect(stranger.commands).toEqual([]);
});

test("a host key that is none fails before a dial", async () => {
  const inputs = { create: "true", connection: connection({ hostKey: "nonsense" }) };
  await expect(create(inputs)).rejects.toThrow("failed to parse host key");
});

test("retries a wrong login too, and says so at the end", async () => {
  const { privateKeyOpenssh } = (
    await privateKey.create({ algorithm: "ED25519" }, operationUnderTest())
  ).outputs;
  const operation = operationUnderTest();
  const refused = connection({ privateKey: privateKeyOpenssh, dialErrorLimit: 2 });
  const before = server.connections();
  await expect(create({ create: "true", connection: refused }, operation)).rejects.toThrow(
    "after 2 failed attempts: ssh: handshake failed: ssh: unable to authenticate",
  );
  expect(server.connections() - before).toBe(3);
  expect(operation.statuses).toEqual(["Dial 1/2 failed: retrying", "Dial 2/2 failed: retrying"]);
});

test("waits for a server that opens late", async () => {
  const port = await freePort();
  const operation = operationUnderTest();
  const late = connection({
    port,
    hostKey: undefined,
    password: "correct horse",
    privateKey: undefined,
    dialErrorLimit: 60,
  });
  const running = create({ create: "echo at last", connection: late }, operation);
  await expect.poll(() => operation.statuses.length).toBeGreaterThan(1);
  const opened = await sshServerUnderTest({ port });
  onTestFinished(() => opened.close());
  expect((await running).stdout).toBe("at last");
});

test("stops dialling and running when asked to", async () => {
  const dialling = new AbortController();
  const first = operationUnderTest({ signal: dialling.signal });
  const waiting = create(
    { create: "true", connection: connection({ port: await freePort(), dialErrorLimit: -1 }) },
    first,
  );
  await expect.poll(() => first.statuses.length).toBeGreaterThan(0);
  dialling.abort(new Error("stopped"));
  await expect(waiting).rejects.toThrow("stopped");

  const running = new AbortController();
  const second = operationUnderTest({ signal: running.signal });
  const sleeping = create({ create: "echo begun; sleep 600" }, second);
  await expect.poll(() => second.statuses).toEqual(["begun"]);
  running.abort(new Error("stopped"));
  await expect(sleeping).rejects.toThrow("stopped");
});

test.each(["privateKeyOpenssh", "privateKeyPem"])(
  "logs in with the %s of a key made here",
  async (form) => {
    const { outputs } = await privateKey.create({ algorithm: "ED25519" }, operationUnderTest());
    const key = connection({ privateKey: outputs[form] });
    // The server knows another key: reading this one is what is tested.
    await expect(create({ create: "true", connection: key })).rejects.toThrow(/authenticate/);
    const broken = connection({ privateKey: "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n" });
    await expect(create({ create: "true", connection: broken })).rejects.toThrow(/^ssh: /);
  },
);

const copy = (source: Asset | Archive, remotePath: string) =>
  copyToRemote.create({ connection: connection(), source, remotePath }, operationUnderTest());

test("copies text, making the directories above, with the server's umask", async () => {
  const path = join(folder, "a/b/text");
  await copy(new Asset("h", { text: "héllo\n" }), path);
  expect(readFileSync(path, "utf8")).toBe("héllo\n");
  expect(statSync(path).mode & 0o777).toBe(0o666 & ~process.umask());
});

test("overwrites a file in place: its mode stays, nothing of the old text is left", async () => {
  const path = join(folder, "kept");
  writeFileSync(path, "something much longer");
  chmodSync(path, 0o600);
  await copy(new Asset("h", { text: "short" }), path);
  expect(readFileSync(path, "utf8")).toBe("short");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  await copy(new Asset("h", { text: "" }), path);
  expect(readFileSync(path, "utf8")).toBe("");
});

test("copies a file of several packets, into a directory under its own name", async () => {
  const source = join(folder, "source.bin");
  const bytes = Buffer.alloc(300_001, "0123456789");
  writeFileSync(source, bytes);
  mkdirSync(join(folder, "there"));
  await copy(new Asset("h", { path: source }), join(folder, "there"));
  expect(readFileSync(join(folder, "there/source.bin")).equals(bytes)).toBe(true);
  const text = new Asset("h", { text: "x" });
  await expect(copy(text, join(folder, "there"))).rejects.toThrow("is a directory");
});

test("copies a directory: with a slash its contents, without one itself", async () => {
  const source = join(folder, "tree");
  mkdirSync(join(source, "deep"), { recursive: true });
  writeFileSync(join(source, "deep/leaf"), "leaf");
  writeFileSync(join(source, "top"), "top");
  await copy(new Archive("h", { path: `${source}/` }), join(folder, "one"));
  expect(readFileSync(join(folder, "one/deep/leaf"), "utf8")).toBe("leaf");
  await copy(new Archive("h", { path: source }), join(folder, "two"));
  expect(readFileSync(join(folder, "two/tree/top"), "utf8")).toBe("top");
  await expect(copy(new Archive("h", { path: source }), join(folder, "one/top"))).rejects.toThrow();
});

test("copies again only when the source's hash or the path changed", async () => {
  const path = join(folder, "again");
  const inputs = {
    connection: connection(),
    source: new Asset("h1", { text: "one" }),
    remotePath: path,
  };
  const { outputs } = await copyToRemote.create(inputs, operationUnderTest());
  writeFileSync(path, "changed behind our back");
  const old = { inputs, outputs };
  const same = { ...inputs, source: new Asset("h1", { text: "one" }) };
  await copyToRemote.update?.("id", same, old, operationUnderTest());
  expect(readFileSync(path, "utf8")).toBe("changed behind our back");
  const other = { ...inputs, source: new Asset("h2", { text: "two" }) };
  await copyToRemote.update?.("id", other, old, operationUnderTest());
  expect(readFileSync(path, "utf8")).toBe("two");
});

test("refuses sources that version 1.2.1 refuses", () => {
  const reasons = (source: unknown) =>
    copyToRemote.check?.({ source }, undefined).map(({ reason }) => reason);
  expect(reasons(new Asset("h", { uri: "https://example.com/x" }))).toEqual([
    "asset must be a path-based file asset or a text asset",
  ]);
  expect(reasons(new Archive("h", { assets: {} }))).toEqual([
    "archive must be a path to a file or directory",
  ]);
  expect(reasons(new Asset("h", { text: "fine" }))).toEqual([]);
});

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
