import { mkdtempSync, renameSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client, McpSubscription } from "@modelcontextprotocol/client";
import type { ServerEvent } from "@modelcontextprotocol/server";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Caller } from "../src/access/caller.ts";
import { Subscriptions } from "../src/protocol/subscriptions.ts";
import { Workspace } from "../src/workspace/workspace.ts";
import { caller } from "./fake-tools.ts";
import { type Access, type ProtocolServing, serveProtocol } from "./protocol-serving.ts";

let serving: ProtocolServing;

beforeAll(async () => {
  serving = await serveProtocol();
  serving.put("blog/a.txt", "one");
  serving.put("blog/deep/b.txt", "one");
  serving.put("shop/c.txt", "one");
});
afterAll(() => serving.stop());

interface Listening {
  client: Client;
  stream: McpSubscription;
  /** URIs of updates, "list" for a changed list. */
  heard: string[];
}

async function listen(uris: string[], as: Access = {}, lists = false): Promise<Listening> {
  const client = await serving.connect(as);
  const heard: string[] = [];
  client.setNotificationHandler("notifications/resources/updated", ({ params }) => {
    heard.push(params.uri);
  });
  client.setNotificationHandler("notifications/resources/list_changed", () => {
    heard.push("list");
  });
  const stream = await client.listen({
    resourceSubscriptions: uris,
    ...(lists && { resourcesListChanged: true }),
  });
  return { client, stream, heard };
}

async function write(client: Client, project: string, path: string, content: string) {
  const result = await client.callTool({
    name: "write_code",
    arguments: { project, path, content },
  });
  if (result.isError) throw new Error(JSON.stringify(result.content));
}

/** As long as events take that must not come. */
const QUIET = 500;

it("tells of a change by a tool, once", async () => {
  const { client, heard, stream } = await listen(["workspace://blog/a.txt"]);
  await write(client, "blog", "a.txt", "two");
  await write(client, "blog", "other.txt", "two");
  await expect.poll(() => heard).toEqual(["workspace://blog/a.txt"]);
  await sleep(QUIET);
  expect(heard).toHaveLength(1);
  await stream.close();
});

it("tells of a change by another program: saved in place, by a rename, deleted, made again", async () => {
  const uri = "workspace://blog/deep/b.txt";
  const { heard, stream } = await listen([uri]);
  const file = join(serving.workspace, "blog/deep/b.txt");
  const next = async (times: number) => {
    await expect.poll(() => heard).toEqual(Array(times).fill(uri));
    // The next step is an event of its own.
    await sleep(150);
  };
  writeFileSync(file, "in place");
  await next(1);
  writeFileSync(`${file}.new`, "by a rename");
  renameSync(`${file}.new`, file);
  await next(2);
  unlinkSync(file);
  await next(3);
  rmSync(join(serving.workspace, "blog/deep"), { recursive: true });
  await sleep(300);
  serving.put("blog/deep/b.txt", "again");
  await next(4);
  await stream.close();
});

it("takes the spelling that the client chose", async () => {
  const { client, heard, stream } = await listen(["workspace://blog/%61.txt"]);
  await write(client, "blog", "a.txt", "three");
  await expect.poll(() => heard).toEqual(["workspace://blog/%61.txt"]);
  await stream.close();
});

it("tells nobody of a project that his token does not reach", async () => {
  // What the tests before changed has been told.
  await sleep(QUIET);
  const uris = ["workspace://blog/a.txt", "workspace://shop/c.txt", "workspace://./x"];
  const { heard, stream } = await listen(uris, { scopes: ["read"], projects: ["blog"] }, true);
  expect(stream.honoredFilter).toEqual({
    resourcesListChanged: true,
    resourceSubscriptions: ["workspace://blog/a.txt"],
  });
  const writer = await serving.connect();
  await write(writer, "shop", "c.txt", "two");
  await write(writer, "shop", "new.txt", "two");
  serving.put("shop/c.txt", "three");
  await sleep(QUIET);
  expect(heard).toEqual([]);
  await write(writer, "blog", "new.txt", "two");
  await expect.poll(() => heard).toEqual(["list"]);
  await stream.close();
});

it("hears nothing any more once the stream is closed", async () => {
  const { client, heard, stream } = await listen(["workspace://blog/a.txt"]);
  await stream.close();
  await write(client, "blog", "a.txt", "four");
  await sleep(QUIET);
  expect(heard).toEqual([]);
});

it("tells nothing once the token no longer counts", async () => {
  const workspace = await Workspace.open(mkdtempSync(join(tmpdir(), "aihub-mcp-")));
  const subscriptions = new Subscriptions(workspace);
  const reader = caller(["read"]);
  let now: Caller | undefined = reader;
  const told: ServerEvent[] = [];
  const request = {
    params: { notifications: { resourceSubscriptions: ["workspace://blog/a.txt"] } },
  };
  const end = subscriptions.listening(
    reader,
    request,
    () => subscriptions.subscribe((event) => told.push(event)),
    () => now,
  );
  const change = (content: string) =>
    workspace.change({ tool: "test", caller: reader }, ["blog/a.txt"], (change) => {
      change.write("blog/a.txt", Buffer.from(content), { parents: true });
    });
  await change("one");
  await expect
    .poll(() => told.map(({ kind }) => kind))
    .toEqual(["resource_updated", "resources_list_changed"]);
  now = undefined;
  await change("two");
  now = { ...reader, projects: ["shop"] };
  await change("three");
  await sleep(QUIET);
  expect(told).toHaveLength(2);
  end();
  expect(subscriptions.size).toBe(0);
  subscriptions.close();
  await workspace.close();
  rmSync(workspace.root, { recursive: true });
});

it("ends the streams when the server stops", async () => {
  const { stream } = await listen(["workspace://blog/a.txt"]);
  await serving.stop();
  expect(await stream.closed).not.toBe("local");
  serving = await serveProtocol();
});
