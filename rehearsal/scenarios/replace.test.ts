/** The host is replaced; everything worth keeping is still there. */
import { beforeAll, describe, expect, it } from "vitest";
import {
  ask,
  askJson,
  beUp,
  hubOk,
  type Outputs,
  onHost,
  outputs,
  type Session,
  signIn,
} from "./hub.ts";

let before: Outputs;
let after: Outputs;
let session: Session;
let chatId: string;
let machine: string;

const dropletId = async () =>
  (
    JSON.parse((await hubOk(["pulumi", "stack", "export"])).stdout).deployment.resources as {
      type: string;
      id: string;
    }[]
  ).find((resource) => resource.type === "digitalocean:index/droplet:Droplet")?.id;

beforeAll(async () => {
  await beUp();
  before = await outputs();
  session = await signIn(before);
  const chat = await askJson<{ id: string }>(before, "/api/v1/chats/new", {
    method: "POST",
    session,
    json: {
      chat: {
        title: "Kept over a replacement",
        models: [],
        messages: [],
        history: { messages: {}, currentId: null },
      },
    },
  });
  chatId = chat.id;
  await ask(before, "/files/kept.txt", {
    method: "PUT",
    headers: { Cookie: session.cookie },
    body: "kept over a replacement",
  });
  machine = String(await dropletId());
  await hubOk(["config", "set", "hostGeneration", "2"]);
  await hubOk(["up", "--yes"]);
  after = await outputs();
});

describe("after the host was replaced", () => {
  it("it is another droplet at the same address, with the same key", async () => {
    expect(String(await dropletId())).not.toBe(machine);
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

describe("on the other base image, which brings no Docker", () => {
  it("the same hub comes up", async () => {
    await hubOk(["config", "set", "image", "ubuntu-24-04-x64"]);
    await hubOk(["config", "set", "hostGeneration", "3"]);
    await hubOk(["up", "--yes"]);
    await hubOk(["status"]);
    const file = await ask(after, "/files/kept.txt", { headers: { Cookie: session.cookie } });
    expect(file.body).toBe("kept over a replacement");
  });
});
