/** Open WebUI's API, as far as the hub uses it. */
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../hub/user-error.ts";

export interface ApiAnswer {
  status: number;
  /** Undefined when the answer is not JSON: a page, or nothing. */
  json: unknown;
}

export interface ApiCall {
  method?: "GET" | "POST";
  /** Sent as JSON. */
  body?: unknown;
  /** Session token or API key; without it the call is a stranger's. */
  credential?: string;
  /** Milliseconds after which it counts as not answered; default a minute. */
  timeoutMs?: number;
}

const TIMEOUT_MS = 60_000;

export class OpenWebui {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  /** Throws UserError when Open WebUI cannot be reached; any status is an answer. */
  async ask(
    path: string,
    { method = "GET", body, credential, timeoutMs = TIMEOUT_MS }: ApiCall = {},
  ): Promise<ApiAnswer> {
    let response: Response;
    try {
      response = await fetch(this.url + path, {
        method,
        redirect: "manual",
        signal: AbortSignal.timeout(timeoutMs),
        headers: {
          Accept: "application/json",
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
          ...(credential === undefined ? {} : { Authorization: `Bearer ${credential}` }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      const isJson = response.headers.get("content-type")?.startsWith("application/json") ?? false;
      return { status: response.status, json: isJson ? parse(text) : undefined };
    } catch (error) {
      const cause = (error as { cause?: { code?: string; message?: string } }).cause;
      const why = cause?.code ?? cause?.message ?? (error as Error).message;
      throw new UserError(`Open WebUI at ${this.url} does not answer ${method} ${path}: ${why}.`);
    }
  }

  /**
   * A call that must succeed. Throws UserError with what Open WebUI said otherwise; also when it answers with a
   * page, as it does for paths it does not know.
   */
  async get<T>(path: string, call: ApiCall = {}): Promise<T> {
    const answer = await this.ask(path, call);
    if (answer.status === 200 && answer.json !== undefined) return answer.json as T;
    throw unexpected(path, call, answer);
  }

  /** Waits until it has started, with its database and its cache. */
  async untilReady(forMs: number): Promise<void> {
    const end = Date.now() + forMs;
    let last = "";
    for (;;) {
      try {
        const { status } = await this.ask("/ready");
        if (status === 200) return;
        last = `it answers ${status}`;
      } catch (error) {
        last = (error as Error).message;
      }
      if (Date.now() > end) {
        throw new UserError(
          `Open WebUI was not ready after ${Math.round(forMs / 1000)} s: ${last}. Its log says why: npm run hub -- logs open-webui`,
        );
      }
      await sleep(Math.min(1000, forMs / 10));
    }
  }
}

export function unexpected(
  path: string,
  { method = "GET" }: ApiCall,
  answer: ApiAnswer,
): UserError {
  const detail = (answer.json as { detail?: unknown } | undefined)?.detail;
  const said =
    answer.json === undefined
      ? "which is no JSON: this version of Open WebUI does not know the path"
      : typeof detail === "string"
        ? `"${detail.slice(0, 300)}"`
        : "with no reason given";
  return new UserError(`Open WebUI answered ${method} ${path} with ${answer.status}, ${said}.`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
