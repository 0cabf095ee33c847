/**
 * The few paths of Open WebUI that the setup job uses, answering as version 0.12.4 does. For the errors that a real
 * one cannot be brought to; the rehearsal runs the job against the real one.
 */
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface FakeState {
  ready: boolean;
  users: { id: string; email: string; password: string; role: string; name: string }[];
  apiKey: string | undefined;
  settings: Record<string, unknown>;
  /** Answers given instead of the usual one, by "METHOD path". */
  instead: Record<string, { status: number; json?: unknown; html?: string }>;
  tools: { name: string }[];
  /** "METHOD path" of each request that changes something or signs in. */
  writes: string[];
}

export interface Fake extends FakeState {
  url: string;
  close(): Promise<void>;
}

export async function fakeOpenWebui(email: string, password: string): Promise<Fake> {
  const sessions = new Map<string, string>();
  const fake: Fake = {
    ready: true,
    users: [{ id: "u1", email, password, role: "admin", name: "Admin" }],
    apiKey: undefined,
    settings: {
      "webui.url": "",
      "ui.enable_signup": false,
      "ui.default_user_role": "pending",
      "ui.enable_community_sharing": true,
      "auth.enable_api_keys": true,
      "openai.enable": false,
      "openai.api_base_urls": ["https://api.openai.com/v1"],
      "openai.api_keys": [""],
      "openai.api_configs": {},
      "tool_server.connections": [],
      "task.title.enable": true,
    },
    instead: {},
    tools: [{ name: "read_code" }],
    writes: [],
    url: "",
    close: () => Promise.resolve(),
  };
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const path = (request.url ?? "").split("?")[0] ?? "";
    const route = `${request.method} ${path}`;
    const json = (status: number, value: unknown) => {
      response.writeHead(status, { "Content-Type": "application/json" });
      response.end(JSON.stringify(value));
    };
    const refuse = (status: number, detail: string) => json(status, { detail });
    if (request.method === "POST") fake.writes.push(route);
    const instead = fake.instead[route];
    if (instead?.html !== undefined) {
      response.writeHead(instead.status, { "Content-Type": "text/html" });
      return void response.end(instead.html);
    }
    if (instead) return json(instead.status, instead.json ?? {});
    if (route === "GET /ready")
      return fake.ready ? json(200, { status: true }) : refuse(503, "Database not ready");
    if (route === "GET /api/config") {
      return json(200, { features: { enable_signup: fake.settings["ui.enable_signup"] } });
    }
    // biome-ignore lint/suspicious/noExplicitAny: bodies of many shapes
    const body = (text === "" ? {} : JSON.parse(text)) as any;
    if (route === "POST /api/v1/auths/signin") {
      const user = fake.users.find(
        (one) => one.email === body.email && one.password === body.password,
      );
      if (!user) return refuse(400, "The email or password provided is incorrect.");
      const token = randomUUID();
      sessions.set(token, user.id);
      return json(200, { token, role: user.role, email: user.email });
    }
    const credential = /^Bearer (.*)$/.exec(request.headers.authorization ?? "")?.[1];
    const byKey = credential !== undefined && credential === fake.apiKey;
    if (byKey && fake.settings["auth.enable_api_keys"] !== true)
      return refuse(403, "Use of API key is not enabled");
    const user = fake.users.find(
      (one) => one.id === (byKey ? "u1" : sessions.get(credential ?? "")),
    );
    if (user?.role !== "admin") return refuse(401, "Unauthorized");
    switch (route) {
      case "GET /api/v1/auths/admin/config":
        return json(200, {});
      case "GET /api/v1/users/":
        return json(200, { users: fake.users.map(({ password: _, ...shown }) => shown) });
      case "POST /api/v1/users/u1/update":
        user.password = body.password;
        sessions.clear();
        return json(200, user);
      case "POST /api/v1/auths/update/password":
        if (body.password !== user.password) return refuse(400, "wrong");
        user.password = body.new_password;
        sessions.clear();
        return json(200, true);
      case "GET /api/v1/auths/api_key":
        return fake.apiKey ? json(200, { api_key: fake.apiKey }) : refuse(404, "no key");
      case "POST /api/v1/auths/api_key":
        if (fake.settings["auth.enable_api_keys"] !== true)
          return refuse(403, "API key creation is not allowed");
        fake.apiKey = `sk-${randomUUID().replaceAll("-", "")}`;
        return json(200, { api_key: fake.apiKey });
      case "GET /api/v1/configs/export":
        return json(200, fake.settings);
      case "POST /api/v1/configs/import":
        Object.assign(fake.settings, body.config);
        return json(200, fake.settings);
      case "GET /api/v1/configs/tool_servers":
        return json(200, { TOOL_SERVER_CONNECTIONS: fake.settings["tool_server.connections"] });
      case "POST /api/v1/configs/tool_servers":
        fake.settings["tool_server.connections"] = body.TOOL_SERVER_CONNECTIONS.map(
          (one: object) => ({
            forward_cookies: false,
            ...one,
          }),
        );
        return json(200, body);
      case "GET /api/v1/tools/id/server:mcp:hub/specs":
        return json(200, { specs: fake.tools });
    }
    response.writeHead(request.method === "GET" ? 200 : 405, { "Content-Type": "text/html" });
    response.end("<title>Open WebUI</title>");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  fake.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  fake.close = () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return fake;
}
