/** A certificate from an ACME server: had, renewed, kept, and not ordered while anything is wrong. */
import { X509Certificate } from "node:crypto";
import { request } from "node:http";
import { createConnection, createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type DetailedPeerCertificate } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CertificateStatus } from "../../hub-server/certificate/status.ts";
import { type AcmeServer, type AcmeWorld, acmeWorld } from "./acme-server.ts";
import {
  ask,
  beUp,
  hubOk,
  isFull,
  type Outputs,
  onHost,
  outputs,
  signIn,
  startTimes,
} from "./hub.ts";

const settings = ["tlsMode", "acmeServer", "acmeCa", "acmeResolver"];

let to: Outputs;
let name: string;
let world: AcmeWorld;
let server: AcmeServer;
/** Of this machine, as droplets see it. */
let machine: string;
let door: Server | undefined;

interface Served {
  fingerprint: string;
  pem: string;
  daysLong: number;
}

/** The certificate that the hub shows, when it is good by this CA and name; throws else. */
function served(ca: string): Promise<Served> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: to.ipAddress, port: 443, servername: name, ca }, () => {
      const peer = socket.getPeerCertificate(true) as DetailedPeerCertificate;
      socket.destroy();
      resolve({
        fingerprint: peer.fingerprint256,
        pem: new X509Certificate(peer.raw).toString(),
        daysLong: (Date.parse(peer.valid_to) - Date.parse(peer.valid_from)) / 86_400_000,
      });
    });
    socket.setTimeout(20_000, () => socket.destroy(new Error("no answer in 20 s")));
    socket.on("error", reject);
  });
}

const status = async () =>
  JSON.parse(await onHost("cat /data/certificates/state/status.json")) as CertificateStatus;

interface Line {
  request: string;
  outcome: string;
  server: string;
}
const ledger = async () =>
  (await onHost("cat /data/certificates/state/ledger.jsonl 2>/dev/null || true"))
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);
const issued = async () => (await ledger()).filter(({ outcome }) => outcome === "issued").length;

/** Waits for a status that was written after `since` and that fits. */
async function statusAfter(
  since: number,
  fits: (status: CertificateStatus) => boolean = () => true,
): Promise<CertificateStatus> {
  let last: CertificateStatus | undefined;
  for (let tries = 0; tries < 300; tries++) {
    last = await status().catch(() => undefined);
    if (last && Date.parse(last.writtenAt) >= since && last.state !== "ordering" && fits(last)) {
      return last;
    }
    await sleep(1_000);
  }
  throw new Error(
    `no such status: ${JSON.stringify(last)}\n${await onHost("docker logs --tail 40 aihub-hub-server-1 2>&1; docker logs --tail 20 aihub-certbot-1 2>&1; tail -n 40 /data/certificates/certbot/production/logs/letsencrypt.log; true")}`,
  );
}

/** Has the hub's server look at once, as a person does who has put something right. */
async function lookAgain(
  fits?: (status: CertificateStatus) => boolean,
): Promise<CertificateStatus> {
  // Written in whole seconds: not the second of the status before.
  await sleep(1_000);
  const since = Math.floor(Date.now() / 1000) * 1000;
  await onHost("docker restart aihub-hub-server-1 >/dev/null");
  return statusAfter(since, fits);
}

async function servedEventually(ca: string, fits: (served: Served) => boolean): Promise<Served> {
  let last: unknown;
  for (let tries = 0; tries < 120; tries++) {
    try {
      const found = await served(ca);
      if (fits(found)) return found;
      last = found.fingerprint;
    } catch (error) {
      last = error;
    }
    await sleep(1_000);
  }
  throw new Error(`not served: ${last}`);
}

/** The reserved IP is on loopback, which droplets cannot reach: the same door at this machine's address. */
async function openDoor(address: string): Promise<Server> {
  const door = createServer((incoming) => {
    const outgoing = createConnection(80, to.ipAddress);
    incoming.pipe(outgoing).pipe(incoming);
    for (const end of [incoming, outgoing]) {
      end.on("error", () => {});
      end.on("close", () => {
        incoming.destroy();
        outgoing.destroy();
      });
    }
  });
  await new Promise<void>((resolve, reject) => {
    door.once("error", reject);
    door.listen(80, address, resolve);
  });
  return door;
}

let ownCa: string;

beforeAll(async () => {
  await beUp();
  to = await outputs();
  name = new URL(to.url).hostname;
  // Left by a run of this scenario that was cut off.
  await onHost("rm -rf /data/certificates/*/*");
  ownCa = to.caCertificate;
  machine = (await onHost("ip -4 route show default")).match(/via ([\d.]+)/)?.[1] as string;
  world = await acmeWorld(machine);
  server = await world.start({ lifeDays: 90 });
  await world.setName(name, []);
  for (const [key, value] of Object.entries({
    ...{ tlsMode: "acme", acmeServer: server.url },
    ...{ acmeCa: world.ca, acmeResolver: world.resolver },
  })) {
    await hubOk(["config", "set", key], { input: value });
  }
  await hubOk(["up", "--yes"]);
});

afterAll(async () => {
  door?.close();
  await world?.close();
  for (const key of settings) await hubOk(["config", "rm", key]);
  await hubOk(["up", "--yes"]);
  await hubOk(["status"]);
  expect((await served(ownCa)).pem).toContain("BEGIN CERTIFICATE");
});

describe("before the first certificate", () => {
  it("the hub's own one serves, and the status says that the DNS has no address", async () => {
    await served(ownCa);
    const found = await statusAfter(0);
    expect(found.state).toBe("waiting");
    expect(found.message).toBe(
      `The DNS has no address for ${name}. Fix: Add an A record for ${name} with the hub's address (the output ipAddress).`,
    );
  });

  it("an address that leads elsewhere is found", async () => {
    await world.setName(name, [machine]);
    const found = await lookAgain();
    expect(found.state).toBe("waiting");
    expect(found.message).toMatch(/port 80, is not this hub: .*Let the A record/);
  });

  it("a CAA record that names another CA is found", async () => {
    door = await openDoor(machine);
    await world.setName(name, [machine], "ca.example");
    const found = await lookAgain();
    expect(found.message).toMatch(/CAA records of \S+ do not let .* issue "ca\.example"/);
  });

  it("nothing was ordered meanwhile, and the hub's own one still serves", async () => {
    expect(await ledger()).toEqual([]);
    await served(ownCa);
  });
});

describe("a certificate", () => {
  let first: Served;

  it("comes once all is right, and nginx serves it without a restart", async () => {
    const before = await startTimes();
    await world.setName(name, [machine]);
    const found = await lookAgain(({ state }) => state === "serving");
    expect(found).toMatchObject({ daysLeft: 89, ledger: { issued: 1, failed: 0 } });
    expect(found.issuer).toMatch(/Pebble Intermediate/);
    first = await servedEventually(server.root, () => true);
    expect(first.daysLong).toBeCloseTo(90, 1);
    const after = await startTimes();
    for (const service of ["nginx", "certbot", "open-webui"])
      expect(after[service], service).toBe(before[service]);
    await hubOk(["status"]);
  });

  it("has a key that nobody but certbot and nginx can read", async () => {
    const list = await onHost("stat -c '%a %u:%g %n' /data/certificates/serving/*/*.pem");
    expect(list).toMatch(/^640 102:101 \S+privkey\.pem$/m);
    expect(await onHost("stat -c '%a %u:%g' /data/certificates/serving")).toMatch(
      /^2750 102:101\s*$/,
    );
    const read = (service: string) =>
      onHost(
        `docker exec aihub-${service}-1 sh -c 'cat /run/serving/*/privkey.pem /run/certificate/serving/*/privkey.pem 2>/dev/null | grep -c BEGIN.*PRIVATE' || true`,
      );
    expect((await read("nginx")).trim()).toBe("1");
    expect((await read("hub-server")).trim()).toBe("0");
  });

  it("is told about at the hub's own door, to members only", async () => {
    const known = { ...to, caCertificate: server.root };
    const path = "/hub/api/certificate";
    expect((await ask(known, path)).status).toBe(302);
    const session = await signIn(known);
    const answer = await ask(known, path, { headers: { Cookie: session.cookie } });
    expect(JSON.parse(answer.body)).toMatchObject({ state: "serving", daysLeft: 89 });
    // A year of trust is for certificates that browsers know.
    expect(answer.headers["strict-transport-security"]).toBeUndefined();
  });

  it("leaves everything else at port 80 to HTTPS", async () => {
    const at80 = (path: string) =>
      new Promise<[number | undefined, string | undefined]>((resolve, reject) => {
        const headers = { Host: name };
        const asked = request({ host: to.ipAddress, port: 80, path, headers }, (response) => {
          response.resume();
          resolve([response.statusCode, response.headers.location]);
        });
        asked.on("error", reject);
        asked.end();
      });
    expect(await at80("/files/")).toEqual([301, `https://${name}/files/`]);
    expect(await at80("/.well-known/acme-challenge/none")).toEqual([404, undefined]);
    expect(await at80("/.well-known/acme-challenge/../../etc/passwd")).toEqual([
      301,
      `https://${name}/.well-known/acme-challenge/../../etc/passwd`,
    ]);
  });

  it("is renewed when the server's renewal info says so, and no client notices", async () => {
    await server.setRenewalInfo(first.pem, {
      start: "2020-01-01T00:00:00Z",
      end: "2020-01-02T00:00:00Z",
    });
    const before = await startTimes();
    let polling = true;
    let answers = 0;
    const failures: string[] = [];
    const poll = (async () => {
      while (polling) {
        const answer = await ask({ ...to, caCertificate: server.root }, "/").catch(
          (error: Error) => error,
        );
        if (answer instanceof Error) failures.push(answer.message);
        else if (answer.status !== 200) failures.push(String(answer.status));
        else answers += 1;
      }
    })();
    await lookAgain(({ ledger }) => ledger.issued === 2);
    const second = await servedEventually(
      server.root,
      ({ fingerprint }) => fingerprint !== first.fingerprint,
    );
    // A little longer, and until there were enough to tell.
    await sleep(2_000);
    await expect.poll(() => answers + failures.length, { timeout: 120_000 }).toBeGreaterThan(50);
    polling = false;
    await poll;
    expect(failures).toEqual([]);
    expect(answers).toBeGreaterThan(50);
    expect((await startTimes()).nginx).toBe(before.nginx);
    expect((await ledger()).at(-1)).toMatchObject({ request: "renew", outcome: "issued" });
    first = second;
  });

  it("goes on serving while the ACME server is down, and nothing is ordered", async () => {
    const orders = (await ledger()).length;
    await server.stop();
    const found = await lookAgain();
    expect(found.state).toBe("at-risk");
    expect(found.message).toMatch(/The ACME server \S+ cannot be reached: .*ECONNREFUSED/);
    expect((await served(server.root)).fingerprint).toBe(first.fingerprint);
    expect((await ledger()).length).toBe(orders);
  });

  it("is the same on another host, without an order", async () => {
    const orders = await ledger();
    // Another number than the next scenarios set.
    await hubOk(["config", "set", "hostGeneration", "90"]);
    await hubOk(["up", "--yes"]);
    expect((await served(server.root)).fingerprint).toBe(first.fingerprint);
    expect(await ledger()).toEqual(orders);
    expect((await statusAfter(0)).ledger.issued).toBe(2);
  });

  it("comes from another server when the settings name another", async () => {
    const other = await world.start({ lifeDays: 6 });
    await hubOk(["config", "set", "acmeServer", other.url]);
    await hubOk(["up", "--yes"]);
    const short = await servedEventually(other.root, () => true);
    expect(short.daysLong).toBeCloseTo(6, 1);
    const found = await statusAfter(0, ({ state }) => state === "serving");
    // Asked after every few hours, not twice a day.
    expect(Date.parse(found.nextCheck ?? "") - Date.now()).toBeLessThan(4 * 3_600_000);
    expect(await issued()).toBe(3);
    first = short;
    server = other;
  });

  it.runIf(isFull)(
    "outlives a server that refuses nine of ten nonces; the failure is clear and not repeated",
    async () => {
      const bad = await world.start({ lifeDays: 90, badNonces: 90 });
      await hubOk(["config", "set", "acmeServer", bad.url]);
      await hubOk(["up", "--yes"]);
      const found = await statusAfter(0, ({ ledger }) => ledger.failed > 0);
      // Certbot tries each request twice: that such an order comes through is less likely than 1 in 10,000.
      expect(found.state).toBe("at-risk");
      expect(found.message).toMatch(/gave no certificate .*nonce.* Next attempt/i);
      expect((await served(server.root)).fingerprint).toBe(first.fingerprint);
      const runs = (await ledger()).length;
      await lookAgain();
      expect((await ledger()).length).toBe(runs);
    },
  );
});
