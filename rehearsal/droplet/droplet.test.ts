/** Droplets as people meet them: real containers behind the real API, reached by SSH over loopback only. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import ssh2 from "ssh2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lineProgress } from "../../scripts/progress.ts";
import { freeBlock, type Json } from "../cloud/cloud-under-test.ts";
import { leftovers, purge } from "../cloud/purge.ts";
import { recordingDriver, startCloud } from "../cloud/server.ts";
import { ensureImages } from "../images/index.ts";
import { sshKeyPair } from "../ssh-key-pair.ts";
import { mountsBelow } from "./docker-disk.ts";
import { loopDevicesBelow } from "./loop-device.ts";

const TOKEN = "a-token-of-the-tests";
const instance = `droplet-test-${process.pid}`;
const block = await freeBlock();
const dir = mkdtempSync(join(tmpdir(), "aihub-droplet-"));
const stateDir = join(dir, "cloud");
const user = sshKeyPair();
const host = sshKeyPair();
let daemon: ChildProcess;
let apiUrl: string;

/** user_data as the hub's program makes it: a host key that clients can pin. */
const userData = `#cloud-config
ssh_keys:
  ed25519_private: |
${host.private
  .trimEnd()
  .split("\n")
  .map((line) => `    ${line}`)
  .join("\n")}
  ed25519_public: ${host.public}
runcmd:
  - [sh, -c, "echo once >> /root/ran"]
`;

async function startDaemon(): Promise<void> {
  const started = launch(stateDir);
  daemon = started.child;
  for (;;) {
    try {
      const ready = JSON.parse(readFileSync(join(stateDir, "daemon.json"), "utf8"));
      if (ready.pid === daemon.pid) {
        apiUrl = ready.apiUrl;
        return;
      }
    } catch {
      // Not written yet.
    }
    if (daemon.exitCode !== null) throw new Error(started.said());
    await sleep(50);
  }
}

function launch(state: string): { child: ChildProcess; said(): string } {
  const child = spawn(process.execPath, [
    new URL("../cloud/main.ts", import.meta.url).pathname,
    ...["--state", state, "--block", String(block), "--instance", instance],
    ...["--token-file", join(dir, "token"), "--images", join(dir, "images.json")],
  ]);
  let said = "";
  child.stdout.on("data", (chunk) => {
    said += chunk;
  });
  child.stderr.on("data", (chunk) => {
    said += chunk;
  });
  return { child, said: () => said };
}

async function endDaemon(signal: NodeJS.Signals): Promise<void> {
  const ended = once(daemon, "exit");
  daemon.kill(signal);
  await ended;
}

async function api(method: string, path: string, body?: unknown): Promise<Json> {
  const response = await fetch(`${apiUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${TOKEN}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text && JSON.parse(text);
}

async function settled(answer: Json): Promise<Json> {
  const id = answer.action?.id ?? answer.links.actions[0].id;
  for (;;) {
    const { action } = await api("GET", `/v2/actions/${id}`);
    if (action.status !== "in-progress") return action;
    await sleep(100);
  }
}

async function completed(answer: Json): Promise<void> {
  const { status } = await settled(answer);
  if (status !== "completed") {
    throw new Error(JSON.stringify(await api("GET", "/_rehearsal/failures")));
  }
}

const act = async (id: number, type: string) =>
  completed(await api("POST", `/v2/droplets/${id}/actions`, { type }));

async function droplet(args: object = {}): Promise<{ id: number; address: string }> {
  const made = await api("POST", "/v2/droplets", {
    name: "hub",
    region: "nyc3",
    size: "s-1vcpu-2gb",
    image: "ubuntu-24-04-x64",
    ssh_keys: [(await api("GET", "/v2/account/keys")).ssh_keys[0].id],
    user_data: userData,
    ...args,
  });
  await completed(made);
  const { droplet: shown } = await api("GET", `/v2/droplets/${made.droplet.id}`);
  return { id: shown.id, address: shown.networks.v4[0].ip_address };
}

async function destroy(id: number): Promise<void> {
  await api("DELETE", `/v2/droplets/${id}`);
  while (((await api("GET", "/v2/droplets")).droplets as Json[]).some((one) => one.id === id)) {
    await sleep(100);
  }
}

/** Connects as a person who pinned the host key would, again until the system is up. */
async function ssh(address: string): Promise<ssh2.Client> {
  const pinned = (ssh2.utils.parseKey(host.public) as ssh2.ParsedKey).getPublicSSH();
  for (let tries = 0; ; tries += 1) {
    const client = new ssh2.Client();
    const done = new Promise<ssh2.Client>((resolve, reject) => {
      client.on("ready", () => resolve(client));
      client.on("error", reject);
      client.on("close", () => reject(new Error("closed")));
    });
    client.connect({
      host: address,
      username: "root",
      privateKey: user.private,
      hostVerifier: (key: Buffer) => key.equals(pinned),
    });
    try {
      return await done;
    } catch (error) {
      client.destroy();
      if (tries > 12) throw error;
      // The 1-Click image shuts out who knocks six times in half a minute, and goes on while they knock.
      await sleep(tries < 3 ? 1000 : 8000);
    }
  }
}

function run(client: ssh2.Client, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    client.exec(command, (error, stream) => {
      if (error) return reject(error);
      let text = "";
      stream.on("data", (chunk: Buffer) => {
        text += chunk;
      });
      stream.stderr.on("data", (chunk: Buffer) => {
        text += chunk;
      });
      stream.on("close", (code: number) =>
        code === 0 ? resolve(text.trim()) : reject(new Error(`${command}: ${code}: ${text}`)),
      );
    });
  });
}

/** Runs one command over a connection of its own. */
async function on(address: string, command: string): Promise<string> {
  const client = await ssh(address);
  try {
    return await run(client, command);
  } finally {
    client.end();
  }
}

const refused = (address: string, port: number, from: string) =>
  new Promise<string>((resolve) => {
    const socket = connect({ host: address, port, localAddress: from });
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(`${error.code}`));
    socket.on("data", () => {
      socket.destroy();
      resolve("answered");
    });
  });

beforeAll(async () => {
  writeFileSync(join(dir, "token"), `${TOKEN}\n`);
  writeFileSync(join(dir, "images.json"), JSON.stringify(await ensureImages(lineProgress())));
  await startDaemon();
  await api("POST", "/v2/account/keys", { name: "test", public_key: user.public });
});

afterAll(async () => {
  await purge({ instance, stateDir });
  rmSync(dir, { recursive: true, force: true });
});

describe("a droplet", () => {
  let one: { id: number; address: string };
  let disk: Json;

  beforeAll(async () => {
    disk = (
      await api("POST", "/v2/volumes", {
        name: "hub-data",
        region: "nyc3",
        size_gigabytes: 1,
        filesystem_type: "ext4",
        filesystem_label: "hub-data",
      })
    ).volume;
    one = await droplet({ image: "docker-20-04", volumes: [disk.id] });
  });

  it("boots systemd, runs its user_data once and lets the account's key in", async () => {
    const client = await ssh(one.address);
    expect(await run(client, "cloud-init status --wait")).toContain("status: done");
    expect(await run(client, "cat /root/ran; hostname; ps -o comm= -p 1")).toBe(
      "once\nhub\nsystemd",
    );
    expect(await run(client, "systemctl list-units --failed --no-legend --plain")).toBe("");
    // The 1-Click image counts connections to SSH, which would shut out the tests that follow.
    expect(await run(client, "ufw status")).toMatch(/22\/tcp +LIMIT/);
    await run(client, "ufw delete limit ssh && ufw allow 22/tcp");
    client.end();
  });

  it("has Docker, with the hub's images on a disk of its own", async () => {
    const client = await ssh(one.address);
    expect(await run(client, "docker image ls --format '{{.Repository}}:{{.Tag}}'")).toContain(
      "node:24-slim",
    );
    expect(await run(client, "docker run --rm node:24-slim node -p 6*7")).toBe("42");
    expect(await run(client, "findmnt -n -o SOURCE /var/lib/docker")).toMatch(/^\/dev\/loop\d+$/);
    client.end();
  });

  it("finds its volume by the name it has on DigitalOcean, formatted, labelled, mounted once", async () => {
    const client = await ssh(one.address);
    const link = "/dev/disk/by-id/scsi-0DO_Volume_hub-data";
    expect(await run(client, `blkid -p -o value -s LABEL ${link}`)).toBe("hub-data");
    expect(await run(client, "findmnt -n -o TARGET -S LABEL=hub-data")).toBe("/mnt/hub_data");
    await run(
      client,
      "echo 'LABEL=hub-data /data ext4 defaults,nofail,noatime 0 2' >> /etc/fstab; " +
        "mkdir /data && mount /data && echo precious > /data/file && sync",
    );
    client.end();
  });

  it("comes back from a reboot asked from inside, its file systems mounted, its user_data not run again", async () => {
    const before = await on(
      one.address,
      "cat /proc/sys/kernel/random/uuid > /run/boot; cat /run/boot",
    );
    await on(one.address, "systemctl reboot").catch(() => {});
    await expect
      .poll(() => on(one.address, "cat /run/boot || echo gone"), {
        timeout: 150_000,
        interval: 1000,
      })
      .not.toContain(before);
    expect(await on(one.address, "cat /data/file /root/ran; findmnt -n /mnt/hub_data || :")).toBe(
      "precious\nonce",
    );
    expect((await api("GET", `/v2/droplets/${one.id}`)).droplet.status).toBe("active");
  });

  it("is off after a halt asked from inside, and starts with the power button", async () => {
    await on(one.address, "systemctl poweroff").catch(() => {});
    await expect
      .poll(async () => (await api("GET", `/v2/droplets/${one.id}`)).droplet.status, {
        timeout: 150_000,
      })
      .toBe("off");
    await act(one.id, "power_on");
    expect(await on(one.address, "cat /data/file")).toBe("precious");
  });

  it("goes on while the daemon is away, and is found again", async () => {
    const boot = await on(one.address, "echo same > /run/boot; cat /run/boot");
    await endDaemon("SIGKILL");
    await startDaemon();
    expect(await on(one.address, "cat /run/boot")).toBe(boot);
  });

  it("is started again after a restart of the machine, which takes mounts and loop devices away", async () => {
    await endDaemon("SIGTERM");
    await execa("docker", ["kill", `aihub-${instance}-${one.id}`]);
    const [mountPoint] = await mountsBelow(stateDir);
    await execa("umount", [`${mountPoint}`]);
    for (const { device } of await loopDevicesBelow(stateDir)) {
      await execa("losetup", ["--detach", device]);
    }
    expect(await loopDevicesBelow(stateDir)).toEqual([]);
    await startDaemon();
    expect(await on(one.address, "cat /data/file")).toBe("precious");
  });

  it("gives up a volume that nothing inside uses, and keeps one that is in use", async () => {
    const move = (type: string) =>
      api("POST", `/v2/volumes/${disk.id}/actions`, { type, droplet_id: one.id });
    const client = await ssh(one.address);
    const channel = await new Promise<ssh2.ClientChannel>((resolve, reject) => {
      client.exec("exec < /data/file; echo open; exec sleep 1000", (error, stream) => {
        if (error) reject(error);
        else stream.once("data", () => resolve(stream));
      });
    });
    expect((await settled(await move("detach"))).status).toBe("errored");
    expect(await run(client, "cat /data/file")).toBe("precious");
    await run(client, "pkill sleep");
    channel.close();
    await completed(await move("detach"));
    expect(await run(client, "ls /dev/disk/by-id /data")).not.toMatch(/hub-data|file/);
    await completed(await move("attach"));
    expect(await run(client, "mount /data && cat /data/file")).toBe("precious");
    client.end();
  });

  it("shuts down in good order, and another one has its volume and reserved IP", async () => {
    const { reserved_ip } = await api("POST", "/v2/reserved_ips", { region: "nyc3" });
    const assign = async (droplet_id: number) =>
      completed(
        await api("POST", `/v2/reserved_ips/${reserved_ip.ip}/actions`, {
          type: "assign",
          droplet_id,
        }),
      );
    await assign(one.id);
    await on(reserved_ip.ip, "echo last > /data/last");
    await act(one.id, "shutdown");
    await destroy(one.id);
    expect(await refused(reserved_ip.ip, 22, "127.0.0.1")).toBe("ECONNREFUSED");
    const other = await droplet({ name: "successor", volumes: [disk.id] });
    await assign(other.id);
    expect(other.address).not.toBe(one.address);
    const client = await ssh(reserved_ip.ip);
    expect(await run(client, "hostname")).toBe("successor");
    expect(await run(client, "findmnt -n -S LABEL=hub-data || echo 'not mounted'")).toBe(
      "not mounted",
    );
    expect(await run(client, "mount -L hub-data /mnt && cat /mnt/file /mnt/last")).toBe(
      "precious\nlast",
    );
    client.end();

    await api("POST", "/v2/tags", { name: "guarded" });
    await api("POST", "/v2/firewalls", {
      name: "ssh-from-one-network",
      inbound_rules: [{ protocol: "tcp", ports: "22", sources: { addresses: ["127.9.0.0/16"] } }],
      droplet_ids: [other.id],
    });
    for (const address of [other.address, reserved_ip.ip]) {
      expect(await refused(address, 22, "127.9.1.1")).toBe("answered");
      expect(await refused(address, 22, "127.8.1.1")).toBe("ECONNRESET");
      expect(await refused(address, 443, "127.9.1.1")).toBe("ECONNREFUSED");
    }
  });
});

describe("the daemon", () => {
  it("finishes a droplet that it was killed in the middle of", async () => {
    const made = await api("POST", "/v2/droplets", {
      name: "half-made",
      region: "nyc3",
      size: "s-1vcpu-1gb",
      image: "ubuntu-24-04-x64",
      ssh_keys: [(await api("GET", "/v2/account/keys")).ssh_keys[0].id],
      user_data: userData,
    });
    await sleep(1300);
    await endDaemon("SIGKILL");
    await startDaemon();
    await completed(made);
    const { droplet: shown } = await api("GET", `/v2/droplets/${made.droplet.id}`);
    expect(await on(shown.networks.v4[0].ip_address, "hostname")).toBe("half-made");
  });

  it("does not start twice on one state directory", async () => {
    const second = launch(stateDir);
    const [code] = await once(second.child, "exit");
    expect(code).toBe(1);
    expect(second.said()).toMatch(/runs on .* already/);
  });

  it("names a port of localhost that is taken", async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => {
      // Taken by somebody else already serves as well.
      holder.once("error", () => resolve());
      holder.listen(443, "127.0.0.1", () => resolve());
    });
    const cloud = startCloud({
      stateDir: join(dir, "other"),
      block,
      port: 0,
      token: TOKEN,
      driver: recordingDriver(),
      publishLocalhost: true,
    });
    await expect(cloud).rejects.toThrow(/Port (80|443) on 127\.0\.0\.1 is taken/);
    holder.close();
  });
});

describe("a purge", () => {
  it("leaves no container, mount, loop device or file, whatever ran", async () => {
    const before = await leftovers({ instance, stateDir });
    expect(before.join("\n")).toMatch(/container[\s\S]*mount[\s\S]*loop device[\s\S]*file/);
    await purge({ instance, stateDir });
    expect(await leftovers({ instance, stateDir })).toEqual([]);
  });
});
