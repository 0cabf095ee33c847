/** A model uses the workspace's tools through the chat, and everybody sees the same files. */
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chatWithTools } from "./chat-client.ts";
import {
  ask,
  askJson,
  httpsFetch,
  hubOk,
  type Outputs,
  onHost,
  outputs,
  type Session,
  signIn,
} from "./hub.ts";
import { modelName, modelServerScript } from "./model-server.ts";

let to: Outputs;
let session: Session;
const name = `made-by-a-model-${process.pid}.txt`;

beforeAll(async () => {
  await hubOk(["up", "--yes"]);
  to = await outputs();
  // The model runs beside the hub, on its host: a model API that needs no way out.
  const script = Buffer.from(await modelServerScript()).toString("base64");
  await onHost(
    [
      "docker rm -f rehearsal-model >/dev/null 2>&1 || true",
      `echo ${script} | base64 -d >/run/model.mjs`,
      "docker run -d --name rehearsal-model --network aihub_edge --network-alias model -v /run/model.mjs:/model.mjs:ro " +
        "-e MODEL_SERVER_PORT=9000 -e MODEL_SERVER_HOST=0.0.0.0 node:24-slim node /model.mjs",
    ].join("; "),
  );
  await hubOk(["config", "set", "modelApiUrl", "http://model:9000/v1"]);
  await hubOk(["up", "--yes"]);
  session = await signIn(to);
});

afterAll(async () => {
  await hubOk(["config", "rm", "modelApiUrl"]);
  await hubOk(["up", "--yes"]);
  await onHost("docker rm -f rehearsal-model");
});

describe("the workspace's tools", () => {
  it("are listed by the chat, live from the MCP server", async () => {
    const { specs } = await askJson<{ specs: { name: string }[] }>(
      to,
      "/api/v1/tools/id/server:mcp:hub/specs",
      { session },
    );
    const names = specs.map((spec) => spec.name);
    expect(names).toEqual(expect.arrayContaining(["read_file", "write_file", "list_directory"]));
  });

  it("make a file when a model in the chat asks, and it shows everywhere", async () => {
    const content = `written at ${new Date().toISOString()}`;
    const answer = await chatWithTools(
      (path, options) => askJson(to, path, { ...options, session }),
      `call hub_write_file ${JSON.stringify({ path: name, content })}`,
      { model: modelName },
    );
    expect(answer.text).toContain(name);

    const inFiles = await ask(to, `/files/${name}`, { headers: { Cookie: session.cookie } });
    expect(inFiles.status).toBe(200);
    expect(inFiles.body).toBe(content);
    expect(await onHost(`cat /data/workspace/${name}`)).toBe(content);
    expect(await onHost(`docker exec aihub-code-server-1 cat /workspace/${name}`)).toBe(content);
    const inCode = await ask(to, `/code/vscode-remote-resource?path=/workspace/${name}`, {
      headers: { Cookie: session.cookie },
    });
    expect(inCode.body).toBe(content);
  });

  it("show a file that a person uploads to /files/", async () => {
    const upload = await ask(to, "/files/uploaded.txt", {
      method: "PUT",
      headers: { Cookie: session.cookie, "Content-Type": "text/plain" },
      body: "from a person",
    });
    expect(upload.status).toBe(201);
    const answer = await chatWithTools(
      (path, options) => askJson(to, path, { ...options, session }),
      `call hub_read_file ${JSON.stringify({ path: "uploaded.txt" })}`,
      { model: modelName },
    );
    expect(answer.text).toContain("from a person");
  });

  it("serve another MCP client at /mcp, by token only", async () => {
    const connect = async (token: string) => {
      const client = new Client({ name: "rehearsal", version: "1.0.0" });
      await client.connect(
        new StreamableHTTPClientTransport(new URL(to.mcpUrl), {
          fetch: httpsFetch(to),
          requestInit: { headers: { Authorization: `Bearer ${token}` } },
        }),
      );
      return client;
    };
    const client = await connect(to.mcpToken);
    const { tools } = await client.listTools();
    expect(tools.map((tool) => tool.name)).toContain("write_file");
    const result = await client.callTool({ name: "read_file", arguments: { path: name } });
    expect(JSON.stringify(result.content)).toContain("written at");
    await client.close();
    await expect(connect("wrong")).rejects.toThrow();
  });
});
