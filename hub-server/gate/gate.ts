/** The gate: says whether somebody may go where they want to. Whatever is not sure is refused. */
import { type Access, mayPass } from "../../hub/access.ts";
import type { Caller } from "../../mcp-server/src/access/caller.ts";
import { FailedLogins } from "../../mcp-server/src/access/rate-limit.ts";
import { ChatUnavailable } from "./chat-session.ts";
import type { Person } from "./person.ts";
import type { Question } from "./question.ts";
import type { SessionSource } from "./session-cache.ts";
import { mayUseFiles } from "./token-methods.ts";

export type Verdict =
  | { outcome: "pass"; person: Person | undefined }
  /** To the login and back, where a page was asked for. */
  | { outcome: "sign in"; location: string }
  /** A program is to show a token. */
  | { outcome: "challenge" }
  | { outcome: "too many" }
  | { outcome: "refused" }
  | { outcome: "unavailable" };

export interface GateParts {
  sessions: SessionSource;
  tokens: { authenticate(secret: string, use: "files"): Caller | undefined };
  access: Access;
  /** Address of the hub, like https://aihub.example.com. */
  publicUrl: string;
}

const changesNothing = new Set(["GET", "HEAD", "OPTIONS", "PROPFIND"]);

export class Gate {
  readonly #parts: GateParts;
  readonly #logins = new FailedLogins();

  constructor(parts: GateParts) {
    this.#parts = parts;
  }

  async ask(question: Question): Promise<Verdict> {
    // WebDAV: a program that shows a token is judged by that alone.
    if (question.hasCredentials && question.door === "files") return this.#byToken(question);
    let person: Person | undefined;
    try {
      person =
        question.session === undefined
          ? undefined
          : await this.#parts.sessions.whose(question.session);
    } catch (error) {
      if (!(error instanceof ChatUnavailable)) throw error;
      return { outcome: "unavailable" };
    }
    if (person === undefined) return this.#stranger(question);
    if (!this.#isFromHere(question)) return { outcome: "refused" };
    // The account waits to be let in.
    if (person.role === undefined) return { outcome: "refused" };
    return mayPass(this.#parts.access, question.door, person.role, question.method)
      ? { outcome: "pass", person }
      : { outcome: "refused" };
  }

  #byToken({ password, method, address }: Question): Verdict {
    const caller =
      password === undefined ? undefined : this.#parts.tokens.authenticate(password, "files");
    if (caller === undefined) {
      const isGuessing = this.#logins.failed(address) > 0;
      return { outcome: isGuessing ? "too many" : "challenge" };
    }
    return mayUseFiles(caller, method)
      ? { outcome: "pass", person: undefined }
      : { outcome: "refused" };
  }

  #stranger({ isPage, door, uri }: Question): Verdict {
    if (!isPage && door === "files") return { outcome: "challenge" };
    // Several slashes in front would name another host.
    const back = uri.replace(/^[/\\]+/, "/");
    return { outcome: "sign in", location: `/auth?redirect=${encodeURIComponent(back)}` };
  }

  /** Another site's page shall not write with this site's session, nor open its sockets. */
  #isFromHere({ method, origin, door }: Question): boolean {
    if (origin === undefined || origin === this.#parts.publicUrl) return true;
    return changesNothing.has(method) && door !== "code";
  }
}
