/**
 * A hub as far as OAuth needs one: the real sections behind a front that plays nginx, beside the real MCP server. The front says
 * who sits at the browser, as the gate would.
 */
import { mkdirSync, mkdtempSync } from "node:fs";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type OAuthSettings, oauthSections } from "../../../hub-server/oauth/oauth.ts";
import { startServer } from "../../../mcp-server/src/http/server.ts";

export interface Person {
  id: string;
  email: string;
  name: string;
  role: string;
}

export const alice: Person = {
  id: "u-1",
  email: "alice@example.com",
  name: "Alice Ä.",
  role: "admin",
};
export const bob: Person = { id: "u-2", email: "bob@example.com", name: "Bob", role: "member" };

export interface TestHub {
  /** As clients see it; nothing listens there, `fetch` leads it to the front. */
  publicUrl: string;
  mcpUrl: URL;
  tokensFile: string;
  state: string;
  /** Who is signed in at the browser; undefined: nobody. */
  person: Person | undefined;
  fetch: (input: string | URL, init?: RequestInit) => Promise<Response>;
  /** Stops and starts the sections, as a new release does. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startTestHub(options: Partial<OAuthSettings> = {}): Promise<TestHub> {
  const folder = mkdtempSync(join(tmpdir(), "aihub-oauth-"));
  const workspace = join(folder, "workspace");
  mkdirSync(join(workspace, "blog"), { recursive: true });
  const publicUrl = "https://aihub.example.com";
  const settings = {
    publicUrl,
    tokensFile: join(folder, "mcp", "tokens.json"),
    state: join(folder, "state"),
    ...options,
  };
  let sections = oauthSections(settings);
  const mcp = await startServer({
    workspace,
    state: join(folder, "mcp"),
    host: "127.0.0.1",
    port: 0,
    token: "the-token-of-the-chat",
    allowedHosts: ["aihub.example.com"],
    resourceMetadata: `${publicUrl}/.well-known/oauth-protected-resource/mcp`,
  });
  const hub: Pick<TestHub, "person"> = { person: alice };

  function front(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const path = incoming.url ?? "/";
    for (const name of Object.keys(incoming.headers))
      if (name.startsWith("x-hub-")) delete incoming.headers[name];
    if (path === "/mcp") {
      const { method, headers } = incoming;
      const onward = request({ port: mcp.port, path, method, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 0, answer.headers);
        answer.pipe(outgoing);
      });
      incoming.pipe(onward);
      return;
    }
    incoming.headers["x-forwarded-proto"] = "https";
    incoming.headers["x-forwarded-host"] = "aihub.example.com";
    if (path.startsWith("/oauth/interaction/")) {
      const { person } = hub;
      if (!person) {
        outgoing.writeHead(302, { Location: `/auth?redirect=${encodeURIComponent(path)}` }).end();
        return;
      }
      incoming.headers["x-hub-id"] = encodeURIComponent(person.id);
      incoming.headers["x-hub-user"] = encodeURIComponent(person.email);
      incoming.headers["x-hub-name"] = encodeURIComponent(person.name);
      if (person.role !== "") incoming.headers["x-hub-role"] = person.role;
    }
    const section = sections.find(({ prefix }) => path.startsWith(prefix));
    if (!section) outgoing.writeHead(404).end();
    else
      void (async () => section.handle(incoming, outgoing))().catch((error) => {
        process.stderr.write(`${error.stack}\n`);
        outgoing.writeHead(500).end();
      });
  }

  const server = createServer(front);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const closeSections = async () => {
    for (const { close } of sections) await close?.();
  };
  return Object.assign(hub as TestHub, {
    publicUrl,
    mcpUrl: new URL(`${publicUrl}/mcp`),
    tokensFile: settings.tokensFile,
    state: settings.state,
    fetch(input: string | URL, init: RequestInit = {}) {
      const { pathname, search } = new URL(input);
      return fetch(`http://127.0.0.1:${port}${pathname}${search}`, { redirect: "manual", ...init });
    },
    async restart() {
      await closeSections();
      sections = oauthSections(settings);
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await mcp.close(0);
      await closeSections();
    },
  });
}
