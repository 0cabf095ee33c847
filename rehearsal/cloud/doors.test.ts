/** The network in front of droplets, with real sockets: firewalls, reserved IPs, late SSH. */
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { redirectsOf } from "../droplet/port-redirect.ts";
import { recordingDriver } from "../droplet/recording-driver.ts";
import { type CloudUnderTest, cloudUnderTest } from "./cloud-under-test.ts";
import { ownerOf } from "./owner.ts";

/** Stands for the droplets' own listeners: says which droplet and port it is, then echoes. */
const backends = new Map<string, Server>();
let cloud: CloudUnderTest;

async function backend(id: number, port: number): Promise<number> {
  const key = `${id}:${port}`;
  const found = backends.get(key);
  if (found) return (found.address() as { port: number }).port;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    const chunks: Buffer[] = [];
    socket.write(`${key}\n`);
    socket.on("data", (chunk) => chunks.push(chunk));
    // Answers only after the client's end: works through a door that knows half-closed connections.
    socket.on("end", () => socket.end(`got ${Buffer.concat(chunks).length}`));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  backends.set(key, server);
  return (server.address() as { port: number }).port;
}

beforeAll(async () => {
  const driver = recordingDriver();
  driver.backend = async (id, port) => ({
    host: "127.0.0.1",
    port: await backend(id, port),
  });
  cloud = await cloudUnderTest({ driver });
});
beforeEach(() => cloud.ok("POST", "/v2/tags", { name: "hub" }));
afterEach(async () => {
  const { firewalls } = await cloud.ok("GET", "/v2/firewalls");
  for (const { id } of firewalls) await cloud.ok("DELETE", `/v2/firewalls/${id}`);
  await cloud.ok("DELETE", "/_rehearsal/faults");
});
afterAll(async () => {
  await cloud.dispose();
  for (const server of backends.values()) server.close();
});

interface Talk {
  text: string;
  /** Error code when the connection failed. */
  error?: string;
}

/** Sends `bytes` bytes, ends its side, and returns all that came back. */
function talk(host: string, port: number, options: { from?: string; bytes?: number } = {}) {
  return new Promise<Talk>((resolve) => {
    let text = "";
    const socket = connect({
      host,
      port,
      allowHalfOpen: true,
      ...(options.from ? { localAddress: options.from } : {}),
    });
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("error", (error: NodeJS.ErrnoException) => resolve({ text, error: `${error.code}` }));
    socket.on("end", () => resolve({ text }));
    socket.on("connect", () => socket.end(Buffer.alloc(options.bytes ?? 0, "x")));
  });
}

const addressOf = (droplet: { networks: { v4: { ip_address: string }[] } }) =>
  droplet.networks.v4[0]?.ip_address as string;

const guard = (rules: object[], more: object = {}) =>
  cloud.ok("POST", "/v2/firewalls", {
    name: `f${Math.random()}`,
    tags: ["hub"],
    inbound_rules: rules,
    ...more,
  });
const tcp = (ports: string, ...addresses: string[]) => ({
  protocol: "tcp",
  ports,
  sources: { addresses },
});

it("passes bytes both ways and ends each way on its own", async () => {
  const droplet = await cloud.droplet();
  const heard = await talk(addressOf(droplet), 80, { bytes: 3_000_000 });
  expect(heard).toEqual({ text: `${droplet.id}:80\ngot 3000000` });
});

it("admits by source and port what a firewall names, and nothing else", async () => {
  const droplet = await cloud.droplet({ tags: ["hub"] });
  const { firewall } = await guard([tcp("22", "127.44.0.0/16"), tcp("443", "0.0.0.0/0")]);
  const address = addressOf(droplet);
  expect((await talk(address, 22, { from: "127.44.3.2" })).text).toBe(`${droplet.id}:22\ngot 0`);
  expect(await talk(address, 22, { from: "127.45.3.2" })).toMatchObject({ text: "" });
  expect((await talk(address, 22, { from: "127.45.3.2" })).error).toBe("ECONNRESET");
  expect((await talk(address, 443)).error).toBeUndefined();
  expect((await talk(address, 80)).error).toBe("ECONNREFUSED");
  await cloud.ok("PUT", `/v2/firewalls/${firewall.id}`, {
    name: firewall.name,
    tags: ["hub"],
    inbound_rules: [tcp("80", "127.0.0.0/8")],
  });
  expect((await talk(address, 22, { from: "127.44.3.2" })).error).toBe("ECONNREFUSED");
  expect((await talk(address, 80)).text).toBe(`${droplet.id}:80\ngot 0`);
});

it("opens no port that only the world outside may reach", async () => {
  const droplet = await cloud.droplet({ tags: ["hub"] });
  await guard([tcp("22", "203.0.113.7/32")]);
  expect((await talk(addressOf(droplet), 22)).error).toBe("ECONNREFUSED");
});

it("adds up firewalls, and a port that a rule names gets a door", async () => {
  const droplet = await cloud.droplet({ tags: ["hub"] });
  await guard([tcp("8443", "127.0.0.1")]);
  await guard([tcp("1-100", "127.0.0.0/8")], { droplet_ids: [droplet.id], tags: [] });
  expect((await talk(addressOf(droplet), 8443)).text).toContain(`${droplet.id}:8443`);
  expect((await talk(addressOf(droplet), 80)).text).toContain(`${droplet.id}:80`);
  expect((await talk(addressOf(droplet), 443)).error).toBe("ECONNREFUSED");
});

it("keeps a connection that runs when the firewall changes", async () => {
  const droplet = await cloud.droplet({ tags: ["hub"] });
  const { firewall } = await guard([tcp("443", "0.0.0.0/0")]);
  const socket: Socket = connect({ host: addressOf(droplet), port: 443, allowHalfOpen: true });
  await new Promise((resolve) => socket.once("data", resolve));
  await cloud.ok("PUT", `/v2/firewalls/${firewall.id}`, {
    name: firewall.name,
    tags: ["hub"],
    inbound_rules: [tcp("80", "0.0.0.0/0")],
  });
  expect((await talk(addressOf(droplet), 443)).error).toBe("ECONNREFUSED");
  const answer = new Promise((resolve) => socket.once("data", (chunk) => resolve(String(chunk))));
  socket.end("still here");
  expect(await answer).toBe("got 10");
});

it("moves a reserved IP to another droplet, under that one's firewall", async () => {
  const one = await cloud.droplet();
  const other = await cloud.droplet({ tags: ["hub"] });
  const { reserved_ip } = await cloud.ok("POST", "/v2/reserved_ips", { region: "nyc3" });
  const assign = async (droplet_id: number) =>
    cloud.settled(
      await cloud.ok("POST", `/v2/reserved_ips/${reserved_ip.ip}/actions`, {
        type: "assign",
        droplet_id,
      }),
    );
  expect((await talk(reserved_ip.ip, 80)).error).toBe("ECONNREFUSED");
  await assign(one.id);
  expect((await talk(reserved_ip.ip, 80)).text).toContain(`${one.id}:80`);
  await guard([tcp("443", "0.0.0.0/0")]);
  await assign(other.id);
  expect((await talk(reserved_ip.ip, 443)).text).toContain(`${other.id}:443`);
  expect((await talk(reserved_ip.ip, 80)).error).toBe("ECONNREFUSED");
});

it("shuts all doors of a droplet that is off and opens them again after a restart", async () => {
  const droplet = await cloud.droplet();
  const act = async (type: string) =>
    cloud.settled(await cloud.ok("POST", `/v2/droplets/${droplet.id}/actions`, { type }));
  await act("power_off");
  expect((await talk(addressOf(droplet), 80)).error).toBe("ECONNREFUSED");
  await act("power_on");
  await cloud.restart();
  expect((await talk(addressOf(droplet), 80)).text).toContain(`${droplet.id}:80`);
});

it("opens SSH late on request, and by itself", async () => {
  // Longer than the droplet takes here, also on a machine that is at work.
  await cloud.ok("POST", "/_rehearsal/faults", { match: "ssh", delayMs: 5_000 });
  const droplet = await cloud.droplet();
  expect((await talk(addressOf(droplet), 22)).error).toBe("ECONNREFUSED");
  expect((await talk(addressOf(droplet), 80)).error).toBeUndefined();
  await expect
    .poll(() => talk(addressOf(droplet), 22), { timeout: 60_000 })
    .toMatchObject({ text: `${droplet.id}:22\ngot 0` });
});

it("answers on a port that a program of this machine holds on all addresses, and leaves no trace", async () => {
  const holder = createServer((socket) => socket.end("not the droplet"));
  await new Promise<void>((resolve) => holder.listen(0, "0.0.0.0", resolve));
  const { port } = holder.address() as { port: number };
  const droplet = await cloud.droplet({ tags: ["hub"] });
  const { firewall } = await guard([tcp(`${port}`, "127.7.0.0/16")]);
  const address = addressOf(droplet);
  const owner = ownerOf(cloud.stateDir);
  expect((await talk(address, port, { from: "127.7.1.1" })).text).toBe(
    `${droplet.id}:${port}\ngot 0`,
  );
  expect((await talk(address, port, { from: "127.8.1.1" })).error).toBe("ECONNRESET");
  const own = async () => (await redirectsOf(owner)).filter((one) => one.address === address);
  expect(await own()).toEqual([{ address, port, toPort: expect.any(Number), owner }]);
  await cloud.restart();
  expect(await own()).toHaveLength(1);
  await cloud.ok("DELETE", `/v2/firewalls/${firewall.id}`);
  expect(await redirectsOf(owner)).toEqual([]);
  holder.close();
});
