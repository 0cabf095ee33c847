/** The hub's home page and its JSON API, at /hub/. Documented in docs/status-api.md. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Access } from "../../hub/access.ts";
import { type Visitor, visitorOf } from "../gate/visitor.ts";
import type { Section } from "../section.ts";
import type { HubStatus } from "../status/hub-status.ts";
import { answerJson, answerText, commonHeaders } from "./answer.ts";
import { auditTail } from "./audit-tail.ts";
import { checkSameOrigin, readJson } from "./change-request.ts";
import { defaultDays, mostDays, OwnTokens } from "./own-tokens.ts";
import style from "./page/app.css" with { type: "text" };
import script from "./page/app.mjs" with { type: "text" };
import page from "./page/index.html" with { type: "text" };
import { Refusal } from "./refusal.ts";
import { type Rights, rightsOf, statusFor } from "./rights.ts";
import { type EventTimes, StatusEvents } from "./status-events.ts";

export interface HomeParts {
  access: Access;
  /** Like https://aihub.example.com. */
  publicUrl: string;
  tokensFile: string;
  /** Folder of the MCP server's audit log. */
  auditFolder: string;
  status: { read(): Promise<HubStatus> };
  times?: EventTimes;
}

interface Call {
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  visitor: Visitor;
  rights: Rights;
}

type Answerer = (call: Call) => Promise<void> | void;

export function homeSection(parts: HomeParts): Section {
  const { access, publicUrl, status } = parts;
  const tokens = new OwnTokens(parts.tokensFile);
  const events = new StatusEvents(() => status.read(), parts.times);
  const file =
    (type: string, text: string): Answerer =>
    ({ response }) =>
      answerText(response, 200, type, text);
  const onlyFromHere = ({ request }: Call) => checkSameOrigin(request, publicUrl);

  const routes: Record<string, Record<string, Answerer>> = {
    "/hub/": { GET: file("text/html", page) },
    "/hub/app.css": { GET: file("text/css", style) },
    "/hub/app.js": { GET: file("text/javascript", script) },
    "/hub/api/me": {
      GET: ({ response, visitor, rights }) =>
        answerJson(response, 200, {
          name: visitor.name,
          email: visitor.email,
          role: visitor.role,
          links: {
            chat: "/",
            files: rights.files ? "/files/" : null,
            code: rights.code ? "/code/" : null,
            mcp: `${publicUrl}/mcp`,
          },
          tokenScopes: rights.tokenScopes,
          tokenDays: { default: defaultDays, most: mostDays },
          hostDetails: rights.hostDetails,
          others: rights.others,
        }),
    },
    "/hub/api/status": {
      GET: async ({ response, rights }) =>
        answerJson(response, 200, statusFor(rights, await status.read())),
    },
    "/hub/api/events": {
      GET: ({ response, visitor, rights }) =>
        events.add(response, visitor.id, (all) => statusFor(rights, all)),
    },
    "/hub/api/tokens": {
      GET: ({ response, visitor, rights }) =>
        answerJson(response, 200, { tokens: tokens.list(visitor, rights) }),
      POST: async (call) => {
        onlyFromHere(call);
        const { request, response, visitor, rights } = call;
        answerJson(response, 201, tokens.make(visitor, rights, await readJson(request)));
      },
    },
    "/hub/api/audit": {
      GET: async ({ response, url, visitor, rights }) => {
        const limit = limitOf(url.searchParams.get("limit"));
        const lines = await auditTail(parts.auditFolder, visitor, rights, limit);
        answerJson(response, 200, { lines });
      },
    },
  };
  const oneToken: Record<string, Answerer> = {
    DELETE: (call) => {
      onlyFromHere(call);
      tokens.revoke(call.visitor, call.rights, nameOf(call.url.pathname));
      call.response.writeHead(204, commonHeaders).end();
    },
  };

  return {
    prefix: "/hub/",
    async handle(request, response) {
      try {
        const visitor = visitorOf(request.headers);
        if (!visitor) throw new Refusal(403, "Nobody has said who you are.");
        const url = new URL(request.url ?? "/", publicUrl);
        const answerers = url.pathname.startsWith(TOKEN)
          ? oneToken
          : Object.hasOwn(routes, url.pathname)
            ? routes[url.pathname]
            : undefined;
        if (!answerers) throw new Refusal(404, "There is nothing here.");
        const method = request.method === "HEAD" ? "GET" : (request.method ?? "");
        const answerer = Object.hasOwn(answerers, method) ? answerers[method] : undefined;
        if (!answerer) {
          response.setHeader("Allow", Object.keys(answerers).join(", "));
          throw new Refusal(405, `${method} is not for this.`);
        }
        const rights = rightsOf(access, visitor.role);
        await answerer({ request, response, url, visitor, rights });
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        answerJson(response, error.status, { error: error.message });
      }
    },
    drain: () => events.close(),
  };
}

const TOKEN = "/hub/api/tokens/";

function nameOf(path: string): string {
  try {
    return decodeURIComponent(path.slice(TOKEN.length));
  } catch {
    throw new Refusal(400, "The name is written wrongly.");
  }
}

/** 1 to 200, default 50. */
function limitOf(text: string | null): number {
  if (text === null) return 50;
  const limit = Number(text);
  if (!/^\d{1,3}$/.test(text) || limit < 1 || limit > 200)
    throw new Refusal(400, "limit is a number from 1 to 200.");
  return limit;
}
