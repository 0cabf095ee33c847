/** What nginx asks: who wants to go where, in headers that nobody outside can set. */
import type { IncomingHttpHeaders } from "node:http";
import { type Door, doors } from "../../hub/access.ts";

export interface Question {
  door: Door;
  method: string;
  /** Path and query as the browser wrote them. */
  uri: string;
  /** The chat's session. */
  session: string | undefined;
  /** Password of basic authentication, for programs that know nothing else. */
  password: string | undefined;
  /** Whether something other than a session was shown; it must then be right. */
  hasCredentials: boolean;
  /** Whether somebody looks at a page, as opposed to a program that asks. */
  isPage: boolean;
  origin: string | undefined;
  address: string;
}

/** Undefined when nginx has not asked as it must: a defect of its configuration, which opens nothing. */
export function questionOf(headers: IncomingHttpHeaders): Question | undefined {
  const door = doors.find((name) => name === headers["x-gate-door"]);
  const method = text(headers["x-gate-method"]);
  const uri = text(headers["x-gate-uri"]);
  const address = text(headers["x-real-ip"]);
  if (!door || !method || !uri?.startsWith("/") || !address) return undefined;
  const accepts = headers.accept ?? "";
  return {
    door,
    method,
    uri,
    session: cookieOf(headers.cookie ?? "", "token"),
    password: passwordOf(headers.authorization),
    hasCredentials: (headers.authorization ?? "") !== "",
    isPage: (method === "GET" || method === "HEAD") && accepts.includes("text/html"),
    origin: headers.origin,
    address,
  };
}

function text(header: string | string[] | undefined): string | undefined {
  return typeof header === "string" && header !== "" ? header : undefined;
}

/** The first of that name, as a value that can be sent on. */
function cookieOf(cookies: string, name: string): string | undefined {
  for (const cookie of cookies.split(";")) {
    const [key = "", ...value] = cookie.split("=");
    if (key.trim() !== name) continue;
    const token = value.join("=").trim();
    // What a session of the chat is made of; anything else is nobody's, and worth no question.
    return /^[\w.-]{1,4096}$/.test(token) ? token : undefined;
  }
  return undefined;
}

function passwordOf(authorization: string | undefined): string | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/=]+) *$/i.exec(authorization ?? "")?.[1];
  if (encoded === undefined) return undefined;
  const pair = Buffer.from(encoded, "base64").toString();
  const colon = pair.indexOf(":");
  return colon < 0 ? undefined : pair.slice(colon + 1);
}
