/** Pebble and its DNS server on this machine, at an address that droplets reach. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:https";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { silent } from "../../scripts/progress.ts";
import { ensurePebble } from "../../scripts/toolchain/pebble.ts";

export interface AcmeServer {
  /** To be set as the hub's acmeServer. */
  url: string;
  /** PEM of the CA whose certificates it gives. */
  root: string;
  /** Says when this certificate (PEM) is to be renewed: ISO times. */
  setRenewalInfo(certificate: string, window: { start: string; end: string }): Promise<void>;
  stop(): Promise<void>;
}

export interface AcmeWorld {
  /** To be set as the hub's acmeCa: it signs the servers' own certificates. */
  ca: string;
  /** To be set as the hub's acmeResolver. */
  resolver: string;
  start(options: { lifeDays: number; badNonces?: number }): Promise<AcmeServer>;
  /** Sets all that the DNS has for the name. `caa`: who may issue; undefined: no record. */
  setName(name: string, addresses: string[], caa?: string): Promise<void>;
  close(): Promise<void>;
}

/** `host`: address of this machine that droplets reach. */
export async function acmeWorld(host: string): Promise<AcmeWorld> {
  const programs = await ensurePebble(silent);
  const folder = await mkdtemp(join(tmpdir(), "aihub-acme-"));
  const at = (name: string) => join(folder, name);
  await makeCertificate(folder, host);
  const ca = await readFile(at("ca.pem"), "utf8");
  const children: ChildProcess[] = [];
  const run = (program: string, args: string[], env: Record<string, string> = {}) => {
    const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: "ignore" });
    children.push(child);
    return child;
  };
  const dns = await freePort(host);
  const management = await freePort("127.0.0.1");
  run(programs.challtestsrv, [
    ...["-dnsserver", `${host}:${dns}`, "-management", `127.0.0.1:${management}`],
    ...["-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", ""],
    ...["-defaultIPv4", "", "-defaultIPv6", ""],
  ]);
  const tell = async (what: string, body: object) => {
    const told = await fetch(`http://127.0.0.1:${management}/${what}`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    if (!told.ok) throw new Error(`challtestsrv: ${what}: ${told.status}`);
  };
  await eventually(() => tell("set-default-ipv6", { ip: "" }));

  return {
    ca,
    resolver: `${host}:${dns}`,
    async start({ lifeDays, badNonces = 0 }) {
      const [port, tools] = [await freePort(host), await freePort("127.0.0.1")];
      const configuration = at(`pebble-${port}.json`);
      const pebble = {
        ...{ listenAddress: `${host}:${port}`, managementListenAddress: `127.0.0.1:${tools}` },
        ...{ certificate: at("server.pem"), privateKey: at("server-key.pem") },
        ...{ httpPort: 80, tlsPort: 443, ocspResponderURL: "" },
        ...{ externalAccountBindingRequired: false, keyAlgorithm: "ecdsa" },
        retryAfter: { authz: 1, order: 1 },
        profiles: { only: { description: "the only one", validityPeriod: lifeDays * 86_400 } },
      };
      await writeFile(configuration, JSON.stringify({ pebble }));
      const child = run(
        programs.pebble,
        ["-config", configuration, "-dnsserver", `${host}:${dns}`],
        { PEBBLE_VA_NOSLEEP: "1", PEBBLE_WFE_NONCEREJECT: String(badNonces) },
      );
      const manage = (method: string, path: string, body?: string) =>
        ask(`https://127.0.0.1:${tools}${path}`, ca, method, body);
      return {
        url: `https://${host}:${port}/dir`,
        root: await eventually(() => manage("GET", "/roots/0")),
        async setRenewalInfo(certificate, window) {
          const response = JSON.stringify({ suggestedWindow: window });
          await manage(
            "POST",
            "/set-renewal-info/",
            JSON.stringify({ Certificate: certificate, ARIResponse: response }),
          );
        },
        stop: () => end(child),
      };
    },
    async setName(name, addresses, caa) {
      await tell("clear-a", { host: name });
      await tell("clear-caa", { host: name });
      if (addresses.length > 0) await tell("add-a", { host: name, addresses });
      if (caa !== undefined) {
        await tell("add-caa", { host: name, policies: [{ tag: "issue", value: caa }] });
      }
    },
    async close() {
      await Promise.all(children.map(end));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

/** A CA and a certificate for the servers themselves. */
async function makeCertificate(folder: string, host: string): Promise<void> {
  const at = (name: string) => join(folder, name);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "7"];
  const made = ["req", "-x509", ...key];
  await execa("openssl", [
    ...[...made, "-keyout", at("ca-key.pem"), "-out", at("ca.pem"), "-subj", "/CN=rehearsal"],
    ...["-addext", "keyUsage=critical,keyCertSign"],
  ]);
  await execa("openssl", [
    ...["req", ...key.slice(0, -2), "-keyout", at("server-key.pem"), "-out", at("request.pem")],
    ...["-subj", "/CN=pebble"],
  ]);
  await writeFile(
    at("extensions"),
    `subjectAltName=IP:${host},IP:127.0.0.1\nextendedKeyUsage=serverAuth\nkeyUsage=critical,digitalSignature\n`,
  );
  await execa("openssl", [
    ...["x509", "-req", "-in", at("request.pem"), "-days", "7", "-extfile", at("extensions")],
    ...["-CA", at("ca.pem"), "-CAkey", at("ca-key.pem"), "-CAcreateserial"],
    ...["-out", at("server.pem")],
  ]);
}

async function freePort(host: string): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function ask(url: string, ca: string, method: string, body?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request(
      url,
      { method, agent: new Agent({ ca }), headers: { "User-Agent": "aihub" } },
      (response) => {
        let text = "";
        response.on("data", (part: Buffer) => {
          text += part.toString();
        });
        response.on("end", () => {
          if (response.statusCode === 200) resolve(text);
          else reject(new Error(`${url}: ${response.statusCode} ${text}`));
        });
      },
    );
    asked.on("error", reject);
    asked.end(body);
  });
}

async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (tries >= 600) throw error;
      await sleep(100);
    }
  }
}
