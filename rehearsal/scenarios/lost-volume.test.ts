/** The data volume is gone for good: nobody makes it worse, and the hub comes back from its recovery points. */
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { cloudApi } from "./cloud-api.ts";
import { askJson, beUp, hub, hubOk, newChat, onHost, outputs, signIn } from "./hub.ts";

interface Volume {
  id: string;
  droplet_ids: number[];
}

interface Action {
  action: { id: number; status: string };
}

let point: string;
let chat: string;

beforeAll(async () => {
  await beUp();
  const to = await outputs();
  chat = await newChat(to, await signIn(to), "outlives its volume");
  await onHost("mkdir -p /data/workspace/lost && echo precious >/data/workspace/lost/plan.md");
  await hubOk(["point"]);
  const points = JSON.parse((await hubOk(["points", "--json"])).stdout) as { name: string }[];
  point = points.at(-1)?.name ?? "";
  await loseVolume();
});

/** As somebody does who clicks on the wrong thing; the host starts anew and waits for it. */
async function loseVolume(): Promise<void> {
  const { volumes } = await cloudApi<{ volumes: Volume[] }>("GET", "/v2/volumes");
  const [volume] = volumes;
  const [droplet] = volume?.droplet_ids ?? [];
  await act(`/v2/droplets/${droplet}`, { type: "power_off" });
  await act(`/v2/volumes/${volume?.id}`, { type: "detach", droplet_id: droplet });
  await cloudApi("DELETE", `/v2/volumes/${volume?.id}`);
  await act(`/v2/droplets/${droplet}`, { type: "power_on" });
}

async function act(what: string, action: object): Promise<void> {
  let { action: done } = await cloudApi<Action>("POST", `${what}/actions`, action);
  while (done.status === "in-progress") {
    await sleep(500);
    done = (await cloudApi<Action>("GET", `/v2/actions/${done.id}`)).action;
  }
  expect(done.status).toBe("completed");
}

describe("a volume that is gone", () => {
  it.each([
    ["preview", []],
    ["up", ["--yes"]],
    ["resize", ["--size", "s-4vcpu-8gb", "--yes"]],
    ["replace-host", ["--force", "--yes"]],
  ])("%s does nothing, and says how to go on", async (verb, args) => {
    const run = await hub([verb, ...args]);
    expect(run.exitCode).not.toBe(0);
    expect(run.all).toMatch(/data volume .* is not in this DigitalOcean account; nothing was done/);
    expect(run.all).toContain("npm start -- --refresh");
  });

  it("has an empty one in its place, on which the old host starts nothing", async () => {
    const run = await hub(["up", "--refresh", "--yes"]);
    expect(run.exitCode).not.toBe(0);
    expect(run.all).toMatch(/is a new one, and empty[\s\S]*replace-host --force/);
    const status = await hub(["status"]);
    expect(status.exitCode).not.toBe(0);
    expect(status.stderr).toContain("Docker does not run on the host");
  });

  it("comes back with another host, and the hub with a point from before", async () => {
    await hubOk(["replace-host", "--force", "--yes"]);
    await hubOk(["restore", "hub", "--fresh", "--point", point, "--yes"]);
    expect(await onHost("cat /data/workspace/lost/plan.md")).toBe("precious");
    const to = await outputs();
    const session = await signIn(to);
    const found = await askJson<{ title: string }>(to, `/api/v1/chats/${chat}`, { session });
    expect(found.title).toBe("outlives its volume");
    await hubOk(["preview", "--expect-no-changes"]);
    await hubOk(["doctor"]);
  });
});
