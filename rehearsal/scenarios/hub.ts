/**
 * The hub under rehearsal, used the way a person uses it: by `npm run hub`, by HTTPS, by SSH.
 * All scenarios share one instance, apart from the default one, so that a running `npm start` is left alone.
 */

import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { type RequestOptions, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import type { Client } from "ssh2";
import { connectToHost, type HostLogin } from "../../components/host-connection.ts";
import { currentInstance } from "../instance.ts";
import { chatForm } from "./chat-form.ts";

export const instanceName = process.env.AIHUB_INSTANCE ?? "scenarios";
/** Whether all is to be tried, however long it takes. */
export const isFull = process.env.AIHUB_REHEARSAL === "full";
export const repository = new URL("../..", import.meta.url).pathname;

export interface Run {
  exitCode: number | undefined;
  stdout: string;
  stderr: string;
  /** Both streams in the order they came. */
  all: string;
}

export interface HubOptions {
  /** Checkout to run from; default this one. */
  from?: string;
  env?: Record<string, string>;
  /** Kill the run with this signal after so many milliseconds, or when a line of its output matches. */
  kill?: { signal: NodeJS.Signals; when: RegExp };
  input?: string;
}

/** Runs `npm run hub -- <args>` and returns how it ended; never throws for an exit code. */
export async function hub(args: string[], options: HubOptions = {}): Promise<Run> {
  const from = options.from ?? repository;
  const [verb = ""] = args;
  if (changing.test(verb) && args[1] !== "get") await rm(settled, { force: true });
  const child = execa(process.execPath, [join(from, "scripts/run.mjs"), "hub", ...args], {
    cwd: from,
    env: { AIHUB_INSTANCE: instanceName, CI: "true", ...options.env },
    reject: false,
    all: true,
    stdin: options.input === undefined ? "ignore" : "pipe",
    ...(options.input === undefined ? {} : { input: options.input }),
    detached: options.kill !== undefined,
  });
  const { kill } = options;
  if (kill) {
    let seen = "";
    let ended = false;
    let sent = false;
    void child.then(() => {
      ended = true;
    });
    child.all?.on("data", (chunk: Buffer) => {
      seen += chunk.toString();
      if (kill.when.test(seen) && child.pid && !ended && !sent) {
        // Once: a second Ctrl-C means something else.
        sent = true;
        process.kill(-child.pid, kill.signal);
      }
    });
  }
  const result = await child;
  if (verb === "up" && result.exitCode === 0 && from === repository) {
    await writeFile(settled, process.env.AIHUB_TEST_RUN ?? "");
  }
  return {
    exitCode: result.exitCode,
    stdout: String(result.stdout ?? ""),
    stderr: String(result.stderr ?? ""),
    all: String(result.all ?? ""),
  };
}

/** Verbs after which the hub may be another than this checkout and its own settings make it. */
const changing = /^(up|config|destroy|replace-host|resize|restore|drill|pulumi)$/;
const settled = join(currentInstance(instanceName).stateDir, "settled");

/**
 * The hub as this checkout makes it: `up`, unless a scenario before this one in the same run left it so, and in good health.
 * What a scenario changes by other ways it puts right itself.
 */
export async function beUp(): Promise<void> {
  const run = await readFile(settled, "utf8").catch(() => "");
  if (run !== "" && run === process.env.AIHUB_TEST_RUN) {
    const { stdout } = await hub(["status", "--json"]);
    if (/"healthy": ?true/.test(stdout)) return;
  }
  await hubOk(["up", "--yes"]);
}

/** Runs a verb that must succeed; the error shows everything it printed. */
export async function hubOk(args: string[], options: HubOptions = {}): Promise<Run> {
  const run = await hub(args, options);
  if (run.exitCode !== 0) {
    throw new Error(`hub ${args.join(" ")} ended with ${run.exitCode}:\n${run.all.slice(-6000)}`);
  }
  return run;
}

export interface Outputs {
  url: string;
  mcpUrl: string;
  filesUrl: string;
  codeUrl: string;
  homeUrl: string;
  ipAddress: string;
  sshCommand: string;
  sshPrivateKey: string;
  sshHostKey: string;
  adminEmail: string;
  adminPassword: string;
  mcpToken: string;
  release: string;
  caCertificate: string;
  monthlyCost: { total: number; items: { name: string; monthly: number }[] };
}

export async function outputs(): Promise<Outputs> {
  const run = await hubOk(["outputs", "--json", "--show-secrets"]);
  return JSON.parse(run.stdout) as Outputs;
}

/** How the host is reached, once asked for: it outlives the host. */
let login: Promise<HostLogin> | undefined;

async function hostLogin(): Promise<HostLogin> {
  const { stdout } = await hubOk(["outputs", "--json", "--show-secrets"]);
  const { ipAddress, sshPrivateKey, sshHostKey } = JSON.parse(stdout) as Record<string, string>;
  if (!ipAddress || !sshPrivateKey || !sshHostKey) throw new Error("The hub has no host yet");
  return { address: ipAddress, privateKey: sshPrivateKey, hostKey: sshHostKey };
}

async function connected(): Promise<Client> {
  login ??= hostLogin();
  try {
    return await connectToHost(await login);
  } catch {
    // Another hub was made since.
    login = hostLogin();
    return connectToHost(await login);
  }
}

/**
 * Runs a command as root on the simulated droplet, as `hub ssh` does; without the second or two in which that asks the engine
 * where it is. @returns what it printed, without the last line break @throws when it ends with another code than 0
 */
export async function onHost(command: string): Promise<string> {
  const client = await connected();
  try {
    return await new Promise((resolve, reject) => {
      client.exec(command, (error, channel) => {
        if (error) return reject(error);
        let stdout = "";
        let all = "";
        let code: number | null = null;
        channel.setEncoding("utf8").on("data", (text: string) => {
          stdout += text;
          all += text;
        });
        channel.stderr.setEncoding("utf8").on("data", (text: string) => {
          all += text;
        });
        channel.on("exit", (status: number | null) => {
          code = status;
        });
        channel.on("close", () => {
          if (code === 0) resolve(stdout.replace(/\n$/, ""));
          else reject(new Error(`${command} ended with ${code} on the host:\n${all.slice(-6000)}`));
        });
        channel.end();
      });
    });
  } finally {
    client.end();
  }
}

/** What the host does by its clock, but for its reports. */
const timed = ["aihub-point", "aihub-nightly", "aihub-unfinished"];

/**
 * Nothing is done by the host's clock from here on: the timers are stopped, and what one of them had begun has ended. A rollout
 * starts them again, and what was due meanwhile is done then.
 */
export async function holdTimers(): Promise<void> {
  await onHost(
    `systemctl stop ${timed.map((name) => `${name}.timer`).join(" ")}; ` +
      `while systemctl is-active ${timed.map((name) => `${name}.service`).join(" ")} | grep -qx activating; do sleep 1; done`,
  );
}

export async function startTimers(): Promise<void> {
  await onHost(`systemctl start ${timed.map((name) => `${name}.timer`).join(" ")}`);
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

export interface Ask extends Pick<RequestOptions, "method"> {
  headers?: Record<string, string>;
  body?: string;
  /** Milliseconds without a word after which it is given up; default a minute. */
  timeout?: number;
}

/**
 * One HTTPS request to the hub's reserved IP under its real name, its certificate checked against the hub's own CA.
 * `path` goes out exactly as written, so that odd spellings arrive as such.
 */
export function ask(to: Outputs, path: string, options: Ask = {}): Promise<Answer> {
  const timeout = options.timeout ?? 60_000;
  const name = new URL(to.url).hostname;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: to.ipAddress,
        port: 443,
        servername: name,
        ca: to.caCertificate,
        path,
        method: options.method ?? "GET",
        headers: { Host: name, ...options.headers },
        agent: false,
        timeout,
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.on("error", reject);
        incoming.on("end", () =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    outgoing.on("upgrade", (incoming, socket) => {
      socket.destroy();
      resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: "" });
    });
    outgoing.on("timeout", () =>
      outgoing.destroy(
        new Error(`${options.method ?? "GET"} ${path}: no answer in ${timeout / 1000} s`),
      ),
    );
    outgoing.on("error", reject);
    outgoing.end(options.body);
  });
}

export interface Session {
  token: string;
  cookie: string;
}

/** Signs in to the chat as its page does. */
export async function signIn(
  to: Outputs,
  email = to.adminEmail,
  password = to.adminPassword,
): Promise<Session> {
  const answer = await askJson<{ token: string }>(to, "/api/v1/auths/signin", {
    method: "POST",
    json: { email, password },
  });
  return { token: answer.token, cookie: `token=${answer.token}` };
}

/** A JSON call that must answer 2xx. */
export async function askJson<T>(
  to: Outputs,
  path: string,
  options: Omit<Ask, "body"> & { json?: unknown; session?: Session } = {},
): Promise<T> {
  const answer = await ask(to, path, {
    ...(options.method ? { method: options.method } : {}),
    headers: {
      Accept: "application/json",
      "Content-Type": "application/json",
      ...(options.session ? { Cookie: options.session.cookie } : {}),
      ...options.headers,
    },
    ...(options.json === undefined ? {} : { body: JSON.stringify(options.json) }),
  });
  if (answer.status < 200 || answer.status > 299) {
    throw new Error(
      `${options.method ?? "GET"} ${path}: ${answer.status} ${answer.body.slice(0, 500)}`,
    );
  }
  return JSON.parse(answer.body) as T;
}

/** An empty chat, as the page begins one. @returns its id */
export async function newChat(to: Outputs, session: Session, title: string): Promise<string> {
  const { id } = await askJson<{ id: string }>(to, "/api/v1/chats/new", {
    method: "POST",
    session,
    json: chatForm(title),
  });
  return id;
}

/** When each container on the host was started, by service: equal before and after means nothing was restarted. */
export async function startTimes(): Promise<Record<string, string>> {
  const text = await onHost(
    `docker ps -aq --filter label=com.docker.compose.project=aihub | xargs docker inspect --format '{{index .Config.Labels "com.docker.compose.service"}} {{.Id}} {{.State.StartedAt}}'`,
  );
  const times: Record<string, string> = {};
  for (const line of text.trim().split("\n")) {
    const [service, ...rest] = line.split(" ");
    if (service && service !== "setup") times[service] = rest.join(" ");
  }
  return times;
}

/** A copy of the checkout to make a change in, as a person would before a deploy; removed by `dispose`. */
export async function changedCheckout(
  change: (root: string) => Promise<void>,
): Promise<{ root: string; dispose(): Promise<void> }> {
  const root = await mkdtemp(join(tmpdir(), "aihub-checkout-"));
  await cp(repository, root, {
    recursive: true,
    filter: (source) => !/\/(node_modules|\.git)(\/|$)/.test(source.slice(repository.length - 1)),
  });
  await symlink(join(repository, "node_modules"), join(root, "node_modules"));
  await change(root);
  return { root, dispose: () => rm(root, { recursive: true, force: true }) };
}

/** `fetch` over `ask`, for clients that bring their own protocol: same address, name and certificate check. */
export function httpsFetch(
  to: Outputs,
  timeout?: number,
): (input: string | URL, init?: RequestInit) => Promise<Response> {
  return async (input, init = {}) => {
    const url = new URL(input);
    const answer = await ask(to, url.pathname + url.search, {
      method: init.method ?? "GET",
      headers: Object.fromEntries(new Headers(init.headers)),
      ...(init.body ? { body: String(init.body) } : {}),
      ...(timeout === undefined ? {} : { timeout }),
    });
    const empty = [101, 204, 205, 304].includes(answer.status);
    return new Response(empty ? null : answer.body, {
      status: answer.status,
      headers: Object.entries(answer.headers).flatMap(([key, value]) =>
        (Array.isArray(value) ? value : [value]).map(
          (each) => [key, String(each)] as [string, string],
        ),
      ),
    });
  };
}
