import { setTimeout as sleep } from "node:timers/promises";

/** An answer of DigitalOcean's API that is not a success; the text is what the real provider prints. */
export class ApiRefusal extends Error {
  override name = "ApiRefusal";
  readonly status: number;
  constructor(status: number, text: string) {
    super(text);
    this.status = status;
  }
}

export interface ApiSettings {
  token: string;
  /** Repetitions after a 429, a 5xx or no answer; default 4. */
  retries: number;
  /** Seconds before the first repetition; doubled each time. Default 1. */
  waitFrom: number;
  /** Seconds a wait may grow to; default 30. */
  waitTo: number;
}

/** DigitalOcean's API, version 2. Paths begin with "/v2/". A 204 answers undefined. */
export interface Api {
  settings: ApiSettings;
  get<Answer>(path: string): Promise<Answer>;
  post<Answer>(path: string, body: unknown): Promise<Answer>;
  put<Answer>(path: string, body: unknown): Promise<Answer>;
  delete(path: string, body?: unknown): Promise<void>;
}

const REQUEST_TIMEOUT_MS = 60_000;

export function connectApi(apiUrl: string, settings: ApiSettings): Api {
  const api: Api = {
    settings,
    get: (path) => call("GET", path),
    post: (path, body) => call("POST", path, body),
    put: (path, body) => call("PUT", path, body),
    delete: (path, body) => call("DELETE", path, body),
  };

  async function call<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const url = `${apiUrl.replace(/\/$/, "")}${path}`;
    const { retries, token } = api.settings;
    let problem = "";
    for (let attempt = 0; ; attempt++) {
      const response = await fetch(url, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        // A request is never broken off on request: what it makes must not be lost.
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      }).catch((error: Error) => unreachable(error));
      if (response instanceof Response && response.ok) {
        const text = await response.text();
        return (text === "" ? undefined : JSON.parse(text)) as Answer;
      }
      if (response instanceof Response) {
        const text = await refusalText(response);
        if (response.status !== 429 && response.status < 500) {
          throw new ApiRefusal(response.status, `${method} ${url}: ${text}`);
        }
        problem = text;
      } else problem = response;
      if (attempt >= retries) {
        throw new Error(`${method} ${url} giving up after ${attempt + 1} attempt(s): ${problem}`);
      }
      await sleep(waitMs(api.settings, attempt, response));
    }
  }

  return api;
}

/** undefined in place of a 404. */
export async function orGone<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiRefusal && error.status === 404) return undefined;
    throw error;
  }
}

/** Puts the provider's own words before what went wrong: "Error creating droplet: ...". */
export async function saying<Answer>(words: string, answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer;
  } catch (error) {
    const text = `${words}: ${(error as Error).message}`;
    throw error instanceof ApiRefusal ? new ApiRefusal(error.status, text) : new Error(text);
  }
}

function waitMs(
  { waitFrom, waitTo }: ApiSettings,
  attempt: number,
  response: Response | string,
): number {
  const asked =
    response instanceof Response ? Number(response.headers.get("retry-after") ?? Number.NaN) : NaN;
  const seconds = Number.isFinite(asked) ? asked : Math.min(waitFrom * 2 ** attempt, waitTo);
  return seconds * 1000;
}

async function refusalText(response: Response): Promise<string> {
  const text = await response.text();
  let message = text;
  let id = response.headers.get("x-request-id");
  try {
    const body = JSON.parse(text) as { message?: string; request_id?: string };
    message = body.message ?? text;
    id ??= body.request_id ?? null;
  } catch {
    // Whatever stands before the API (a proxy) need not answer JSON; its text is shown as it is.
  }
  return `${response.status}${id ? ` (request "${id}")` : ""} ${message}`;
}

function unreachable(error: Error & { cause?: unknown }): string {
  const { cause } = error;
  return cause instanceof Error && cause.message ? cause.message : error.message;
}
