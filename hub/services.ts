/** The services of a hub: what each needs of the host. How each is started is in `templates/compose.yaml`. */
import type { Images } from "./images.ts";
import type { Need } from "./memory.ts";

/** A folder on the data volume and who owns it. */
export interface DataFolder {
  path: string;
  uid: number;
  gid: number;
  /** Octal permission bits. */
  mode: string;
}

export interface Service extends Need {
  /** Which image of the settings it runs, or the base of the one built for it on the host. */
  image: keyof Images;
  data: DataFolder[];
  /** Owner of its secrets: the user it runs as. */
  secretsOwner: { uid: number; gid: number };
  /** Left out when the settings name an external one. */
  embedded?: "database" | "cache";
  /** Only there in this TLS mode. */
  onlyIn?: "acme";
}

const root = { uid: 0, gid: 0 };
/** Owner of the workspace: the MCP server, the file manager and the editor share it. */
const worker = { uid: 1000, gid: 1000 };
const database = { uid: 999, gid: 999 };

export const WORKSPACE = "/data/workspace";
const CHAT_KEY_FOLDER = "/data/hub/chat-key";
/** The MCP server's tokens and audit log; the hub's server makes and revokes tokens there. */
const MCP_STATE = "/data/mcp-server";
/** Holds the socket by which nginx reaches the hub's server; nobody else may. */
const DOOR_FOLDER = "/data/hub/door";
/** The host's report, for the hub's server. */
const STATUS_FOLDER = "/data/hub/status";
const nginxUser = { uid: 101, gid: 101 };
const certbotUser = { uid: 102, gid: 102 };
/** All of a public certificate, so that another host goes on with the same one. The folders of it: */
const CERTIFICATES = "/data/certificates";

export const services: readonly Service[] = [
  {
    name: "nginx",
    image: "nginx",
    minimum: 96,
    weight: 0,
    data: [
      { path: DOOR_FOLDER, uid: worker.uid, gid: nginxUser.gid, mode: "0750" },
      { path: CERTIFICATES, ...root, mode: "0755" },
      // Certbot writes, nginx reads, nobody else does: what is made in it belongs to nginx's group.
      {
        path: `${CERTIFICATES}/serving`,
        uid: certbotUser.uid,
        gid: nginxUser.gid,
        mode: "2750",
      },
      // Answers to an ACME server: written by certbot, and by the hub's server to see that they arrive.
      { path: `${CERTIFICATES}/webroot`, uid: worker.uid, gid: certbotUser.gid, mode: "2775" },
    ],
    secretsOwner: nginxUser,
  },
  {
    name: "hub-server",
    image: "node",
    minimum: 160,
    weight: 0,
    data: [
      { path: "/data/hub/server", ...worker, mode: "0700" },
      { path: `${CERTIFICATES}/state`, ...worker, mode: "0700" },
      // Requests to certbot and its answers.
      { path: `${CERTIFICATES}/exchange`, uid: worker.uid, gid: certbotUser.gid, mode: "2770" },
      // As the folder of the MCP server's key: the set-up job leaves it there.
      { path: "/data/hub/server-key", ...root, gid: worker.gid, mode: "2750" },
      // The host writes its report here, and nobody else.
      { path: STATUS_FOLDER, ...root, gid: worker.gid, mode: "0750" },
    ],
    secretsOwner: worker,
  },
  {
    name: "open-webui",
    image: "openWebui",
    minimum: 1024,
    weight: 4,
    data: [{ path: "/data/open-webui", ...root, mode: "0700" }],
    secretsOwner: root,
  },
  {
    name: "mcp-server",
    image: "node",
    minimum: 256,
    weight: 1,
    data: [
      { path: WORKSPACE, ...worker, mode: "0750" },
      { path: MCP_STATE, ...worker, mode: "0700" },
      // The set-up job leaves the key of the chat server's API here: what is in it belongs to the group.
      { path: CHAT_KEY_FOLDER, ...root, gid: worker.gid, mode: "2750" },
    ],
    secretsOwner: worker,
  },
  {
    name: "files",
    image: "files",
    minimum: 96,
    weight: 0,
    data: [],
    secretsOwner: worker,
  },
  {
    name: "code-server",
    image: "codeServer",
    minimum: 1024,
    weight: 3,
    data: [{ path: "/data/code-server", ...worker, mode: "0700" }],
    secretsOwner: worker,
  },
  {
    name: "postgres",
    image: "postgres",
    minimum: 448,
    weight: 3,
    data: [{ path: "/data/postgres", ...database, mode: "0700" }],
    secretsOwner: database,
    embedded: "database",
  },
  {
    name: "valkey",
    image: "valkey",
    minimum: 160,
    weight: 0,
    data: [{ path: "/data/valkey", ...database, mode: "0700" }],
    secretsOwner: database,
    embedded: "cache",
  },
  {
    name: "certbot",
    image: "certbot",
    minimum: 128,
    weight: 0,
    data: [{ path: `${CERTIFICATES}/certbot`, ...certbotUser, mode: "0700" }],
    secretsOwner: certbotUser,
    onlyIn: "acme",
  },
];

/** The one-shot job that makes Open WebUI match the settings after each apply. */
export const setupJob = {
  name: "setup",
  data: [{ path: "/data/hub/setup", ...root, mode: "0700" }] satisfies DataFolder[],
  secretsOwner: root,
} as const;

/** Takes recovery points and brings them back: a program of the host's own, not a container. */
export const recoveryJob = {
  name: "recovery",
  data: [{ path: "/data/hub/recovery", ...root, mode: "0700" }] satisfies DataFolder[],
  secretsOwner: root,
} as const;
