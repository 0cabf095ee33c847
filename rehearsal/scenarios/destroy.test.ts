/** The end of a hub: its data stays unless that too is asked for, and then nothing at all is left. */
import { access } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { leftovers } from "../cloud/purge.ts";
import { currentInstance } from "../instance.ts";
import { ask, beUp, hub, hubOk, instanceName, outputs, signIn } from "./hub.ts";

const instance = currentInstance(instanceName);

beforeAll(async () => {
  await beUp();
});

describe("destroy", () => {
  it("asks first, and takes silence for a no", async () => {
    const run = await hub(["destroy"]);
    expect(run.exitCode).not.toBe(0);
    expect(run.all).toMatch(/add --yes/);
    expect((await ask(await outputs(), "/")).status).toBe(200);
  });

  it("keeps the volume and says so; the next up finds everything on it", async () => {
    const to = await outputs();
    const session = await signIn(to);
    await ask(to, "/files/outlives.txt", {
      method: "PUT",
      headers: { Cookie: session.cookie },
      body: "outlives the hub",
    });
    const run = await hubOk(["destroy", "--yes"]);
    expect(run.all).toMatch(/data volume .*-data stays/);
    await expect(ask(to, "/")).rejects.toThrow();

    await hubOk(["up", "--yes"]);
    const again = await outputs();
    const reopened = await signIn(again);
    const file = await ask(again, "/files/outlives.txt", { headers: { Cookie: reopened.cookie } });
    expect(file.body).toBe("outlives the hub");
  });

  it("--purge leaves nothing behind: no container, loop device, mount or file", async () => {
    await hubOk(["destroy", "--purge", "--yes"]);
    expect(await leftovers({ instance: instance.name, stateDir: instance.cloudDir })).toEqual([]);
    await expect(access(instance.stateDir)).rejects.toThrow();
  });
});
