/** What the server is told by its arguments and its environment. */
import { readFileSync } from "node:fs";
import { type ParseArgsConfig, parseArgs } from "node:util";
import { type Scope, scopes } from "./access/caller.ts";
import { tokenFileOf } from "./access/state-place.ts";
import type { NewToken } from "./access/tokens.ts";
import type { ServerSettings } from "./http/server.ts";
import type { DepsSettings } from "./protocol/open-deps.ts";
import type { StdioSettings } from "./protocol/stdio.ts";

/** What to do. */
export type Command =
  | { verb: "help"; text: string }
  | { verb: "serve"; settings: ServerSettings }
  | { verb: "stdio"; settings: StdioSettings }
  | { verb: "token create"; file: string; token: NewToken; json: boolean }
  | { verb: "token list"; file: string; json: boolean }
  | { verb: "token revoke"; file: string; name: string };

type Env = NodeJS.ProcessEnv;
type Options = NonNullable<ParseArgsConfig["options"]>;

const place = `  --workspace DIR           folder the tools work in                   WORKSPACE
  --state DIR               folder for tokens and audit log            STATE
                            (.aihub in the workspace, which no tool reaches)
`;
const workspaceOptions = `${place}  --history-days N          how long old versions and trash are kept   HISTORY_DAYS (90)
  --history-bytes N         how much room they may take                HISTORY_BYTES (2 GiB)
  --mounted-file FILE       tells one mount of the folder's disk from  MOUNTED_FILE
                            the next: its content changes
  --open-webui-url URL      chat server that tools may extend          OPEN_WEBUI_URL
  --open-webui-key KEY      its API key; without one there are         OPEN_WEBUI_API_KEY,
                            no such tools                              OPEN_WEBUI_API_KEY_FILE
`;
const environment =
  "The name on the right is the environment variable read when the option is missing.";

export const help = {
  "": `A workspace of projects for AI models, over MCP.

Usage: aihub-mcp [serve] --workspace DIR --token TOKEN    on HTTP, at /mcp
       aihub-mcp stdio --workspace DIR                    on standard input and output
       aihub-mcp token create|list|revoke                 who may come in

  aihub-mcp serve --help, stdio --help and token --help tell the options.
`,
  serve: `Serves the workspace on HTTP: MCP at /mcp, OpenAPI at /openapi.json, /health without a token.

Usage: aihub-mcp [serve] [options]

${workspaceOptions}  --port N                  port to listen on (8000; 0: any)           PORT
  --host ADDRESS            address to listen on (127.0.0.1)           HOST
  --allowed-hosts NAMES     names the server is called by,             ALLOWED_HOSTS
                            comma-separated; loopback always is
  --token TOKEN             a token that calls may carry               MCP_TOKEN, MCP_TOKEN_FILE
  --token-name NAME         what history and audit call it (hub)       MCP_TOKEN_NAME
  --token-scopes SCOPES     what it allows (all)                       MCP_TOKEN_SCOPES
  --tokens FILE             named tokens (tokens.json in the state)    TOKENS_FILE
  --rate-limit N            requests a second for each token, 0: any   RATE_LIMIT
                            (1000; on loopback 0)
  --metrics-port N          port of /metrics for Prometheus (none)     METRICS_PORT
  --resource-metadata URL   where a client learns who gives it a       RESOURCE_METADATA
                            token: RFC 9728 (none)
  --help

${environment}
Scopes: ${scopes.join(", ")}.
`,
  stdio: `Serves the workspace on standard input and output, for a client that starts it.

Usage: aihub-mcp stdio [options]

${workspaceOptions}  --scopes SCOPES           what the client may do (all)
  --help

${environment}
Scopes: ${scopes.join(", ")}.
`,
  token: `Named tokens: what each may do, and where. Changes count at once, also for a running server.

Usage: aihub-mcp token create NAME [options]    prints the secret, once
       aihub-mcp token list [options]
       aihub-mcp token revoke NAME [options]

${place}  --tokens FILE             the token file (tokens.json in the state)  TOKENS_FILE
  --scopes SCOPES           create: what it allows (read,write,delete)
  --projects NAMES          create: projects it reaches (all)
  --expires TIME            create: 30d, 12h, 45m or a date (never)
  --json                    create, list: as JSON
  --help

${environment}
Scopes: ${scopes.join(", ")}. self-modify: create code that runs in the chat server.
`,
} as const;

const string = { type: "string" } as const;
const boolean = { type: "boolean" } as const;
const placeOptions = {
  workspace: string,
  state: string,
  help: { ...boolean, short: "h" },
} as const;
const depsOptions = {
  ...placeOptions,
  "history-days": string,
  "history-bytes": string,
  "mounted-file": string,
  "open-webui-url": string,
  "open-webui-key": string,
} as const;

/** Throws Error with a message for people. */
export function parseCommandLine(args: readonly string[], env: Env): Command {
  const [first, ...rest] = args;
  if (first === "stdio") return stdio(rest, env);
  if (first === "token") return token(rest, env);
  if (first === "serve") return serve(rest, env);
  if (first === undefined || first.startsWith("-")) {
    if (args.length === 1 && (first === "--help" || first === "-h")) {
      return { verb: "help", text: `${help[""]}\n${help.serve}` };
    }
    return serve([...args], env);
  }
  throw new Error(`There is no verb "${first}"; known: serve, stdio, token. --help tells more.`);
}

function serve(args: string[], env: Env): Command {
  const values = parse("serve", args, {
    ...depsOptions,
    port: string,
    host: string,
    "allowed-hosts": string,
    token: string,
    "token-name": string,
    "token-scopes": string,
    tokens: string,
    "rate-limit": string,
    "metrics-port": string,
    "resource-metadata": string,
  });
  if (values.help) return { verb: "help", text: help.serve };
  // Set but empty is not set, here and below: an empty host would be every address of the machine.
  const token = values.token ?? (env.MCP_TOKEN || tokenFrom(env.MCP_TOKEN_FILE));
  const tokenName = values["token-name"] ?? env.MCP_TOKEN_NAME;
  const tokenScopes = values["token-scopes"] ?? env.MCP_TOKEN_SCOPES;
  const tokensFile = values.tokens ?? env.TOKENS_FILE;
  const rateLimit = values["rate-limit"] ?? env.RATE_LIMIT;
  const metricsPort = values["metrics-port"] ?? env.METRICS_PORT;
  const resourceMetadata = values["resource-metadata"] ?? env.RESOURCE_METADATA;
  return {
    verb: "serve",
    settings: {
      ...depsSettings(values, env),
      host: values.host || env.HOST || "127.0.0.1",
      port: portOf(values.port || env.PORT || "8000"),
      allowedHosts: list(values["allowed-hosts"] ?? env.ALLOWED_HOSTS ?? ""),
      ...(token !== undefined && { token }),
      ...(tokenName && { tokenName }),
      ...(tokenScopes && { tokenScopes: scopesOf(tokenScopes) }),
      ...(tokensFile && { tokensFile }),
      ...(rateLimit && { rateLimit: numberOf(rateLimit, "--rate-limit") }),
      ...(metricsPort && { metricsPort: portOf(metricsPort) }),
      ...(resourceMetadata && { resourceMetadata: addressOf(resourceMetadata) }),
    },
  };
}

function stdio(args: string[], env: Env): Command {
  const values = parse("stdio", args, { ...depsOptions, scopes: string });
  if (values.help) return { verb: "help", text: help.stdio };
  return {
    verb: "stdio",
    settings: {
      ...depsSettings(values, env),
      ...(values.scopes && { scopes: scopesOf(values.scopes) }),
    },
  };
}

function token([verb, ...args]: string[], env: Env): Command {
  const options = { ...placeOptions, tokens: string, json: boolean };
  if (verb === undefined || verb === "--help" || verb === "-h")
    return { verb: "help", text: help.token };
  if (verb !== "create" && verb !== "list" && verb !== "revoke") {
    throw new Error(`There is no verb "token ${verb}"; known: create, list, revoke.`);
  }
  const create = { ...options, scopes: string, projects: string, expires: string };
  const { values, positionals } = parseNamed(verb, args, verb === "create" ? create : options);
  if (values.help) return { verb: "help", text: help.token };
  const workspace = values.workspace ?? env.WORKSPACE;
  const state = values.state ?? env.STATE;
  const tokensFile = values.tokens ?? env.TOKENS_FILE;
  const file = tokenFileOf({
    ...(workspace && { workspace }),
    ...(state && { state }),
    ...(tokensFile && { tokensFile }),
  });
  const json = values.json ?? false;
  const [name, surplus] = positionals;
  if (verb === "list") {
    if (name !== undefined) throw new Error(`token list takes no name, and got "${name}".`);
    return { verb: "token list", file, json };
  }
  if (name === undefined) throw new Error(`Which token? aihub-mcp token ${verb} NAME`);
  if (surplus !== undefined) throw new Error(`One token at a time: "${surplus}" is too much.`);
  if (verb === "revoke") return { verb: "token revoke", file, name };
  return {
    verb: "token create",
    file,
    json,
    token: {
      name,
      scopes: scopesOf(values.scopes ?? "read,write,delete"),
      projects: projectsOf(values.projects),
      ...(values.expires && { lifetime: lifetimeOf(values.expires) }),
    },
  };
}

interface TokenValues {
  workspace?: string;
  state?: string;
  tokens?: string;
  scopes?: string;
  projects?: string;
  expires?: string;
  json?: boolean;
  help?: boolean;
}

function parseNamed(
  verb: string,
  args: string[],
  options: Options,
): { values: TokenValues; positionals: string[] } {
  return explained(`token ${verb}`, () => parseArgs({ args, options, allowPositionals: true }));
}

function parse<T extends Options>(verb: string, args: string[], options: T) {
  return explained(verb, () => parseArgs({ args, options }).values);
}

/** Node's own message says what is wrong, and then how to write what nobody wanted to write. */
function explained<T>(verb: string, parsed: () => T): T {
  try {
    return parsed();
  } catch (error) {
    const [message] = (error as Error).message.split(/(?<=')\. |\n/);
    throw new Error(`${message?.replace(/\.$/, "")}. aihub-mcp ${verb} --help tells the options.`);
  }
}

function depsSettings(
  values: Partial<Record<keyof typeof depsOptions, string | boolean | undefined>>,
  env: Env,
): DepsSettings {
  const given = (option: keyof typeof depsOptions, variable: string) =>
    (values[option] as string | undefined) ?? env[variable];
  const workspace = given("workspace", "WORKSPACE");
  if (!workspace)
    throw new Error("No workspace given. Name the folder: --workspace DIR or WORKSPACE.");
  const state = given("state", "STATE");
  const days = given("history-days", "HISTORY_DAYS");
  const bytes = given("history-bytes", "HISTORY_BYTES");
  const mountedFile = given("mounted-file", "MOUNTED_FILE");
  const url = given("open-webui-url", "OPEN_WEBUI_URL");
  const apiKey = given("open-webui-key", "OPEN_WEBUI_API_KEY");
  // Read at each call: the key is made after the first start of both servers.
  const apiKeyFile = env.OPEN_WEBUI_API_KEY_FILE;
  const key = apiKey ? { apiKey } : apiKeyFile && { apiKeyFile };
  // A place for a key alone asks for nothing: where there is no URL, the tools are off.
  if (apiKey && !url) {
    throw new Error(
      "There is an API key but no chat server: give --open-webui-url or OPEN_WEBUI_URL.",
    );
  }
  return {
    workspace,
    ...(state && { state }),
    ...((days || bytes) && {
      retention: {
        ...(days && { days: numberOf(days, "--history-days") }),
        ...(bytes && { bytes: numberOf(bytes, "--history-bytes") }),
      },
    }),
    ...(mountedFile && { mountedFile }),
    ...(key && url && { openWebui: { url, ...key } }),
  };
}

function tokenFrom(file: string | undefined): string | undefined {
  if (!file) return undefined;
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new Error(`The token file ${file} cannot be read: ${(error as Error).message}`);
  }
}

function portOf(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65535)
    throw new Error(`"${text}" is no port: give 0 to 65535.`);
  return Number(text);
}

/** Written as it stands in a header, so nothing in it can end the quotes. */
function addressOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || /["\\\s]/.test(url.href))
    throw new Error(`"${text}" is no address for --resource-metadata: give an http or https URL.`);
  return url.href;
}

function numberOf(text: string, option: string): number {
  const number = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || !Number.isFinite(number))
    throw new Error(`"${text}" is no number for ${option}: give 0 or more.`);
  return number;
}

function list(text: string): string[] {
  return text
    .split(",")
    .map((name) => name.trim())
    .filter(Boolean);
}

function scopesOf(text: string): Scope[] {
  const given = list(text);
  const unknown = given.find((scope) => !scopes.includes(scope as Scope));
  if (unknown !== undefined)
    throw new Error(`There is no scope "${unknown}"; known: ${scopes.join(", ")}.`);
  if (given.length === 0) throw new Error(`No scope given; known: ${scopes.join(", ")}.`);
  return scopes.filter((scope) => given.includes(scope));
}

function projectsOf(text: string | undefined): readonly string[] | "all" {
  if (text === undefined || text.trim() === "all") return "all";
  const given = list(text);
  if (given.length === 0) throw new Error('No project given: --projects blog,api, or "all".');
  const odd = given.find((name) => name === "." || name === ".." || name.includes("/"));
  if (odd !== undefined)
    throw new Error(`"${odd}" is no project: give names of folders directly in the workspace.`);
  return given;
}

const units = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 } as const;

/** Milliseconds from now until `text`, which is a length of time or a date. */
function lifetimeOf(text: string): number {
  const [, count, unit] = /^(\d+)([mhdw])$/.exec(text) ?? [];
  const lifetime =
    count !== undefined
      ? Number(count) * units[unit as keyof typeof units]
      : /^\d{4}-\d\d-\d\d/.test(text)
        ? Date.parse(text) - Date.now()
        : Number.NaN;
  if (!Number.isFinite(Date.now() + lifetime) || !(lifetime > 0) || lifetime > 8.6e14)
    throw new Error(
      `"${text}" is no time to come: give 45m, 12h, 30d, 8w or a date like 2030-12-31.`,
    );
  return lifetime;
}
