/** What secrets look like: how they are told from other text, and in which spellings they could lie about. */
import { createPrivateKey } from "node:crypto";
import ssh2 from "ssh2";

const { utils } = ssh2;

export interface Marker {
  /** Whose it is, for a message that must not show the value. */
  name: string;
  value: string;
}

/** As the engine marks a secret in a state. */
const SECRET = "4dabf18193072939515e22adb298388d";
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;

/** Every text inside, by its path. */
export function textsIn(value: unknown, path: string): Marker[] {
  if (typeof value === "string") {
    const inner = /^\s*[[{]/.test(value) ? json(value) : undefined;
    return inner === undefined ? [{ name: path, value }] : textsIn(inner, path);
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, one]) => textsIn(one, `${path}.${key}`));
}

/** Every text that a state, exported with its secrets, marks as secret. */
export function secretsInState(value: unknown, path = "state"): Marker[] {
  if (typeof value !== "object" || value === null) return [];
  if (SECRET in value) {
    return textsIn(json(String((value as { plaintext?: unknown }).plaintext)), path);
  }
  return Object.entries(value).flatMap(([key, one]) => {
    const name = (one as { urn?: string } | null)?.urn?.split("::").at(-1);
    return secretsInState(one, name ? `state ${name}` : `${path}.${key}`);
  });
}

/** The values of an env file, a configuration of words, JSON, a key, or a file that is one word. */
export function textsInFile(name: string, content: string): Marker[] {
  if (/^\s*[[{]/.test(content)) return textsIn(content, name);
  if (/-----BEGIN /.test(content)) return [{ name, value: content }];
  return content.split("\n").map((line) => ({
    name: `${name} ${/^(\w+)=/.exec(line)?.[1] ?? ""}`.trim(),
    value: /^\w+='?(.*?)'?$/.exec(line)?.[1] ?? line.trim().split(/\s+/).at(-1) ?? "",
  }));
}

/** Whether a text among secrets is one: a word that nobody guesses, an address with a password, a private key. */
export function isSecret({ name, value }: Marker): boolean {
  if (PRIVATE_KEY.test(value)) return true;
  // The public half of a key pair, names of places, and what triggers a step.
  if (/ACCESS_KEY_ID|\.location|\.fingerprint|\.triggers|hostKey|\.(std(out|err))\b/.test(name)) {
    return false;
  }
  if (/^[a-z0-9]+:\/\//.test(value)) return URL.canParse(value) && new URL(value).password !== "";
  return /^[\w+/=-]{16,}$/.test(value);
}

/**
 * All that gives a secret away: itself, or a part of it that is in no other text, as it is and as programs write it.
 * None holds a line break, so that a search by lines finds them.
 */
export function formsOf(value: string): string[] {
  return [...new Set(partsOf(value).flatMap(spellingsOf))];
}

function partsOf(value: string): string[] {
  if (/-----BEGIN /.test(value)) return partsOfPem(value);
  if (URL.canParse(value) && new URL(value).password !== "") {
    return [...new Set([value, decodeURIComponent(new URL(value).password)])];
  }
  // A whole archive: no line of a log holds all of it.
  return value.length > 500 ? [value.slice(200, 280)] : [value];
}

/** Its lines; of a private key those that hold the private number, and that number: the rest of it is public. */
function partsOfPem(value: string): string[] {
  const pem = /-----BEGIN [^-]+-----[\s\S]+?-----END [^-]+-----/.exec(value)?.[0] ?? value;
  // In a text of JSON or YAML its line breaks may be written.
  const lines = pem.split(/\n|\\n/).map((line) => line.trim());
  const body = lines.filter((line) => /^[A-Za-z0-9+/=]{20,}$/.test(line));
  if (!PRIVATE_KEY.test(pem)) return body;
  const own = privateNumber(lines.join("\n"));
  const bytes = Buffer.from(lines.filter((line) => !line.startsWith("-")).join(""), "base64");
  const from = bytes.indexOf(own);
  const width = ((body[0]?.length ?? 64) * 3) / 4;
  const covers = (index: number) =>
    Math.min((index + 1) * width, from + own.length) - Math.max(index * width, from) >= 12;
  return [...body.filter((_line, index) => covers(index)), own.toString("base64url")];
}

/** @param pem in any form that OpenSSL or OpenSSH writes */
function privateNumber(pem: string): Buffer {
  const parsed = pem.includes("OPENSSH") ? utils.parseKey(`${pem}\n`) : undefined;
  if (parsed instanceof Error) throw parsed;
  const { d } = createPrivateKey(parsed?.getPrivatePEM() ?? pem).export({ format: "jwk" });
  return Buffer.from(d ?? "", "base64url");
}

function spellingsOf(text: string): string[] {
  const hex = Buffer.from(text).toString("hex");
  const base64 = [0, 1, 2].map((before) => base64Inside(text, before));
  return [
    ...[text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text), encodeURI(text)],
    ...[hex, hex.toUpperCase()],
    ...base64,
    ...base64.map((one) => one.replaceAll("+", "-").replaceAll("/", "_")),
    // Unlike Node's, Go's JSON and shells escape these.
    text.replaceAll("&", "\\u0026"),
    text.replaceAll("/", "\\/"),
  ].filter((spelling) => spelling.length >= 16);
}

/** The part of it that is the same wherever it lies in what was encoded, `before` bytes after a group of three began. */
function base64Inside(text: string, before: number): string {
  const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(text)]);
  const whole = bytes.subarray(0, bytes.length - (bytes.length % 3));
  return whole.toString("base64").slice(before === 0 ? 0 : before + 1);
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
