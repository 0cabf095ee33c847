/** The host is replaced, by one on the other base image, which brings no Docker; everything worth keeping is still there. */
import { beforeAll, describe, expect, it } from "vitest";
import { cloudApi } from "./cloud-api.ts";
import {
  ask,
  askJson,
  beUp,
  holdTimers,
  hub,
  hubOk,
  isFull,
  newChat,
  type Outputs,
  onHost,
  outputs,
  type Session,
  signIn,
  startTimers,
} from "./hub.ts";

const image = "ubuntu-24-04-x64";
let before: Outputs;
let after: Outputs;
let session: Session;
let chatId: string;
let machine: string;
let generation: number;
let act: {
  generation: number;
  from: string;
  to: string;
  point: string;
  gaps: Record<string, { longest: number }>;
};

const dropletId = async () =>
  (
    JSON.parse((await hubOk(["pulumi", "stack", "export"])).stdout).deployment.resources as {
      type: string;
      id: string;
    }[]
  ).find((resource) => resource.type === "digitalocean:index/droplet:Droplet")?.id;

const hostGeneration = async () =>
  Number((await hubOk(["config", "get", "hostGeneration"])).stdout.trim());

beforeAll(async () => {
  await beUp();
  before = await outputs();
  session = await signIn(before);
  chatId = await newChat(before, session, "Kept over a replacement");
  await ask(before, "/files/kept.txt", {
    method: "PUT",
    headers: { Cookie: session.cookie },
    body: "kept over a replacement",
  });
  machine = String(await dropletId());
  generation = await hostGeneration();
  await hubOk(["config", "set", "image", image]);
  // A hub this young needs no drill yet, but a point.
  await hubOk(["point"]);
  act = JSON.parse((await hubOk(["replace-host", "--yes", "--json"])).stdout);
  after = await outputs();
});

describe("the act", () => {
  it("took a point of the present first, and says for how long the hub did not answer", async () => {
    expect(act.generation).toBe(generation + 1);
    expect([act.from, act.to]).toEqual([machine, String(await dropletId())]);
    const points = JSON.parse((await hubOk(["points", "--json"])).stdout) as {
      id: string;
      reason: string;
    }[];
    const taken = points.find(({ id }) => act.point.startsWith(id));
    expect(taken?.reason).toBe("before-replacement");
    // The droplet was away, so there is a gap; how long it was is for the benchmarks.
    expect(act.gaps["login page"]?.longest).toBeGreaterThan(0);
    expect(act.gaps["/mcp"]?.longest).toBeGreaterThan(0);
  });

  it("is refused when the backups could not bring the hub back, and then nothing was done", async () => {
    const standing = "/data/hub/status/backup.json";
    // A point at the quarter of an hour would tell the truth again, and the host would be replaced.
    await holdTimers();
    await onHost(
      `cp -a ${standing} /run/backup.json && sed -i 's/"lastPoint":{"time":"20../"lastPoint":{"time":"2001/' ${standing}`,
    );
    try {
      const run = await hub(["replace-host", "--yes"]);
      expect(run.exitCode).not.toBe(0);
      expect(run.all).toMatch(/last recovery point is \d+ hours old/);
      expect(await hostGeneration()).toBe(generation + 1);
    } finally {
      await onHost(`cp -a /run/backup.json ${standing}`);
      await startTimers();
    }
    await hubOk(["preview", "--expect-no-changes"]);
  });
});

describe("after the host was replaced", () => {
  it("it is another droplet at the same address, with the same key", async () => {
    expect(String(await dropletId())).not.toBe(machine);
    const { droplets } = await cloudApi<{ droplets: { image: { slug: string } }[] }>(
      "GET",
      "/v2/droplets",
    );
    expect(droplets.map((droplet) => droplet.image.slug)).toEqual([image]);
    expect(after.ipAddress).toBe(before.ipAddress);
    await hubOk(["ssh", "--", "true"]);
  });

  it("the password, the token and even the open session are still good", async () => {
    expect(after.adminPassword).toBe(before.adminPassword);
    expect(after.mcpToken).toBe(before.mcpToken);
    const me = await askJson<{ email: string }>(after, "/api/v1/auths/", { session });
    expect(me.email).toBe(before.adminEmail);
  });

  it("chats and files are still there", async () => {
    const chat = await askJson<{ title: string }>(after, `/api/v1/chats/${chatId}`, { session });
    expect(chat.title).toBe("Kept over a replacement");
    const file = await ask(after, "/files/kept.txt", { headers: { Cookie: session.cookie } });
    expect(file.body).toBe("kept over a replacement");
  });

  it("the volume is the same one, mounted where it was", async () => {
    expect(await onHost("cat /data/.aihub-volume")).toMatch(/-data$/m);
    await hubOk(["status"]);
    await hubOk(["preview", "--expect-no-changes"]);
  });
});

describe("another size and a larger volume", () => {
  it("stop the services in order first, start everything again, and give it the memory and the room", async () => {
    await hubOk(["config", "set", "volumeSizeGib", "60"]);
    const run = await hubOk(["resize", "--size", "s-4vcpu-8gb", "--yes", "--json"]);
    expect(JSON.parse(run.stdout)).toMatchObject({ size: "s-4vcpu-8gb", from: "s-2vcpu-4gb" });
    // Not "was interrupted", as after a cut.
    expect(
      await onHost("docker logs aihub-postgres-1 2>&1 | grep 'database system was' | tail -n 2"),
    ).toMatch(/database system was shut down at/);
    const size = Number(await onHost("df --block-size=1M --output=size /data | tail -n 1"));
    expect(size).toBeGreaterThan(57_000);
    await hubOk(["preview", "--expect-no-changes"]);
  });

  it("a size that the services do not fit is refused before anything is stopped", async () => {
    const run = await hub(["resize", "--size", "s-1vcpu-1gb", "--yes"]);
    expect(run.exitCode).not.toBe(0);
    expect(run.all).toMatch(/memory plan does not fit/);
  });

  it.runIf(isFull)("and back", async () => {
    await hubOk(["resize", "--size", "s-2vcpu-4gb", "--yes"]);
    await hubOk(["status"]);
  });
});
