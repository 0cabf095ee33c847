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
/** Bytes of an answer; the longest list of a large account has a tenth of it. */
const MOST_ANSWERED = 8 * 1024 * 1024;
/** What a header can carry; fetch repeats anything else in its error, which the model would read. */
const KEY = /^[\x21-\x7e]+$/;

export class OpenWebui {
  readonly #settings: OpenWebuiSettings;

  /** Throws an Error for people when the URL or the key cannot be one, without repeating a secret. */
  constructor(settings: OpenWebuiSettings) {
    checkUrl(settings.url);
    const apiKey = settings.apiKey?.trim();
    if (apiKey !== undefined && !KEY.test(apiKey)) {
      throw new Error(
        "The key for Open WebUI's API is no usable key: it must be one line of plain characters without spaces. Copy it again.",
      );
    }
    this.#settings = {
      ...settings,
      url: settings.url.replace(/\/+$/, ""),
      ...(apiKey !== undefined && { apiKey }),
    };
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
      text = await textOf(response);
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
    let key = "";
    try {
      key = readFileSync(apiKeyFile as string, "utf8").trim();
    } catch {
      // Told below, without a path of the host.
    }
    if (KEY.test(key)) return key;
    throw new ToolError(
      key === ""
        ? "There is no key for Open WebUI's API yet. The hub's administrator has to run its set-up again."
        : "The file for the key of Open WebUI's API holds no usable key: it must be one line of plain characters without spaces. The hub's administrator has to run its set-up again.",
    );
  }
}

/** Errors show the URL, and the model reads them. */
function checkUrl(text: string): void {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new Error("The URL of Open WebUI is none: give one such as http://open-webui:8080.");
  }
  if (url.username !== "" || url.password !== "") {
    throw new Error(
      "The URL of Open WebUI holds a user or a password, which errors would show. Leave them out; the API key is what lets in.",
    );
  }
}

/** The whole text of an answer. Throws ToolError when it has too many bytes. */
async function textOf(response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of response.body ?? []) {
    size += piece.length;
    // Leaving the loop ends the connection.
    if (size > MOST_ANSWERED) {
      throw new ToolError(
        `Open WebUI answered with more than ${MOST_ANSWERED} bytes, which is none of its lists. Tell the hub's administrator.`,
      );
    }
    pieces.push(piece);
  }
  return new TextDecoder().decode(Buffer.concat(pieces));
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
