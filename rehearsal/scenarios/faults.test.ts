/** The cloud fails in the ways clouds do, and runs are killed; the next run ends right. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { cloudApi } from "./cloud-api.ts";
import { ask, hub, hubOk, isFull, outputs } from "./hub.ts";

const faults = (method: "POST" | "DELETE", body?: unknown) =>
  cloudApi(method, "/_rehearsal/faults", body);

async function dropletId(): Promise<number> {
  const { droplets } = await cloudApi<{ droplets: { id: number }[] }>("GET", "/v2/droplets");
  expect(droplets).toHaveLength(1);
  return droplets[0]?.id ?? 0;
}

let generation = 10;
const nextGeneration = () => hubOk(["config", "set", "hostGeneration", String(++generation)]);

beforeAll(async () => {
  await hubOk(["config", "rm", "image"]);
  await hubOk(["up", "--yes"]);
});

afterEach(() => faults("DELETE"));

async function isWell(): Promise<void> {
  await hubOk(["status"]);
  await hubOk(["preview", "--expect-no-changes", "--refresh"]);
  expect((await ask(await outputs(), "/")).status).toBe(200);
}

describe("the API", () => {
  it("failing for long ends the run with a clear error", async () => {
    await faults("POST", { match: "POST /v2/droplets", status: 500, count: 100 });
    await nextGeneration();
    const run = await hub(["up", "--yes"]);
    expect(run.exitCode).not.toBe(0);
    expect(run.all).toMatch(/giving up after 5 attempt/);
  });

  it("answering 429 and 500 in bursts, and SSH that opens late, delay the next run and no more", async () => {
    await faults("POST", { match: "POST /v2/droplets", status: 429, count: 2, retryAfter: 1 });
    await faults("POST", { match: "GET /v2/actions", status: 500, count: 2 });
    await faults("POST", { match: "ssh", delayMs: 20_000 });
    await hubOk(["up", "--yes"]);
    await isWell();
  });
});

describe("a host", () => {
  it("that is off for good is replaced all the same", async () => {
    await cloudApi("POST", `/v2/droplets/${await dropletId()}/actions`, { type: "power_off" });
    await nextGeneration();
    await hubOk(["up", "--yes"]);
    await isWell();
  });

  it("that somebody deleted is made again by the next run", async () => {
    await cloudApi("DELETE", `/v2/droplets/${await dropletId()}`);
    // Deleted is not gone at once.
    for (let tries = 0; tries < 60; tries++) {
      const { droplets } = (await cloudApi("GET", "/v2/droplets")) as { droplets: unknown[] };
      if (droplets.length === 0) break;
      await sleep(1000);
    }
    await hubOk(["up", "--yes"]);
    await isWell();
  });
});

describe("a run", () => {
  it("killed at once while it makes the droplet is healed by the next", async () => {
    await nextGeneration();
    const run = await hub(["up", "--yes"], {
      kill: { signal: "SIGKILL", when: /creating anew host \(Droplet\)|creating host \(Droplet\)/ },
    });
    expect(run.exitCode).not.toBe(0);
    await hubOk(["up", "--yes"]);
    await isWell();
  });

  it("stopped by Ctrl-C ends in good order, and the next run goes on", async () => {
    await nextGeneration();
    const run = await hub(["up", "--yes"], {
      kill: { signal: "SIGINT", when: /creating anew host \(Droplet\)|creating host \(Droplet\)/ },
    });
    expect(run.exitCode).not.toBe(0);
    expect(run.all).toMatch(/Run again: it goes on from here/);
    await hubOk(["up", "--yes"]);
    await isWell();
  });

  // Always: the scenario "crash", in which the host's script is killed.
  it.runIf(isFull)("killed while it applies a release is healed by the next", async () => {
    await hubOk(["config", "set", "uploadLimitMib", "256"]);
    const run = await hub(["up", "--yes"], {
      kill: { signal: "SIGKILL", when: /(creating|creating anew) apply \(Command\)/ },
    });
    expect(run.exitCode).not.toBe(0);
    await hubOk(["up", "--yes"]);
    await isWell();
    await hubOk(["config", "rm", "uploadLimitMib"]);
  });
});
