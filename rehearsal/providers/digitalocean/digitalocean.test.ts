/** The resources against the simulated API, over real HTTP; what the engine test shows is not repeated here. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { type CloudUnderTest, cloudUnderTest, TOKEN } from "../../cloud/cloud-under-test.ts";
import { operationUnderTest } from "../operation-under-test.ts";
import { type Resource, UnfinishedObject } from "../resource.ts";
import type { Properties } from "../wire.ts";
import { type Api, connectApi } from "./api.ts";
import { digitaloceanProvider } from "./digitalocean.ts";
import { dnsRecord } from "./dns-record.ts";
import { droplet } from "./droplet.ts";
import { firewall } from "./firewall.ts";
import { getDomain } from "./get-domain.ts";
import { getSizes } from "./get-sizes.ts";
import { project } from "./project.ts";
import { projectResources } from "./project-resources.ts";
import { reservedIp } from "./reserved-ip.ts";
import { sshKey } from "./ssh-key.ts";
import { tag } from "./tag.ts";
import { volume } from "./volume.ts";
import { vpc } from "./vpc.ts";

let cloud: CloudUnderTest;
let api: Api;

beforeEach(async () => {
  cloud = await cloudUnderTest();
  api = connectApi(cloud.url(), { token: TOKEN, retries: 4, waitFrom: 0.001, waitTo: 0.01 });
});
afterEach(() => cloud.dispose());

const fault = (body: object) => cloud.ok("POST", "/_rehearsal/faults", body);

/** An object with its inputs as the engine remembers them, and what may be done with it. */
async function make<Inputs extends Properties>(resource: Resource<Inputs>, inputs: Inputs) {
  const given = { ...resource.defaults, ...inputs } as Inputs;
  const made = await resource.create(given, operationUnderTest());
  const old = { inputs: given, outputs: made.outputs };
  return {
    ...made,
    old,
    read: () => resource.read?.(made.id, old, operationUnderTest()),
    async update(more: Partial<Inputs>, operation = operationUnderTest()) {
      const next = { ...old.inputs, ...more };
      const outputs = await resource.update?.(made.id, next, old, operation);
      old.inputs = next;
      old.outputs = outputs ?? {};
      return old.outputs;
    },
    delete: (operation = operationUnderTest({ timeoutSeconds: 60 })) =>
      resource.delete?.(made.id, old, operation),
  };
}

const host = {
  name: "hub",
  region: "nyc3",
  size: "s-1vcpu-2gb",
  image: "ubuntu-24-04-x64",
  resizeDisk: false,
};

const actionsOf = async (id: string): Promise<string[]> =>
  (await cloud.ok("GET", `/v2/droplets/${id}/actions?per_page=50`)).actions
    .map(({ type }: { type: string }) => type)
    .reverse();

describe("the API", () => {
  test("is asked again after as long as it says, and after no answer at all", async () => {
    const answers = [
      { status: 429, headers: { "retry-after": "0" } },
      { status: 503, headers: {} },
      { status: 200, headers: {} },
    ];
    const seen: string[] = [];
    const server = createServer((request, response) => {
      seen.push(`${request.method} ${request.headers.authorization}`);
      // The first call is broken off without an answer.
      if (seen.length === 1) return request.socket.destroy();
      const { status, headers } = answers.shift() ?? { status: 500, headers: {} };
      response.writeHead(status, headers).end(status === 200 ? '{"fine":true}' : "busy");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const settings = { token: "t", retries: 4, waitFrom: 0.001, waitTo: 0.01 };
    expect(await connectApi(url, settings).post("/v2/x", {})).toEqual({ fine: true });
    expect(seen).toEqual(Array(4).fill("POST Bearer t"));
  });

  test("that is not there is named with the number of attempts", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await new Promise((resolve) => server.close(resolve));
    const settings = { token: "t", retries: 2, waitFrom: 0.001, waitTo: 0.01 };
    const error = (await connectApi(url, settings)
      .get("/v2/account")
      .catch((thrown: unknown) => thrown)) as Error;
    expect(error.message).toContain(`GET ${url}/v2/account giving up after 3 attempt(s): `);
    expect(error.message).toContain("ECONNREFUSED");
  });

  test("refusals are not repeated, and told with status and message", async () => {
    const key = sshKey(api);
    const inputs = { name: "one", publicKey: "not a key" };
    await expect(key.create(inputs, operationUnderTest())).rejects.toThrow(
      /^Error creating SSH Key: POST \S+\/v2\/account\/keys: 422 \(request "[^"]+"\) \S/,
    );
    const log: { method: string }[] = await cloud.ok("GET", "/_rehearsal/log");
    expect(log.filter(({ method }) => method === "POST")).toHaveLength(1);
  });

  test("gets the program's token rather than the rehearsal's own", async () => {
    const provider = digitaloceanProvider({ apiUrl: cloud.url(), token: TOKEN });
    const domain = provider.functions.find(({ token }) => token.endsWith("getDomain"));
    expect(await domain?.call({ name: "localhost" })).toMatchObject({ id: "localhost" });
    provider.configure?.({ token: "another", apiEndpoint: "https://api.digitalocean.com" });
    await expect(domain?.call({ name: "localhost" })).rejects.toThrow(
      `GET ${cloud.url()}/v2/domains/localhost: 401`,
    );
  });
});

describe("a droplet", () => {
  test("changes name, tags, backups and volumes in place", async () => {
    const disk = await make(volume(api), { name: "disk", region: "nyc3", size: 1 });
    const one = await make(droplet(api), { ...host, tags: ["old", "kept"] });
    const outputs = await one.update({
      name: "renamed",
      tags: ["kept", "brand-new"],
      backups: true,
      backupPolicy: { plan: "weekly", weekday: "SUN", hour: 4 },
      volumeIds: [disk.id],
    });
    expect(outputs).toMatchObject({ name: "renamed", backups: true, volumeIds: [disk.id] });
    expect((outputs.tags as string[]).sort()).toEqual(["brand-new", "kept"]);
    expect(
      await one.update({ volumeIds: [], backups: false, backupPolicy: undefined }),
    ).toMatchObject({ volumeIds: [], backups: false });
    expect(await actionsOf(one.id)).toEqual(
      expect.arrayContaining(["rename", "enable_backups", "disable_backups"]),
    );
  });

  test("is switched on again when its resize fails", async () => {
    const one = await make(droplet(api), host);
    await fault({ match: "action:resize", errored: true });
    await expect(one.update({ size: "s-2vcpu-4gb" })).rejects.toThrow("resize");
    expect((await actionsOf(one.id)).slice(-3)).toEqual(["power_off", "resize", "power_on"]);
    expect(await one.read()).toMatchObject({ status: "active", size: "s-1vcpu-2gb" });
  });

  test("shows a changed size, and never a changed image, to a refresh", async () => {
    const one = await make(droplet(api), host);
    for (const body of [
      { type: "power_off" },
      { type: "resize", size: "s-2vcpu-4gb", disk: false },
    ]) {
      await cloud.settled(await cloud.ok("POST", `/v2/droplets/${one.id}/actions`, body));
    }
    expect(await one.read()).toMatchObject({
      size: "s-2vcpu-4gb",
      status: "off",
      image: "ubuntu-24-04-x64",
    });
  });

  test("that stays too long in the making is remembered, and taken up again by an update", async () => {
    await fault({ match: "action:create", stuck: true });
    const error = (await droplet(api)
      .create(host, operationUnderTest({ timeoutSeconds: 0.2 }))
      .catch((thrown: unknown) => thrown)) as UnfinishedObject;
    expect(error).toBeInstanceOf(UnfinishedObject);
    expect(error.message).toMatch(/Error waiting for droplet \(\d+\) to become ready: timeout/);
    expect(error.outputs).toMatchObject({ status: "new", name: "hub" });
    await cloud.ok("DELETE", "/_rehearsal/faults");
    const outputs = await droplet(api).update?.(
      error.id,
      host,
      { inputs: host, outputs: error.outputs },
      operationUnderTest(),
    );
    expect(outputs).toMatchObject({ status: "active" });
  });

  test("is not waited for longer than the delete timeout when it will not shut down", async () => {
    const one = await make(droplet(api), { ...host, gracefulShutdown: true });
    await fault({ match: "action:shutdown", stuck: true });
    await expect(one.delete(operationUnderTest({ timeoutSeconds: 0.2 }))).rejects.toThrow(
      /Error waiting for droplet \(\d+\) to become off: timeout/,
    );
    expect((await cloud.call("GET", `/v2/droplets/${one.id}`)).status).toBe(200);
    await cloud.ok("DELETE", "/_rehearsal/faults");
  });

  test("that is gone is gone for read and delete", async () => {
    const one = await make(droplet(api), host);
    await cloud.call("DELETE", `/v2/droplets/${one.id}`);
    await expect.poll(() => one.read()).toBeUndefined();
    await one.delete();
  });

  test("takes the real provider's word for which changes replace", () => {
    const { replaceOn, replacesFor } = droplet(api);
    expect(replaceOn).not.toContain("size");
    expect(replaceOn).toEqual(expect.arrayContaining(["image", "userData", "sshKeys", "region"]));
    expect(replacesFor?.({ ipv6: true }, { ipv6: false })).toEqual(["ipv6"]);
    expect(replacesFor?.({ ipv6: false }, { ipv6: true })).toEqual([]);
  });
});

describe("a reserved IP", () => {
  test("moves in place, and does not see that somebody took it away", async () => {
    const [first, second] = [await cloud.droplet(), await cloud.droplet({ name: "other" })];
    const ip = await make(reservedIp(api), { region: "nyc3", dropletId: first.id });
    expect(await ip.update({ dropletId: second.id })).toMatchObject({
      dropletId: second.id,
      ipAddress: ip.id,
    });
    const taken = await cloud.ok("POST", `/v2/reserved_ips/${ip.id}/actions`, { type: "unassign" });
    await cloud.settled(taken);
    expect(await ip.read()).toMatchObject({ dropletId: second.id });
    await ip.delete();
    expect(await ip.read()).toBeUndefined();
  });

  test("that cannot be assigned is remembered, and assigned by the next update", async () => {
    const { id } = await cloud.droplet();
    await fault({ match: "POST /v2/reserved_ips/*/actions", status: 422 });
    const resource = reservedIp(api);
    const inputs = { region: "nyc3", dropletId: id };
    const error = (await resource
      .create(inputs, operationUnderTest())
      .catch((thrown: unknown) => thrown)) as UnfinishedObject;
    expect(error).toBeInstanceOf(UnfinishedObject);
    expect(error.outputs.dropletId).toBeUndefined();
    const old = { inputs, outputs: error.outputs };
    await resource.update?.(error.id, inputs, old, operationUnderTest());
    const { reserved_ip } = await cloud.ok("GET", `/v2/reserved_ips/${error.id}`);
    expect(reserved_ip.droplet.id).toBe(id);
  });

  test("can be let go", async () => {
    const { id } = await cloud.droplet();
    const ip = await make(reservedIp(api), { region: "nyc3", dropletId: id });
    expect(await ip.update({ dropletId: undefined })).toMatchObject({ dropletId: undefined });
    const { reserved_ip } = await cloud.ok("GET", `/v2/reserved_ips/${ip.id}`);
    expect(reserved_ip.droplet).toBeNull();
  });
});

test("a firewall comes back in the words it was made with", async () => {
  const inputs = {
    name: "wall",
    tags: ["hub"],
    inboundRules: [
      { protocol: "tcp" as const, portRange: "all", sourceAddresses: ["0.0.0.0/0", "::/0"] },
      { protocol: "icmp" as const, sourceTags: ["hub"] },
    ],
    outboundRules: [
      { protocol: "udp" as const, portRange: "1-65535", destinationAddresses: ["0.0.0.0/0"] },
    ],
  };
  await make(tag(api), { name: "hub" });
  const wall = await make(firewall(api), inputs);
  expect(await wall.read()).toMatchObject(inputs);
  await wall.update({ outboundRules: undefined });
  expect(await wall.read()).toMatchObject({ outboundRules: [] });
  await wall.delete();
  expect(await wall.read()).toBeUndefined();
  await wall.delete();
});

test("a firewall without rules, or with a rule without ports, is refused", () => {
  const { check } = firewall(api);
  expect(check?.({ name: "wall" }, undefined)).toHaveLength(1);
  expect(
    check?.({ inboundRules: [{ protocol: "tcp", sourceAddresses: ["::/0"] }] }, undefined),
  ).toEqual([expect.objectContaining({ property: "inboundRules[0].portRange" })]);
});

test("records know their full names, and names that end with a dot", async () => {
  const record = dnsRecord(api);
  const alias = await make(record, {
    domain: "localhost",
    type: "CNAME",
    name: "www",
    value: "hub.localhost.",
  });
  expect(alias.outputs).toMatchObject({
    fqdn: "www.localhost",
    value: "hub.localhost.",
    ttl: 1800,
  });
  expect(await alias.read()).toMatchObject({ value: "hub.localhost." });
  const top = await make(record, { domain: "localhost", type: "A", name: "@", value: "127.0.0.1" });
  expect(top.outputs.fqdn).toBe("localhost");
  expect(await top.update({ value: "127.0.0.2", ttl: 60 })).toMatchObject({
    value: "127.0.0.2",
    ttl: 60,
  });
  expect(record.check?.({ type: "MX" }, undefined)).toEqual([
    { property: "priority", reason: "`priority` is required for when type is `MX`" },
  ]);
  await alias.delete();
  expect(await alias.read()).toBeUndefined();
  await alias.delete();
});

test("a volume grows, and is not deleted while attached", async () => {
  const disk = await make(volume(api), {
    name: "disk",
    region: "nyc3",
    size: 1,
    initialFilesystemType: "ext4",
    initialFilesystemLabel: "data",
  });
  expect(disk.outputs).toMatchObject({ filesystemType: "ext4", filesystemLabel: "data" });
  expect(await disk.update({ size: 2, tags: ["fresh"] })).toMatchObject({
    size: 2,
    tags: ["fresh"],
  });
  const one = await make(droplet(api), { ...host, volumeIds: [disk.id] });
  await expect(disk.delete()).rejects.toThrow(/Error deleting volume: .*409/);
  await one.delete();
  await disk.delete();
  expect(await disk.read()).toBeUndefined();
});

test("a network waits until its last member has left", async () => {
  const network = await make(vpc(api), { name: "net", region: "nyc3", ipRange: "10.10.0.0/20" });
  expect(network.outputs).toMatchObject({ ipRange: "10.10.0.0/20", default: false });
  expect(await network.update({ name: "renamed" })).toMatchObject({ name: "renamed" });
  const member = await make(droplet(api), { ...host, vpcUuid: network.id });
  await expect(network.delete(operationUnderTest({ timeoutSeconds: 0.1 }))).rejects.toThrow(
    /Error deleting VPC: .*40[39]/,
  );
  const leaving = network.delete();
  await member.delete();
  await leaving;
  expect(await network.read()).toBeUndefined();
});

test("a key keeps its newline, and a second one like it is refused", async () => {
  const publicKey =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJPzAxGb4OaOyjkZIVmUEWcvLkDeMdEVXxjzmd3zQDkC\n";
  const key = await make(sshKey(api), { name: "one", publicKey });
  expect(key.outputs.fingerprint).toMatch(/^([0-9a-f]{2}:){15}[0-9a-f]{2}$/);
  expect(await key.read()).toMatchObject({ publicKey });
  expect(await key.update({ name: "two" })).toMatchObject({ name: "two", publicKey });
  await expect(make(sshKey(api), { name: "again", publicKey })).rejects.toThrow("422");
  await key.delete();
  expect(await key.read()).toBeUndefined();
});

test("a project gives its contents back before it goes", async () => {
  const disk = await make(volume(api), { name: "disk", region: "nyc3", size: 1 });
  const folder = await make(project(api), { name: "hub", purpose: "A hub of our own" });
  expect(folder.outputs).toMatchObject({ purpose: "A hub of our own", resources: [] });
  const urn = String(disk.outputs.volumeUrn);
  const contents = await make(projectResources(api), { project: folder.id, resources: [urn] });
  expect(contents.outputs.resources).toEqual([urn]);
  await expect(folder.delete(operationUnderTest({ timeoutSeconds: 0.1 }))).rejects.toThrow(
    "cannot delete a project with resources",
  );
  await contents.delete();
  await folder.delete();
  expect(await folder.read()).toBeUndefined();
  expect(await contents.read()).toBeUndefined();
});

test("sizes are filtered and sorted", async () => {
  const sizes = async (args: Properties) =>
    ((await getSizes(api).call(args)).sizes as { slug: string; priceMonthly: number }[]).map(
      ({ slug, priceMonthly }) => `${slug} ${priceMonthly}`,
    );
  expect(await sizes({ filters: [{ key: "slug", values: ["s-2vcpu-4gb"] }] })).toEqual([
    "s-2vcpu-4gb 24",
  ]);
  const cheap = await sizes({
    filters: [{ key: "vcpus", values: ["2"] }],
    sorts: [{ key: "price_monthly", direction: "asc" }],
  });
  expect(cheap[0]).toBe("s-2vcpu-2gb 18");
  await expect(sizes({ filters: [{ key: "colour", values: ["red"] }] })).rejects.toThrow(
    '"colour" is not a key',
  );
});

test("a zone that the account does not have is named", async () => {
  await expect(getDomain(api).call({ name: "example.org" })).rejects.toThrow(
    'domain not found: the DigitalOcean account has no domain "example.org"',
  );
});
