/** What the hub's server is started with. */
import { hostname } from "node:os";
import { type Access, audiences, defaultAccess, doors } from "../hub/access.ts";
import { type CertificateSettings, readCertificateSettings } from "./certificate/settings.ts";

export interface GateSettings {
  /** Path of the Unix socket that nginx asks at. */
  socket: string;
  /** Tells this process from others at the same socket. Default the host's name, which each container has for itself. */
  instance: string;
  /** Address of the chat, inside. */
  chatUrl: string;
  /** Address of the hub, outside, like https://aihub.example.com. */
  publicUrl: string;
  access: Access;
  /** E-mail addresses in lower case of members who may only look; "*" for all. */
  readers: ReadonlySet<string>;
  /** The MCP server's named tokens. */
  tokensFile: string;
  /** Milliseconds for which the chat's word about a session counts at most; asked again after a third. Default 10,000. */
  sessionMs: number;
}

export interface HubServerSettings extends GateSettings {
  /** Serves while another one is replaced: answers, and leaves to the other what only one may do. */
  standIn: boolean;
  /** Undefined: no certificate comes from an ACME server. */
  certificate: CertificateSettings | undefined;
  /** Holds the key of the chat's API, once the set-up job has left it there. */
  chatKeyFile: string;
  /** Folder of this server's own state. */
  state: string;
  /** Folder of the host's report. */
  statusDir: string;
  /** Folder of the MCP server's audit log. */
  auditDir: string;
  /** Where nginx answers inside, like nginx:8443. */
  frontDoor: { host: string; port: number };
}

type Env = Readonly<Record<string, string | undefined>>;

/** @throws Error for people, naming the variable */
export function readGateEnvironment(env: Env): GateSettings {
  return {
    socket: needed(env, "SOCKET"),
    instance: env.INSTANCE || hostname(),
    chatUrl: needed(env, "CHAT_URL"),
    publicUrl: new URL(needed(env, "PUBLIC_URL")).origin,
    access: accessOf(env.ACCESS),
    readers: new Set(
      (env.READERS ?? "")
        .split(",")
        .map((reader) => reader.trim().toLowerCase())
        .filter(Boolean),
    ),
    tokensFile: needed(env, "TOKENS_FILE"),
    sessionMs: milliseconds(env, "SESSION_MS", 10_000),
  };
}

/** @throws Error for people, naming the variable */
export function readEnvironment(env: Env): HubServerSettings {
  const gate = readGateEnvironment(env);
  return {
    ...gate,
    standIn: env.STAND_IN === "yes",
    chatKeyFile: needed(env, "CHAT_KEY_FILE"),
    state: needed(env, "STATE"),
    statusDir: needed(env, "STATUS_DIR"),
    auditDir: needed(env, "AUDIT_DIR"),
    frontDoor: placeOf(env, "FRONT_DOOR"),
    certificate: readCertificateSettings(env, new URL(gate.publicUrl).hostname),
  };
}

function needed(env: Env, name: string): string {
  const value = env[name];
  if (!value) throw new Error(`${name} is not set.`);
  return value;
}

function placeOf(env: Env, name: string): { host: string; port: number } {
  const [, host, port] = /^([\w.-]+):(\d{1,5})$/.exec(needed(env, name)) ?? [];
  if (!host || !port) throw new Error(`${name} names no host and port.`);
  return { host, port: Number(port) };
}

function milliseconds(env: Env, name: string, fallback: number): number {
  const text = env[name];
  if (!text) return fallback;
  if (!/^\d{1,7}$/.test(text)) throw new Error(`${name} is no number of milliseconds.`);
  return Number(text);
}

/** Written like "files=members,code=admins"; what is not named has its default. */
function accessOf(text = ""): Access {
  const access = { ...defaultAccess };
  for (const pair of text.split(",").filter(Boolean)) {
    const [name, value] = pair.split("=");
    const door = doors.find((known) => known === name);
    const audience = audiences.find((known) => known === value);
    if (!door || !audience) throw new Error(`ACCESS: "${pair}" names no door and its audience.`);
    access[door] = audience;
  }
  return access;
}
