/** Where a repository of recovery points lies, in restic's own notation. */
import { UserError } from "./user-error.ts";

export type Location = { text: string } & (
  | {
      kind: "s3";
      /** Origin, like `https://fra1.digitaloceanspaces.com`. */
      endpoint: string;
      bucket: string;
      /** Without slashes around it; empty: the whole bucket. */
      prefix: string;
    }
  | { kind: "sftp"; user: string; host: string; port: number; path: string }
  | { kind: "folder"; path: string }
);

const FORMS =
  "s3:https://ENDPOINT/BUCKET[/PREFIX], sftp:USER@HOST:/PATH (sftp://USER@HOST:PORT//PATH for another port) or /FOLDER";

/** @throws UserError when it is none of the three; the message does not repeat what may be a password */
export function parseLocation(text: string): Location {
  const location = locationOf(text);
  if (typeof location === "object") return location;
  throw new UserError(`The backup location ${location}.\n  fix: write it as ${FORMS}`);
}

/** The location, or what is wrong with it. */
function locationOf(text: string): Location | string {
  if (/[\s\p{Cc}]/u.test(text)) return "contains blanks or control characters";
  if (text.startsWith("s3:")) return bucketOf(text);
  if (text.startsWith("sftp:")) return serverOf(text);
  if (!text.startsWith("/")) return "is no absolute path and begins with neither s3: nor sftp:";
  if (!isPlainPath(text) || text === "/") return "is no folder of its own";
  return { kind: "folder", text, path: text };
}

function bucketOf(text: string): Location | string {
  let url: URL;
  try {
    url = new URL(text.slice("s3:".length));
  } catch {
    return "has no address of an S3 server after s3:";
  }
  if (!/^https?:$/.test(url.protocol)) return "has no https:// after s3:";
  if (url.username !== "" || url.password !== "") return "contains credentials";
  if (url.search !== "" || url.hash !== "") return "has something after the path";
  const [bucket = "", ...prefix] = url.pathname.slice(1).replace(/\/$/, "").split("/");
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) return "names no valid bucket";
  if (prefix.includes("")) return "has an empty part in its prefix";
  return { kind: "s3", text, endpoint: url.origin, bucket, prefix: prefix.join("/") };
}

function serverOf(text: string): Location | string {
  const found =
    /^sftp:(?!\/\/)(?<user>[^@:/]+)@(?<host>[^@:/]+):(?<path>\/.+)$/.exec(text)?.groups ??
    /^sftp:\/\/(?<user>[^@:/]+)@(?<host>[^@:/]+)(?::(?<port>\d{1,5}))?\/(?<path>\/.+)$/.exec(text)
      ?.groups;
  if (found === undefined) return "names no user, host and absolute path after sftp:";
  const { user = "", host = "", path = "" } = found;
  // ssh would take it for an option.
  if (user.startsWith("-") || host.startsWith("-")) return "has a user or host beginning with -";
  if (!isPlainPath(path)) return "has a path with empty parts, . or ..";
  const port = Number(found.port ?? 22);
  if (port < 1 || port > 65_535) return "has no valid port";
  return { kind: "sftp", text, user, host, port, path };
}

function isPlainPath(path: string): boolean {
  return !path
    .replace(/\/$/, "")
    .split("/")
    .slice(1)
    .some((part) => part === "" || part === "." || part === "..");
}

/** The server's key as known_hosts has it; undefined: no SSH is spoken with this place. */
export function knownHostsLine(text: string, hostKey: string): string | undefined {
  const location = parseLocation(text);
  if (location.kind !== "sftp") return undefined;
  const { host, port } = location;
  return `${port === 22 ? host : `[${host}]:${port}`} ${hostKey}`;
}
