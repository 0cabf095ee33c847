/**
 * Property values as the engine sends them: JSON with signed objects for what JSON lacks.
 * Here they become plain values plus `Secret`, `unknown`, `Asset` and `Archive`.
 */
import struct from "google-protobuf/google/protobuf/struct_pb.js";

const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const ASSET = "c44067f5952c0a294b673a41bacd8c17";
const ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7";
const RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e";
const OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4";

/** Any of these stands for "not known before the update"; the first is the one to send. */
const UNKNOWNS = [
  "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
];

export type Properties = Record<string, unknown>;

/** A value that is known only once the update runs. */
export const unknown: unique symbol = Symbol("unknown");

/** A value that the engine must encrypt in its state and hide in its output. */
export class Secret {
  readonly value: unknown;
  constructor(value: unknown) {
    this.value = value;
  }
}

/** A file: exactly one of text, path and uri is set. */
export class Asset {
  readonly hash: string;
  readonly text: string | undefined;
  readonly path: string | undefined;
  readonly uri: string | undefined;
  constructor(hash: string, from: { text?: string; path?: string; uri?: string }) {
    this.hash = hash;
    this.text = from.text;
    this.path = from.path;
    this.uri = from.uri;
  }
}

/** A tree of files: exactly one of assets, path and uri is set. */
export class Archive {
  readonly hash: string;
  readonly assets: Record<string, unknown> | undefined;
  readonly path: string | undefined;
  readonly uri: string | undefined;
  constructor(
    hash: string,
    from: { assets?: Record<string, unknown>; path?: string; uri?: string },
  ) {
    this.hash = hash;
    this.assets = from.assets;
    this.path = from.path;
    this.uri = from.uri;
  }
}

/** Reads what the engine sent; nothing sent is an empty object. */
export function decode(sent: struct.Struct | undefined): Properties {
  return decodeObject((sent?.toJavaScript() ?? {}) as Properties);
}

export function encode(properties: Properties): struct.Struct {
  return struct.Struct.fromJavaScript(
    encodeObject(properties) as Parameters<typeof struct.Struct.fromJavaScript>[0],
  );
}

function decodeObject(sent: Properties): Properties {
  return Object.fromEntries(
    Object.entries(sent)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => [key, decodeValue(value)]),
  );
}

function decodeValue(sent: unknown): unknown {
  if (typeof sent === "string") return UNKNOWNS.includes(sent) ? unknown : sent;
  if (Array.isArray(sent)) return sent.map(decodeValue);
  if (typeof sent !== "object" || sent === null) return sent;
  const object = sent as Properties;
  switch (object[SIGNATURE]) {
    case undefined:
      return decodeObject(object);
    case SECRET:
      return new Secret(decodeValue(object.value));
    case OUTPUT: {
      const value = "value" in object ? decodeValue(object.value) : unknown;
      return object.secret === true ? new Secret(value) : value;
    }
    case ASSET:
      return new Asset(String(object.hash ?? ""), pick(object, ["text", "path", "uri"]));
    case ARCHIVE:
      return new Archive(String(object.hash ?? ""), {
        ...pick(object, ["path", "uri"]),
        ...(object.assets ? { assets: decodeObject(object.assets as Properties) } : {}),
      });
    case RESOURCE:
      return decodeValue(object.id ?? object.urn);
    default:
      throw new Error(`The engine sent a value with the signature ${object[SIGNATURE]}.`);
  }
}

function encodeObject(properties: Properties): Properties {
  return Object.fromEntries(
    Object.entries(properties)
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([key, value]) => [key, encodeValue(value)]),
  );
}

function encodeValue(value: unknown): unknown {
  if (value === unknown) return UNKNOWNS[0];
  if (value instanceof Secret) return { [SIGNATURE]: SECRET, value: encodeValue(value.value) };
  if (value instanceof Asset) return { [SIGNATURE]: ASSET, ...encodeObject({ ...value }) };
  if (value instanceof Archive) return { [SIGNATURE]: ARCHIVE, ...encodeObject({ ...value }) };
  if (Array.isArray(value)) return value.map((item) => encodeValue(item ?? null));
  if (typeof value === "object" && value !== null) return encodeObject(value as Properties);
  return value;
}

/** The same value with all secrets opened. */
export function reveal(value: unknown): unknown {
  if (value instanceof Secret) return reveal(value.value);
  if (value instanceof Asset || value instanceof Archive) return value;
  if (Array.isArray(value)) return value.map(reveal);
  if (typeof value === "object" && value !== null) return revealAll(value as Properties);
  return value;
}

export function revealAll(properties: Properties): Properties {
  return Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, reveal(value)]));
}

export function holdsSecret(value: unknown): boolean {
  return holds(value, (one) => one instanceof Secret);
}

export function holdsUnknown(value: unknown): boolean {
  return holds(value, (one) => one === unknown);
}

function holds(value: unknown, test: (value: unknown) => boolean): boolean {
  if (test(value)) return true;
  if (value instanceof Secret) return holds(value.value, test);
  if (value instanceof Asset || value instanceof Archive) return false;
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).some((item) => holds(item, test));
}

function pick<Key extends string>(object: Properties, keys: Key[]): Partial<Record<Key, string>> {
  const picked: Partial<Record<Key, string>> = {};
  for (const key of keys) {
    if (typeof object[key] === "string" && object[key] !== "") picked[key] = object[key];
  }
  return picked;
}
