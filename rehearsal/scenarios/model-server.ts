/**
 * A model API that does as it is told, so that a tool call can be rehearsed without a model. It speaks the OpenAI
 * chat protocol. A user message of lines `call <tool> <json>` is answered with those tool calls, one after another,
 * then with a text that holds all their results; any other message is repeated.
 *
 * Runs in this process by `startModelServer`, and anywhere Node is by `node --input-type=module -e "<modelServerScript()>"`
 * with MODEL_SERVER_PORT and, to ask for a key, MODEL_SERVER_KEY in the environment.
 */
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export const modelName = "rehearsal";

export interface ModelServer {
  /** To be set as the hub's modelApiUrl. */
  url: string;
  close(): Promise<void>;
}

interface Message {
  role: string;
  content?: string | { type: string; text?: string }[] | null;
}

interface Completion {
  stream?: boolean;
  messages: Message[];
  tools?: { function: { name: string } }[];
}

interface Reply {
  content: string | null;
  tool_calls?: {
    index: number;
    id: string;
    type: "function";
    function: { name: string; arguments: string };
  }[];
}

/** This module as plain JavaScript: it needs nothing but Node. */
export async function modelServerScript(): Promise<string> {
  const { stripTypeScriptTypes } = await import("node:module");
  return stripTypeScriptTypes(readFileSync(new URL(import.meta.url), "utf8"));
}

export async function startModelServer(options: {
  host: string;
  /** 0: a free one. */
  port: number;
  /** Bearer key that every call must carry; unset: none. */
  key?: string;
}): Promise<ModelServer> {
  const server = createServer(async (request, response) => {
    const path = request.url?.split("?")[0];
    if (path === "/health") return json(response, 200, { status: "ok" });
    if (options.key && request.headers.authorization !== `Bearer ${options.key}`) {
      return json(response, 401, {
        error: { message: "wrong key", type: "invalid_request_error" },
      });
    }
    if (request.method === "GET" && path === "/v1/models") {
      const model = { id: modelName, object: "model", created: 0, owned_by: "rehearsal" };
      return json(response, 200, { object: "list", data: [model] });
    }
    if (request.method === "POST" && path === "/v1/chat/completions") {
      const completion = JSON.parse(await body(request)) as Completion;
      return send(response, completion.stream === true, reply(completion));
    }
    json(response, 404, { error: { message: `no ${request.method} ${path}` } });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    url: `http://${options.host}:${(server.address() as AddressInfo).port}/v1`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function reply({ messages, tools = [] }: Completion): Reply {
  const asked = messages.findLastIndex(({ role }) => role === "user");
  const question = text(messages[asked]);
  const results = messages.slice(asked + 1).filter(({ role }) => role === "tool");
  const calls = [...question.matchAll(/^call (\S+) (\{.*\})$/gm)];
  const next = calls[results.length];
  if (!next) {
    return {
      content:
        calls.length > 0
          ? results.map((result) => `result: ${text(result)}`).join("\n")
          : `you said: ${question}`,
    };
  }
  const [, wanted, args] = next as unknown as [string, string, string];
  const names = tools.map((tool) => tool.function.name);
  // A chat puts the tool server's id before the name.
  const name = names.find((one) => one === wanted || one.endsWith(`_${wanted}`));
  if (name === undefined)
    return { content: `no tool ${wanted} among: ${names.join(", ") || "none"}` };
  const id = `call_${results.length + 1}`;
  return {
    content: null,
    tool_calls: [{ index: 0, id, type: "function", function: { name, arguments: args } }],
  };
}

function text(message: Message | undefined): string {
  const content = message?.content ?? "";
  return typeof content === "string" ? content : content.map((part) => part.text ?? "").join("");
}

function send(response: ServerResponse, stream: boolean, { content, tool_calls }: Reply): void {
  const finish_reason = tool_calls ? "tool_calls" : "stop";
  const head = { id: "chatcmpl-rehearsal", created: 0, model: modelName };
  const said = { role: "assistant", content, ...(tool_calls ? { tool_calls } : {}) };
  if (!stream) {
    json(response, 200, {
      ...head,
      object: "chat.completion",
      choices: [{ index: 0, message: said, finish_reason }],
      usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
    });
    return;
  }
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  for (const choice of [
    { index: 0, delta: said, finish_reason: null },
    { index: 0, delta: {}, finish_reason },
  ]) {
    const chunk = { ...head, object: "chat.completion.chunk", choices: [choice] };
    response.write(`data: ${JSON.stringify(chunk)}\n\n`);
  }
  response.end("data: [DONE]\n\n");
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(value));
}

async function body(request: IncomingMessage): Promise<string> {
  let whole = "";
  for await (const chunk of request) whole += chunk;
  return whole;
}

if (process.env.MODEL_SERVER_PORT) {
  const { MODEL_SERVER_PORT, MODEL_SERVER_KEY } = process.env;
  await startModelServer({
    host: "0.0.0.0",
    port: Number(MODEL_SERVER_PORT),
    ...(MODEL_SERVER_KEY ? { key: MODEL_SERVER_KEY } : {}),
  });
  process.on("SIGTERM", () => process.exit(0));
}
