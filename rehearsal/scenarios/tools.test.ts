/** A model uses the workspace's tools through the chat, and everybody sees the same files. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chatWithTools } from "./chat-client.ts";
import {
  ask,
  askJson,
  beUp,
  hub,
  hubOk,
  type Outputs,
  onHost,
  outputs,
  type Session,
  signIn,
} from "./hub.ts";
import { connectMcp } from "./mcp-client.ts";
import { modelName, modelServerScript } from "./model-server.ts";

let to: Outputs;
let session: Session;
const name = `made-by-a-model-${process.pid}.txt`;

beforeAll(async () => {
  await beUp();
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

const project = `rehearsal-${process.pid}`;
/** Lines for the model: one tool call each. */
const calls = (...all: [tool: string, args: object][]) =>
  all.map(([tool, args]) => `call hub_${tool} ${JSON.stringify(args)}`).join("\n");
const chat = (said: string) =>
  chatWithTools((path, options) => askJson(to, path, { ...options, session }), said, {
    model: modelName,
  });

describe("the workspace's tools", () => {
  it("are listed by the chat, live from the MCP server", async () => {
    const { specs } = await askJson<{ specs: { name: string }[] }>(
      to,
      "/api/v1/tools/id/server:mcp:hub/specs",
      { session },
    );
    const names = specs.map((spec) => spec.name);
    expect(names).toEqual(expect.arrayContaining(["read_code", "write_code", "search_code"]));
    expect(names).not.toContain("create_function");
  });

  it("make a file when a model in the chat asks, and it shows everywhere", async () => {
    const content = `written at ${new Date().toISOString()}`;
    const path = `${project}/${name}`;
    const answer = await chat(
      calls(["create_project", { project }], ["write_code", { project, path: name, content }]),
    );
    expect(answer.text).toContain(name);

    const inFiles = await ask(to, `/files/${path}`, { headers: { Cookie: session.cookie } });
    expect(inFiles.status).toBe(200);
    expect(inFiles.body).toBe(content);
    expect(await onHost(`cat /data/workspace/${path}`)).toBe(content);
    expect(await onHost(`docker exec aihub-code-server-1 cat /workspace/${path}`)).toBe(content);
    const inCode = await ask(to, `/code/vscode-remote-resource?path=/workspace/${path}`, {
      headers: { Cookie: session.cookie },
    });
    expect(inCode.body).toBe(content);
  });

  it("of every family do their work for a chat, and all of it can be undone", async () => {
    const before = await onHost(
      `cd /data/workspace/${project} && find . -type f | sort | xargs sha256sum`,
    );
    const path = "src/app.js";
    const worked = await chat(
      calls(
        ["write_code", { project, path, content: "const a = 1;\nconsole.log(a);\n" }],
        ["write_code", { project, path: "notes.md", content: "to be deleted" }],
        ["list_projects", {}],
        ["get_project", { project }],
        ["update_project", { project, description: "made in a rehearsal" }],
        ["list_files", { project, path: "src" }],
        ["tree", { project }],
        ["stat", { project, path }],
        ["find_files", { project, glob: "*.js" }],
        ["search_code", { project, query: "console.log" }],
        ["edit_code", { project, path, edits: [{ old_text: "a = 1", new_text: "a = 2" }] }],
        [
          "apply_patch",
          {
            project,
            patch: `--- a/${path}\n+++ b/${path}\n@@ -1,2 +1,3 @@\n const a = 2;\n+// patched\n console.log(a);\n`,
          },
        ],
        ["read_many", { project, paths: [path, "notes.md"] }],
        ["make_directory", { project, path: "docs" }],
        ["copy", { project, from: path, to: "docs/copy.js" }],
        ["move", { project, from: "docs/copy.js", to: "docs/moved.js" }],
        ["delete", { project, path: "notes.md" }],
        ["history", { project, path }],
        ["diff", { project, path }],
        ["read_code", { project, path }],
      ),
    );
    for (const said of ["src/app.js", "made in a rehearsal", "// patched", "const a = 2;"])
      expect(worked.text).toContain(said);
    expect(await onHost(`cat /data/workspace/${project}/docs/moved.js`)).toContain("// patched");

    const client = await connectMcp(to, to.mcpToken);
    const history = await client.callTool({
      name: "history",
      arguments: { project, chat: worked.chatId },
    });
    expect(JSON.stringify(history.content)).toContain(to.adminEmail);
    await client.close();

    const undone = await chat(calls(["restore_version", { project, chat: worked.chatId }]));
    expect(undone.text).toContain(path);
    expect(
      await onHost(`cd /data/workspace/${project} && find . -type f | sort | xargs sha256sum`),
    ).toBe(before);
  });

  it("show a file that a person uploads to /files/", async () => {
    const upload = await ask(to, `/files/${project}/uploaded.txt`, {
      method: "PUT",
      headers: { Cookie: session.cookie, "Content-Type": "text/plain" },
      body: "from a person",
    });
    expect(upload.status).toBe(201);
    const answer = await chat(calls(["read_code", { project, path: "uploaded.txt" }]));
    expect(answer.text).toContain("from a person");
  });

  it("keep their history out of the file manager's lists", async () => {
    const listed = await ask(to, "/files/?json", { headers: { Cookie: session.cookie } });
    expect(listed.body).toContain(project);
    expect(listed.body).not.toContain(".aihub");
  });

  it("serve another MCP client at /mcp, by token only", async () => {
    const client = await connectMcp(to, to.mcpToken);
    const { tools } = await client.listTools();
    expect(tools.map((tool) => tool.name)).toContain("write_code");
    const result = await client.callTool({
      name: "read_code",
      arguments: { project, path: name },
    });
    expect(JSON.stringify(result.content)).toContain("written at");
    await client.close();
    await expect(connectMcp(to, "wrong")).rejects.toThrow();
  });

  it("are limited by named tokens, which count at once", async () => {
    // Left by a run that was cut off.
    await hub(["token", "revoke", "reader"]);
    const made = await hubOk([
      "token",
      "create",
      "reader",
      "--scopes",
      "read",
      "--projects",
      project,
      "--json",
    ]);
    const { secret } = JSON.parse(made.stdout) as { secret: string };
    const client = await connectMcp(to, secret);
    const { tools } = await client.listTools();
    expect(tools.map((tool) => tool.name)).not.toContain("write_code");
    const read = (project: string) =>
      client.callTool({ name: "read_code", arguments: { project, path: name } });
    expect((await read(project)).isError).toBeFalsy();
    expect((await read(".")).isError).toBe(true);
    expect((await hubOk(["token", "list"])).stdout).toContain("reader");
    await hubOk(["token", "revoke", "reader"]);
    await expect(read(project)).rejects.toThrow();
    await client.close().catch(() => {});
  });
});

describe("tools for the chat server itself", () => {
  // The rollout that follows takes it away.
  afterAll(() => hubOk(["config", "rm", "chatServerTools"]));

  it("look at it, and extend it by code that runs there", async () => {
    await hubOk(["config", "set", "chatServerTools", "code"]);
    await hubOk(["up", "--yes"]);
    const id = `rehearsed_${process.pid}`;
    const code = [
      "class Pipe:",
      "    def pipe(self, body):",
      '        return "pipe says " + body["messages"][-1]["content"]',
    ].join("\n");
    const tool = [
      "class Tools:",
      "    def add(self, a: int, b: int) -> int:",
      '        """Adds two numbers."""',
      "        return a + b",
    ].join("\n");
    const { text } = await chat(
      calls(
        ["get_health", {}],
        ["list_models", {}],
        ["create_function", { id, name: "Rehearsed", code }],
        ["toggle_function", { id }],
        ["list_functions", {}],
        ["create_tool", { id: `${id}_tool`, name: "Adder", code: tool }],
        ["list_tools", {}],
        ["create_chat", { title: "Made by a tool", model: modelName, message: "hello" }],
        ["list_chats", {}],
      ),
    );
    for (const said of ['"ready": true', modelName, `${id}_tool`, "Made by a tool"])
      expect(text).toContain(said);
    expect(text).toMatch(new RegExp(`${id} +pipe +on`));
    await askJson(to, "/api/models?refresh=true", { session });
    const piped = await askJson<{ choices: { message: { content: string } }[] }>(
      to,
      "/api/chat/completions",
      {
        method: "POST",
        session,
        json: { model: id, stream: false, messages: [{ role: "user", content: "yo" }] },
      },
    );
    expect(JSON.stringify(piped)).toContain("pipe says yo");
    for (const path of [`functions/id/${id}`, `tools/id/${id}_tool`])
      await askJson(to, `/api/v1/${path}/delete`, { method: "DELETE", session });
  });
});
