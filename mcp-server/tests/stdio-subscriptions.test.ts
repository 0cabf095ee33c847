import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "@modelcontextprotocol/client";
import { InMemoryTransport } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createSdkServer } from "../src/protocol/sdk-server.ts";
import { StdioSubscriptions } from "../src/protocol/stdio-subscriptions.ts";
import { Subscriptions } from "../src/protocol/subscriptions.ts";
import { Workspace } from "../src/workspace/workspace.ts";
import { caller, fakeDeps } from "./fake-tools.ts";

let folder: string;
let workspace: Workspace;
let subscriptions: Subscriptions;
let heard: string[];
const uri = "workspace://blog/a.txt";

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "aihub-mcp-"));
  mkdirSync(join(folder, "blog"));
  writeFileSync(join(folder, "blog/a.txt"), "one");
  workspace = await Workspace.open(folder);
  subscriptions = new Subscriptions(workspace);
  heard = [];
});
afterEach(async () => {
  subscriptions.close();
  await workspace.close();
  rmSync(folder, { recursive: true, force: true });
});

async function connect(era: "modern" | "legacy"): Promise<Client> {
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  const deps = { ...fakeDeps(), workspace };
  const told = new StdioSubscriptions(subscriptions, caller(["read"]));
  serveStdio(
    (context) => told.serving(createSdkServer(deps, caller(["read"]), context.era), context.era),
    { transport: ours },
  );
  told.hear(ours);
  const client = new Client(
    { name: "tests", version: "1" },
    { versionNegotiation: { mode: era === "modern" ? { pin: "2026-07-28" } : "legacy" } },
  );
  client.setNotificationHandler("notifications/resources/updated", ({ params }) => {
    heard.push(params.uri);
  });
  client.setNotificationHandler("notifications/resources/list_changed", () => {
    heard.push("list");
  });
  await client.connect(theirs);
  return client;
}

function save(content: string) {
  writeFileSync(join(folder, "blog/a.txt"), content);
}

function change(path: string) {
  const author = { tool: "test", caller: caller(["write"]) };
  return workspace.change(author, [path], (change) => {
    change.write(path, Buffer.from("changed"));
  });
}

it("tells a client of 2026-07-28 what it asked for, until it has enough", async () => {
  const client = await connect("modern");
  const stream = await client.listen({ resourceSubscriptions: [uri], resourcesListChanged: true });
  expect(stream.honoredFilter).toEqual({
    resourceSubscriptions: [uri],
    resourcesListChanged: true,
  });
  save("by an editor");
  await expect.poll(() => heard).toEqual([uri]);
  await change("blog/b.txt");
  await expect.poll(() => heard).toEqual([uri, "list"]);
  await change("blog/a.txt");
  await expect.poll(() => heard).toEqual([uri, "list", uri, "list"]);
  await stream.close();
  await expect.poll(() => subscriptions.size).toBe(0);
  await client.close();
});

it("tells a client of 2025 what it subscribed to", async () => {
  const client = await connect("legacy");
  expect(client.getServerCapabilities()?.resources).toEqual({ subscribe: true, listChanged: true });
  await client.subscribeResource({ uri });
  save("by an editor");
  await expect.poll(() => heard).toEqual([uri]);
  await client.unsubscribeResource({ uri });
  save("by an editor again");
  await change("blog/b.txt");
  await expect.poll(() => heard).toEqual([uri, "list"]);
  await sleep(300);
  expect(heard).toEqual([uri, "list"]);
  await client.close();
});
