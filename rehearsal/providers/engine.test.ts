/** The providers under the real engine, against the simulated API and a real SSH connection. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as command from "@pulumi/command";
import * as digitalocean from "@pulumi/digitalocean";
import * as pulumi from "@pulumi/pulumi";
import { LocalWorkspace, PulumiCommand, type Stack } from "@pulumi/pulumi/automation/index.js";
import * as random from "@pulumi/random";
import * as tls from "@pulumi/tls";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { silent } from "../../scripts/progress.ts";
import { ensurePulumi } from "../../scripts/toolchain/index.ts";
import { type CloudUnderTest, cloudUnderTest, TOKEN } from "../cloud/cloud-under-test.ts";
import { type SshServerUnderTest, sshServerUnderTest } from "./command/ssh-server-under-test.ts";
import { type RunningProviders, startProviders } from "./index.ts";

interface Wishes {
  generation?: number;
  size?: string;
  revision?: string;
  ports?: string[];
  volumeSize?: number;
  dropletExtra?: object;
  script?: string;
}

const PASSPHRASE = "of the tests";
let pulumiRoot: string;
let ssh: SshServerUnderTest;
let cloud: CloudUnderTest;
let providers: RunningProviders;
let stack: Stack;
let folder: string;
let wishes: Wishes = {};

beforeAll(async () => {
  pulumiRoot = (await ensurePulumi(silent)).root;
  ssh = await sshServerUnderTest();
});
afterAll(() => ssh?.close());

/** A hub in small: everything that the real program declares, in the same relations. */
async function program() {
  const name = "hub";
  const key = new tls.PrivateKey("key", { algorithm: "ED25519" });
  const password = new random.RandomPassword("password", { length: 24, special: false });
  const tag = new digitalocean.Tag("tag", { name });
  const sshKey = new digitalocean.SshKey("key", { name, publicKey: key.publicKeyOpenssh });
  const vpc = new digitalocean.Vpc("vpc", { name, region: "nyc3" });
  const volume = new digitalocean.Volume("data", {
    region: "nyc3",
    size: wishes.volumeSize ?? 10,
    initialFilesystemType: "ext4",
    tags: [tag.name],
  });
  const everywhere = ["0.0.0.0/0", "::/0"];
  const wall = new digitalocean.Firewall("wall", {
    name,
    tags: [tag.name],
    inboundRules: (wishes.ports ?? ["22", "443"]).map((portRange) => ({
      protocol: "tcp",
      portRange,
      sourceAddresses: everywhere,
    })),
    outboundRules: [
      { protocol: "tcp", portRange: "all", destinationAddresses: everywhere },
      { protocol: "icmp", destinationAddresses: everywhere },
    ],
  });
  const droplet = new digitalocean.Droplet(
    "host",
    {
      name,
      region: "nyc3",
      size: wishes.size ?? "s-1vcpu-2gb",
      image: "ubuntu-24-04-x64",
      monitoring: true,
      resizeDisk: false,
      gracefulShutdown: true,
      sshKeys: [sshKey.id],
      tags: [tag.name],
      userData: `#cloud-config\n# ${wishes.generation ?? 1}\n`,
      volumeIds: [volume.id],
      vpcUuid: vpc.id,
      ...wishes.dropletExtra,
    },
    {
      dependsOn: [wall],
      deleteBeforeReplace: true,
      ignoreChanges: ["userData"],
      replacementTrigger: wishes.generation ?? 1,
    } as pulumi.CustomResourceOptions,
  );
  const address = new digitalocean.ReservedIp("address", {
    region: "nyc3",
    dropletId: droplet.id.apply(Number),
  });
  const record = new digitalocean.DnsRecord("record", {
    domain: "localhost",
    type: "A",
    name: "hub",
    value: address.ipAddress,
    ttl: 300,
  });
  const connection = {
    host: "127.0.0.1",
    port: ssh.port,
    hostKey: ssh.hostKey,
    privateKey: ssh.login.privateKey,
    dialErrorLimit: 0,
  };
  new command.remote.Command(
    "quiesce",
    { connection, create: "true", delete: "echo quiesced", triggers: [droplet.id] },
    { deleteBeforeReplace: true, dependsOn: [address] },
  );
  const uploaded = new command.remote.CopyToRemote("release", {
    connection,
    source: new pulumi.asset.StringAsset(`revision ${wishes.revision ?? "1"}`),
    remotePath: join(folder, "release"),
    triggers: [droplet.id],
  });
  const deploy = new command.remote.Command(
    "deploy",
    {
      connection,
      create: wishes.script ?? `cat ${join(folder, "release")}`,
      stdin: password.result,
      logging: "none",
      addPreviousOutputInEnv: false,
      triggers: [droplet.id, wishes.revision ?? "1"],
    },
    { dependsOn: [uploaded, record] },
  );
  const folderOf = new digitalocean.Project("project", { name, environment: "Production" });
  new digitalocean.ProjectResources("contents", {
    project: folderOf.id,
    resources: [droplet.dropletUrn, volume.volumeUrn],
  });
  new digitalocean.MonitorAlert("alert", {
    alerts: { emails: ["admin@example.com"] },
    compare: "GreaterThan",
    description: "memory",
    type: "v1/insights/droplet/memory_utilization_percent",
    value: 90,
    window: "10m",
    tags: [tag.name],
  });
  const check = new digitalocean.UptimeCheck("check", { target: "https://hub.localhost" });
  new digitalocean.UptimeAlert("down", {
    checkId: check.id,
    type: "down",
    period: "2m",
    notifications: [{ emails: ["admin@example.com"] }],
  });
  const sizes = await digitalocean.getSizes({
    filters: [{ key: "slug", values: ["s-1vcpu-2gb"] }],
  });
  return {
    dropletId: droplet.id,
    dropletAddress: droplet.ipv4Address,
    userData: droplet.userData,
    address: address.ipAddress,
    fqdn: record.fqdn,
    deployed: deploy.stdout,
    password: password.result,
    volume: volume.name,
    price: sizes.sizes[0]?.priceMonthly,
  };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "aihub-engine-"));
  cloud = await cloudUnderTest();
  providers = await startProviders({
    apiUrl: cloud.url(),
    token: TOKEN,
    logFile: join(folder, "log"),
  });
  stack = await LocalWorkspace.createOrSelectStack(
    { projectName: "tests", stackName: "test", program },
    {
      pulumiCommand: await PulumiCommand.get({ root: pulumiRoot }),
      envVars: {
        PULUMI_BACKEND_URL: `file://${folder}`,
        PULUMI_CONFIG_PASSPHRASE: PASSPHRASE,
        PULUMI_DEBUG_PROVIDERS: providers.debugProviders,
        PULUMI_HOME: join(folder, "home"),
        PULUMI_SKIP_UPDATE_CHECK: "1",
      },
    },
  );
  await stack.setConfig("digitalocean:token", { value: TOKEN, secret: true });
  // Waits for a second chance are not what is tested here.
  await stack.setConfig("digitalocean:httpRetryWaitMin", { value: "0.01" });
});

afterAll(async () => {
  await providers?.close();
  await cloud?.dispose();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  wishes = {};
  await changes();
});

let looked = 0;

/** Method and path of what changed the cloud since the last call, with the ids of this run left out. */
async function changes(): Promise<string[]> {
  const log: { method: string; path: string; body?: { type?: string } }[] = await cloud.ok(
    "GET",
    "/_rehearsal/log",
  );
  const seen = log.slice(looked);
  looked = log.length;
  return seen
    .filter(({ method, path }) => method !== "GET" && !path.startsWith("/_rehearsal"))
    .map(({ method, path }) => {
      const plain = path.replace(/[0-9a-f-]{36}|\/\d{6}\b|127[\d.]+/g, (id) =>
        id.startsWith("/") ? "/*" : "*",
      );
      return `${method} ${plain}`;
    });
}

async function outputs(): Promise<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(await stack.outputs()).map(([name, { value }]) => [name, value]),
  );
}

interface State {
  deployment: {
    resources: {
      urn: string;
      id?: string;
      inputs?: Record<string, unknown>;
      outputs?: Record<string, unknown>;
    }[];
    pending_operations?: unknown[];
  };
}

const exported = async () => (await stack.exportStack()) as unknown as State;

async function remembered(name: string) {
  const { deployment } = await exported();
  const found = deployment.resources.filter(({ urn }) => urn.endsWith(`::${name}`));
  expect(found, name).toHaveLength(1);
  return found[0];
}

const droplets = async () => (await cloud.ok("GET", "/v2/droplets")).droplets;

test("a preview knows what it can know, and changes nothing", async () => {
  const { changeSummary, stdout } = await stack.preview();
  expect(changeSummary).toEqual({ create: 19 });
  expect(stdout).toMatch(/address +: \[unknown\]/);
  expect(stdout).toMatch(/dropletId +: \[unknown\]/);
  expect(stdout).toMatch(/password +: \[secret\]/);
  expect(stdout).toMatch(/price +: 12/);
  expect(stdout).toMatch(/volume +: "data-[0-9a-f]{7}"/);
  expect(await changes()).toEqual([]);
  expect(ssh.commands).toEqual([]);
});

test("a wrong token is refused by the first call that needs one", async () => {
  await stack.setConfig("digitalocean:token", { value: "another", secret: true });
  await expect(stack.preview()).rejects.toThrow(
    /Error retrieving sizes: GET \S+\/v2\/sizes\S*: 401 .*Unable to authenticate you/,
  );
  await stack.setConfig("digitalocean:token", { value: TOKEN, secret: true });
});

test("inputs that the real provider would refuse are refused by name, before anything is made", async () => {
  wishes = { dropletExtra: { tags: ["not a tag"], backups: false, backupPolicy: {} } };
  await expect(stack.preview()).rejects.toThrow(/property tags\[0\] .*tags may contain/);
  wishes = { dropletExtra: { backups: false, backupPolicy: { plan: "weekly" } } };
  await expect(stack.preview()).rejects.toThrow(/property backupPolicy .*backups are enabled/);
  expect(await changes()).toEqual([]);
});

test("makes all, the wall before the host, and then has nothing to do", async () => {
  const { summary } = await stack.up();
  expect(summary.resourceChanges).toEqual({ create: 19 });
  const made = await changes();
  expect(made.indexOf("POST /v2/firewalls")).toBeLessThan(made.indexOf("POST /v2/droplets"));
  expect(made.indexOf("POST /v2/volumes")).toBeLessThan(made.indexOf("POST /v2/droplets"));
  const [droplet] = await droplets();
  expect(await outputs()).toMatchObject({
    dropletId: String(droplet.id),
    dropletAddress: expect.stringMatching(/^127\.\d+\.1\.\d+$/),
    address: expect.stringMatching(/^127\.\d+\.2\.\d+$/),
    fqdn: "hub.localhost",
    deployed: "revision 1",
  });
  expect(droplet).toMatchObject({
    status: "active",
    tags: ["hub"],
    volume_ids: [expect.any(String)],
  });
  await stack.preview({ expectNoChanges: true });
  await stack.preview({ expectNoChanges: true, refresh: true });
  expect(await changes()).toEqual([]);
});

test("what is secret is encrypted in the state; user data is raw in inputs, a hash in outputs", async () => {
  const state = readFileSync(join(folder, ".pulumi/stacks/tests/test.json"), "utf8");
  const { password } = await outputs();
  expect(password).toMatch(/^[A-Za-z0-9]{24}$/);
  expect(state).not.toContain(password);
  expect(state).not.toContain("PRIVATE KEY");
  expect(state).not.toContain(JSON.stringify(ssh.login.privateKey).slice(1, -1));
  const host = await remembered("host");
  expect(host?.inputs?.userData).toBe("#cloud-config\n# 1\n");
  expect(host?.outputs?.userData).toMatch(/^[0-9a-f]{40}$/);
});

test("rules, sizes and text change in place; a resize switches off, resizes and switches on", async () => {
  wishes = { ports: ["443", "22"] };
  await stack.preview({ expectNoChanges: true });
  wishes = { ports: ["443"], volumeSize: 20, size: "s-2vcpu-4gb" };
  const { summary } = await stack.up();
  expect(summary.resourceChanges).toEqual({ update: 3, same: 16 });
  const { dropletId } = await outputs();
  const { actions } = await cloud.ok("GET", `/v2/droplets/${dropletId}/actions?per_page=50`);
  const types = actions.map(({ type }: { type: string }) => type).reverse();
  expect(types.slice(-3)).toEqual(["power_off", "resize", "power_on"]);
  const [droplet] = await droplets();
  expect(droplet).toMatchObject({ size_slug: "s-2vcpu-4gb", status: "active" });
  const { volumes } = await cloud.ok("GET", "/v2/volumes");
  expect(volumes[0].size_gigabytes).toBe(20);
  const { firewalls } = await cloud.ok("GET", "/v2/firewalls");
  expect(firewalls[0].inbound_rules).toHaveLength(1);
});

/** What the tests before have left. */
const grown: Wishes = { ports: ["443"], volumeSize: 20, size: "s-2vcpu-4gb" };

test("a volume cannot shrink", async () => {
  wishes = { ...grown, volumeSize: 5 };
  await expect(stack.preview()).rejects.toThrow(/can only be expanded and not shrunk/);
});

test("user data alone changes nothing; a new generation quiesces, empties and replaces the host", async () => {
  const before = await outputs();
  ssh.commands.length = 0;
  wishes = { ...grown, generation: 2 };
  const { summary } = await stack.up();
  // host, quiesce, release, deploy
  expect(summary.resourceChanges).toMatchObject({ replace: 4, update: 2, same: 13 });
  expect(ssh.commands[0]).toBe("echo quiesced");
  const seen = await changes();
  expect(seen.slice(0, 4)).toEqual([
    "POST /v2/droplets/*/actions", // shutdown
    "POST /v2/volumes/*/actions", // detach
    "DELETE /v2/droplets/*",
    "POST /v2/droplets",
  ]);
  expect(seen.slice(4).sort()).toEqual([
    "POST /v2/projects/*/resources", // the old one out
    "POST /v2/projects/*/resources", // the new one in
    "POST /v2/reserved_ips/*/actions", // assign
  ]);
  const after = await outputs();
  expect(after.dropletId).not.toBe(before.dropletId);
  expect(after).toMatchObject({ address: before.address, deployed: "revision 1" });
  const [droplet, ...others] = await droplets();
  expect(others).toEqual([]);
  expect(String(droplet.id)).toBe(after.dropletId);
  expect(droplet.volume_ids).toHaveLength(1);
  const { reserved_ip } = await cloud.ok("GET", `/v2/reserved_ips/${after.address}`);
  expect(String(reserved_ip.droplet.id)).toBe(after.dropletId);
});

const current: Wishes = { ...grown, generation: 2 };

test("a new revision copies and deploys anew, and touches no cloud", async () => {
  wishes = { ...current, revision: "2" };
  const { summary } = await stack.up();
  expect(summary.resourceChanges).toEqual({ update: 1, replace: 1, same: 17 });
  expect((await outputs()).deployed).toBe("revision 2");
  expect(await changes()).toEqual([]);
});

const revised: Wishes = { ...current, revision: "2" };

test("a failed command says what it ran and printed, and the next run deploys", async () => {
  wishes = { ...revised, revision: "3", script: "echo half done; echo no disk >&2; exit 7" };
  await expect(stack.up()).rejects.toThrow(
    /Process exited with status 7: running "echo half done; .*half done\n/s,
  );
  wishes = revised;
  await stack.up();
  await stack.preview({ expectNoChanges: true });
});

test("sees by refresh what others changed, and puts it right", async () => {
  const { domain_records } = await cloud.ok("GET", "/v2/domains/localhost/records?type=A");
  await cloud.call("DELETE", `/v2/domains/localhost/records/${domain_records[0].id}`);
  const { firewalls } = await cloud.ok("GET", "/v2/firewalls");
  await cloud.ok("PUT", `/v2/firewalls/${firewalls[0].id}`, {
    name: "hub",
    tags: ["hub"],
    droplet_ids: [],
    inbound_rules: [{ protocol: "tcp", ports: "0", sources: { addresses: ["0.0.0.0/0"] } }],
    outbound_rules: [],
  });
  wishes = revised;
  await stack.preview({ expectNoChanges: true });
  await expect(stack.preview({ expectNoChanges: true, refresh: true })).rejects.toThrow();
  const { summary } = await stack.up({ refresh: true });
  expect(summary.resourceChanges).toEqual({ create: 1, update: 1, same: 17 });
  await stack.preview({ expectNoChanges: true, refresh: true });
});

test("tries again after 429 and 500, and gives up after the fifth time", async () => {
  const fault = (body: object) => cloud.ok("POST", "/_rehearsal/faults", body);
  await fault({ match: "PUT /v2/firewalls/*", status: 500, count: 2 });
  await fault({ match: "PUT /v2/firewalls/*", status: 429, count: 1, retryAfter: 0 });
  wishes = { ...revised, ports: ["80", "443"] };
  await stack.up();
  await fault({ match: "PUT /v2/firewalls/*", status: 500, count: 5 });
  wishes = revised;
  await expect(stack.up()).rejects.toThrow(
    /Error updating firewall: PUT \S+\/v2\/firewalls\/\S+ giving up after 5 attempt\(s\)/,
  );
  await stack.up();
});

test("a refused new host leaves volume and address; a plain run heals", async () => {
  await cloud.ok("POST", "/_rehearsal/faults", { match: "POST /v2/droplets", status: 422 });
  wishes = { ...revised, generation: 3 };
  await expect(stack.up()).rejects.toThrow(/Error creating droplet: POST \S+\/v2\/droplets: 422/);
  expect(await droplets()).toEqual([]);
  expect((await cloud.ok("GET", "/v2/volumes")).volumes).toHaveLength(1);
  expect((await cloud.ok("GET", "/v2/reserved_ips")).reserved_ips).toHaveLength(1);
  await stack.up();
  expect(await droplets()).toHaveLength(1);
  await stack.preview({ expectNoChanges: true, refresh: true });
});

const third: Wishes = { ...revised, generation: 3 };

test("asked to stop while a host is made, it still sees the host through", async () => {
  await cloud.ok("POST", "/_rehearsal/faults", { match: "action:create", delayMs: 8_000 });
  wishes = { ...third, generation: 4 };
  const stop = new AbortController();
  const running = stack.up({ signal: stop.signal }).catch((error: Error) => error);
  await expect.poll(async () => (await droplets())[0]?.status, { timeout: 60_000 }).toBe("new");
  stop.abort();
  expect(await running).toBeInstanceOf(Error);
  const [droplet, ...others] = await droplets();
  expect(others).toEqual([]);
  expect((await remembered("host"))?.id).toBe(String(droplet.id));
  expect((await exported()).deployment.pending_operations ?? []).toEqual([]);
  await cloud.ok("DELETE", "/_rehearsal/faults");
  await stack.up();
  expect(await droplets()).toHaveLength(1);
});

test("a host that the cloud could not make is remembered, named, and made anew on request", async () => {
  await cloud.ok("POST", "/_rehearsal/faults", { match: "action:create", errored: true });
  wishes = { ...third, generation: 5 };
  await expect(stack.up()).rejects.toThrow(/could not make it/);
  const [droplet] = await droplets();
  const host = await remembered("host");
  expect(host?.id).toBe(String(droplet.id));
  await cloud.ok("DELETE", "/_rehearsal/faults");
  await expect(stack.up()).rejects.toThrow(/was never finished; `pulumi up --replace '/);
  await stack.up({ replace: [String(host?.urn)] });
  const [next, ...others] = await droplets();
  expect(others).toEqual([]);
  expect(next.status).toBe("active");
});

test("destroys everything, the host gracefully", async () => {
  const { address } = await outputs();
  ssh.commands.length = 0;
  const { summary } = await stack.destroy();
  expect(summary.resourceChanges).toEqual({ delete: 19 });
  expect(ssh.commands).toEqual(["echo quiesced"]);
  const methods = cloud.driver.calls.map(([method]) => method);
  expect(methods.lastIndexOf("shutdown")).toBeLessThan(methods.lastIndexOf("destroy"));
  expect(await droplets()).toEqual([]);
  expect((await cloud.call("GET", `/v2/reserved_ips/${address}`)).status).toBe(404);
  for (const kind of ["volumes", "firewalls", "account/keys", "monitoring/alerts"]) {
    const answer = await cloud.ok("GET", `/v2/${kind}`);
    expect(answer.meta.total, kind).toBe(0);
  }
});

test("its own log tells of operations, and never of values", () => {
  const log = readFileSync(join(folder, "log"), "utf8");
  expect(log).toMatch(/^\S+ digitalocean Create urn:pulumi:test::tests::\S+::host \d+ms ok$/m);
  expect(log).not.toContain("PRIVATE KEY");
  expect(log).not.toContain(TOKEN);
});
