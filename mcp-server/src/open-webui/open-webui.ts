/** Open WebUI's API, as far as the tools use it. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { ToolError } from "../tools/tool-error.ts";

export interface OpenWebuiSettings {
  /** Such as http://open-webui:8080. */
  url: string;
  /** Key of an account; what the account may do, the tools can do. */
  apiKey?: string;
  /** File that holds it instead; read at each call, so it may come later and change. */
  apiKeyFile?: string;
}

const TIMEOUT_MS = 15_000;

export class OpenWebui {
  readonly #settings: OpenWebuiSettings;

  constructor(settings: OpenWebuiSettings) {
    this.#settings = { ...settings, url: settings.url.replace(/\/+$/, "") };
  }

  /** Asks and checks the answer. Throws ToolError when the server is away, refuses, or answers something else. */
  async get<T>(path: string, answer: z.ZodType<T>, signal: AbortSignal): Promise<T> {
    return this.#ask("GET", path, undefined, answer, signal);
  }

  async post<T>(
    path: string,
    body: unknown,
    answer: z.ZodType<T>,
    signal: AbortSignal,
  ): Promise<T> {
    return this.#ask("POST", path, body, answer, signal);
  }

  /** Whether a path answers with success, without a key. */
  async answers(path: string, signal: AbortSignal): Promise<boolean> {
    try {
      const response = await fetch(`${this.#settings.url}${path}`, {
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      await response.body?.cancel();
      return response.ok;
    } catch {
      return false;
    }
  }

  async #ask<T>(
    method: "GET" | "POST",
    path: string,
    body: unknown,
    answer: z.ZodType<T>,
    signal: AbortSignal,
  ): Promise<T> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${this.#settings.url}${path}`, {
        method,
        redirect: "error",
        headers: {
          Authorization: `Bearer ${this.#key()}`,
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      text = await response.text();
    } catch (error) {
      if (error instanceof ToolError || signal.aborted) throw error;
      throw new ToolError(
        `Open WebUI does not answer at ${this.#settings.url}: ${reason(error)}. It may be starting; try again in a minute.`,
      );
    }
    if (!response.ok) throw new ToolError(refusal(response.status, text));
    const parsed = answer.safeParse(json(text));
    if (parsed.success) return parsed.data;
    // Its pages answer every unknown path: an API that has moved looks like that.
    throw new ToolError(
      `Open WebUI answered ${path} with something else than expected: this version of it may have another API. Tell the hub's administrator.`,
    );
  }

  #key(): string {
    const { apiKey, apiKeyFile } = this.#settings;
    if (apiKey !== undefined) return apiKey;
    try {
      const key = readFileSync(apiKeyFile as string, "utf8").trim();
      if (key !== "") return key;
    } catch {
      // Told below, without a path of the host.
    }
    throw new ToolError(
      "There is no key for Open WebUI's API yet. The hub's administrator has to run its set-up again.",
    );
  }
}

/** Field of an answer that matters to people, shown in one line. */
function refusal(status: number, text: string): string {
  const detail = z.object({ detail: z.string() }).safeParse(json(text)).data?.detail;
  const said = (detail ?? `status ${status}`).replace(/\s+/g, " ").slice(0, 300);
  if (status === 401 || status === 403)
    return `Open WebUI refuses the hub's key: ${said}. Its account may lack the right, or API keys are switched off.`;
  return `Open WebUI refused: ${said}`;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `no answer in ${TIMEOUT_MS / 1000} s`;
  const { cause } = error;
  return cause instanceof Error ? cause.message : error.message;
}
