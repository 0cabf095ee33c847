import { createPrivateKey } from "node:crypto";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import ssh2, { type Client, type ConnectConfig } from "ssh2";
import { z } from "zod";
import type { Operation } from "../resource.ts";
import { sshPrivatePem } from "../tls/openssh-key.ts";

const hop = {
  agentSocketPath: z.string().optional(),
  /** Failed dials that are allowed; -1 means without limit. */
  dialErrorLimit: z.int().optional(),
  host: z.string(),
  /** Line as in known_hosts without the host: "ssh-ed25519 AAAA...". Left out: any host is believed. */
  hostKey: z.string().optional(),
  password: z.string().optional(),
  /** Seconds; 0 means without limit. */
  perDialTimeout: z.int().optional(),
  port: z.number().optional(),
  privateKey: z.string().optional(),
  privateKeyPassword: z.string().optional(),
  user: z.string().optional(),
};

export const connection = z.strictObject({ ...hop, proxy: z.strictObject(hop).optional() });

type Connection = z.infer<typeof connection>;
type Hop = Omit<Connection, "proxy">;

const BACKOFF = { firstMs: 100, factor: 1.5, mostMs: 5000 };

/**
 * Runs `work` over an SSH connection, through the proxy when there is one, and closes it after.
 * Dialling is retried, whatever went wrong, as often as `dialErrorLimit` says; the work never is.
 */
export async function withConnection<Result>(
  to: Connection,
  operation: Operation,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  const { proxy, ...target } = to;
  const config = configOf(target);
  if (!proxy) {
    const client = await dialling("Dial", target, operation, () => connect(config));
    return whileConnected(client, operation, () => work(client));
  }
  const proxyConfig = configOf(proxy);
  const bastion = await dialling("Dial proxy", proxy, operation, () => connect(proxyConfig));
  return whileConnected(bastion, operation, async () => {
    const client = await dialling("Dial", target, operation, async () =>
      connect({ ...config, sock: await forward(bastion, target) }),
    );
    return whileConnected(client, operation, () => work(client));
  });
}

async function whileConnected<Result>(
  client: Client,
  { signal }: Operation,
  work: () => Promise<Result>,
): Promise<Result> {
  let broken: (error: Error) => void = () => {};
  const failure = new Promise<never>((_, reject) => {
    broken = reject;
  });
  const stop = () => broken(signal.reason as Error);
  client.on("error", broken);
  client.on("close", () => broken(new Error("the SSH connection was closed by the other side")));
  signal.addEventListener("abort", stop);
  try {
    signal.throwIfAborted();
    return await Promise.race([work(), failure]);
  } finally {
    signal.removeEventListener("abort", stop);
    failure.catch(() => {});
    client.end();
  }
}

async function dialling<Result>(
  what: string,
  { dialErrorLimit = 10 }: Hop,
  { signal, status }: Operation,
  dial: () => Promise<Result>,
): Promise<Result> {
  let wait = BACKOFF.firstMs;
  for (let failed = 0; ; failed++) {
    signal.throwIfAborted();
    try {
      return await dial();
    } catch (error) {
      if (dialErrorLimit > -1 && failed + 1 > dialErrorLimit) {
        throw new Error(`after ${failed} failed attempts: ${(error as Error).message}`);
      }
      const limit = dialErrorLimit === -1 ? "inf" : dialErrorLimit;
      status(`${what} ${failed + 1}/${limit} failed: retrying`);
    }
    await sleep(wait, undefined, { signal }).catch(() => signal.throwIfAborted());
    wait = Math.min(wait * BACKOFF.factor, BACKOFF.mostMs);
  }
}

function connect(config: ConnectConfig): Promise<Client> {
  const client = new ssh2.Client();
  return new Promise((resolve, reject) => {
    const failed = (error: Error & { level?: string }) => {
      client.destroy();
      reject(new Error(spell(error, config)));
    };
    // One failed dial may report twice; a report that nobody hears would end the process.
    client.on("error", failed);
    client.once("close", () => failed(new Error("the other side closed the connection")));
    client.once("ready", () => {
      client.removeAllListeners();
      // A late error of a connection that nobody uses any more must not end the process.
      client.on("error", () => {});
      resolve(client);
    });
    client.on("keyboard-interactive", (_name, _text, _language, prompts, finish) =>
      finish(prompts.map(() => config.password ?? "")),
    );
    client.connect(config);
    // Packets here are small, and each is awaited: gathering them only costs time.
    client.setNoDelay(true);
  });
}

/** Errors in the words of the real provider, where it has words of its own. */
function spell(error: Error & { level?: string }, { host, port }: ConnectConfig): string {
  if (/host (denied|key)|verification failed|no matching host key/i.test(error.message)) {
    return "ssh: handshake failed: ssh: host key mismatch";
  }
  if (error.level === "client-authentication") {
    return "ssh: handshake failed: ssh: unable to authenticate, no supported methods remain";
  }
  return `dial tcp ${host}:${port}: ${error.message}`;
}

function configOf(to: Hop): ConnectConfig {
  const config: ConnectConfig = {
    host: to.host,
    port: to.port ?? 22,
    username: to.user ?? "root",
    readyTimeout: (to.perDialTimeout ?? 15) * 1000,
    keepaliveInterval: 0,
  };
  if (to.hostKey !== undefined) {
    const [type, blob] = to.hostKey.trim().split(/\s+/);
    const parsed = ssh2.utils.parseKey(to.hostKey);
    if (parsed instanceof Error || !type || !blob) {
      throw new Error("failed to parse host key: ssh: no key found");
    }
    const expected = Buffer.from(blob, "base64");
    config.hostVerifier = (key: Buffer) => key.equals(expected);
    config.algorithms = {
      serverHostKey:
        type === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256"] : [type as "ssh-ed25519"],
    };
  }
  if (to.privateKey !== undefined) {
    config.privateKey = keyFor(to.privateKey, to.privateKeyPassword);
    if (to.privateKeyPassword !== undefined) config.passphrase = to.privateKeyPassword;
  }
  if (to.password !== undefined) {
    config.password = to.password;
    config.tryKeyboard = true;
  }
  if (to.agentSocketPath !== undefined) config.agent = to.agentSocketPath;
  return config;
}

/** The key in a form that ssh2 reads: it knows no PKCS #8. An unreadable key fails at once, without a dial. */
function keyFor(pem: string, passphrase: string | undefined): string {
  let readable = pem;
  if (/-----BEGIN (ENCRYPTED )?PRIVATE KEY-----/.test(pem)) {
    const key = createPrivateKey({ key: pem, ...(passphrase ? { passphrase } : {}) });
    readable = sshPrivatePem(key) ?? pem;
  }
  const parsed = ssh2.utils.parseKey(readable, passphrase);
  if (parsed instanceof Error) throw new Error(`ssh: ${parsed.message}`);
  return readable;
}

function forward(bastion: Client, { host, port = 22 }: Hop): Promise<Duplex> {
  return new Promise((resolve, reject) =>
    bastion.forwardOut("127.0.0.1", 0, host, port, (error, channel) =>
      error ? reject(error) : resolve(channel),
    ),
  );
}
