/** Who comes in, by which token, and how often. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Caller } from "../access/caller.ts";
import { FailedLogins, RateLimit } from "../access/rate-limit.ts";
import type { TokenStore } from "../access/tokens.ts";
import type { Deps } from "../protocol/deps.ts";
import { answer, refuse } from "./answer.ts";
import { isLoopback } from "./host-name.ts";

export interface AdmissionSettings {
  /** Where the server listens. */
  host: string;
  /** Requests a second for each token, twice as many at once; 0: any number. Default 1,000, on loopback 0. */
  rateLimit?: number;
  /** Where a client without a token learns who gives it one (RFC 9728), as an address; missing: nothing is said of it. */
  resourceMetadata?: string;
  /** Who comes without a token. Only on loopback. */
  anonymous?: Caller;
}

/** Against a runaway loop of one client, which would take the others' share. Far above what a chat does. */
const REQUESTS_A_SECOND = 1000;
/** Bytes of a refused request that are read so that its connection can be kept. */
const MOST_SKIPPED = 64 * 1024;

export class Admission {
  readonly #tokens: TokenStore;
  readonly #deps: Pick<Deps, "audit" | "metrics">;
  readonly #anonymous: Caller | undefined;
  readonly #rate: RateLimit | undefined;
  readonly #logins = new FailedLogins();
  readonly #challenge: string;

  constructor(
    tokens: TokenStore,
    deps: Pick<Deps, "audit" | "metrics">,
    settings: AdmissionSettings,
  ) {
    this.#tokens = tokens;
    this.#deps = deps;
    this.#anonymous = settings.anonymous;
    const { resourceMetadata } = settings;
    this.#challenge = [
      'Bearer realm="mcp", error="invalid_token"',
      ...(resourceMetadata === undefined ? [] : [`resource_metadata="${resourceMetadata}"`]),
    ].join(", ");
    const rate = settings.rateLimit ?? (isLoopback(settings.host) ? 0 : REQUESTS_A_SECOND);
    this.#rate = rate > 0 ? new RateLimit(rate, Math.max(1, 2 * rate)) : undefined;
  }

  /** Who comes in; undefined when the request has been answered. */
  admit(request: IncomingMessage, response: ServerResponse): Caller | undefined {
    const address = request.socket.remoteAddress ?? "";
    const { audit, metrics } = this.#deps;
    const caller = this.identify(request);
    if (caller === undefined) {
      const wait = this.#logins.failed(address);
      metrics.unauthorized();
      // The body of a stranger is not read.
      response.setHeader("Connection", "close");
      if (wait > 0) {
        metrics.limited();
        return refuse(response, wait, "Too many calls without a valid token from this address.");
      }
      audit.record({ outcome: "unauthorized", address });
      response.setHeader("WWW-Authenticate", this.#challenge);
      answer(response, 401, {
        error: "Send a token of this server: Authorization: Bearer <token>",
      });
      return undefined;
    }
    const wait = this.#rate?.take(caller.token) ?? 0;
    if (wait === 0) return caller;
    metrics.limited();
    const length = request.headers["content-length"];
    if (length !== undefined && Number(length) <= MOST_SKIPPED) request.resume();
    else response.setHeader("Connection", "close");
    return refuse(response, wait, `Token "${caller.token}" calls too fast.`);
  }

  /** Who shows the request's token now, which may have been revoked since it came. */
  identify({ headers: { authorization } }: IncomingMessage): Caller | undefined {
    if (authorization === undefined) return this.#anonymous;
    const secret = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
    return secret === undefined ? undefined : this.#tokens.authenticate(secret);
  }

  /** Counts more calls that came with a request that was let in. */
  owe(caller: Caller, calls: number): void {
    this.#rate?.owe(caller.token, calls);
  }
}
