/** What the setup job is told by its environment. */
import { readFileSync } from "node:fs";
import { UserError } from "../hub/user-error.ts";

export interface SetupSettings {
  /** Where Open WebUI answers inside the host's network, without a slash at the end. */
  openWebuiUrl: string;
  adminEmail: string;
  adminPassword: string;
  /** Address people use. */
  publicUrl: string;
  mcpUrl: string;
  mcpToken: string;
  /** Folder for what the job must remember between runs. */
  stateDir: string;
  /** Folder that hands the chat server's API key to the MCP server. */
  chatKeyDir: string;
  /** Whether the MCP server gets that key. */
  chatServerTools: boolean;
  /** Folder that hands it to the hub's server, which asks with it who is still a member. */
  serverKeyDir: string;
  /** Whether models may use the workspace's tools for every member, or for administrators alone. */
  toolsForMembers: boolean;
  /** An OpenAI-compatible API; unset: the hub adds none. */
  model?: { url: string; key: string };
}

/** Throws UserError naming the variable that is missing or cannot be used. */
export function readEnvironment(env: NodeJS.ProcessEnv): SetupSettings {
  const modelUrl = env.MODEL_API_URL?.trim();
  return {
    openWebuiUrl: url(env, "OPEN_WEBUI_URL"),
    adminEmail: need(env, "ADMIN_EMAIL"),
    adminPassword: secret(env, "ADMIN_PASSWORD_FILE"),
    publicUrl: url(env, "PUBLIC_URL"),
    mcpUrl: url(env, "MCP_URL"),
    mcpToken: secret(env, "MCP_TOKEN_FILE"),
    stateDir: need(env, "STATE_DIR"),
    chatKeyDir: need(env, "CHAT_KEY_DIR"),
    chatServerTools: need(env, "CHAT_SERVER_TOOLS") !== "off",
    serverKeyDir: need(env, "SERVER_KEY_DIR"),
    toolsForMembers: need(env, "TOOLS_FOR") === "members",
    ...(modelUrl
      ? {
          model: { url: url(env, "MODEL_API_URL"), key: optionalSecret(env, "MODEL_API_KEY_FILE") },
        }
      : {}),
  };
}

function need(env: NodeJS.ProcessEnv, name: string): string {
  const value = env[name]?.trim();
  if (!value) throw new UserError(`${name} is not set: the setup job needs it.`);
  return value;
}

function url(env: NodeJS.ProcessEnv, name: string): string {
  const value = need(env, name);
  if (!URL.canParse(value) || !/^https?:/.test(value)) {
    throw new UserError(`${name} is "${value}", which is no http or https address.`);
  }
  return value.replace(/\/+$/, "");
}

function secret(env: NodeJS.ProcessEnv, name: string): string {
  const file = need(env, name);
  let content: string;
  try {
    content = readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new UserError(
      `${name}: ${file} cannot be read: ${(error as NodeJS.ErrnoException).code}.`,
    );
  }
  if (!content) throw new UserError(`${name}: ${file} is empty.`);
  return content;
}

/** Many model servers inside a network ask for no key. */
function optionalSecret(env: NodeJS.ProcessEnv, name: string): string {
  const file = env[name]?.trim();
  if (!file) return "";
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw new UserError(
      `${name}: ${file} cannot be read: ${(error as NodeJS.ErrnoException).code}.`,
    );
  }
}
