/** Who may come in: the named tokens of one file, stored as digests, and the one token the server was started with. */
import { createHash, hash, randomBytes, timingSafeEqual } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { failedWith } from "../tools/tool-error.ts";
import { type Caller, type Scope, scopes } from "./caller.ts";

/** "." would be the workspace's root, which only "all" reaches. */
const project = z
  .string()
  .refine((name) => !["", ".", ".."].includes(name) && !name.includes("/"), "no project's name");

const storedToken = z.strictObject({
  name: z.string(),
  /** SHA-256 of the secret, hexadecimal. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  scopes: z.array(z.enum(scopes)),
  projects: z.union([z.literal("all"), z.array(project)]),
  created: z.iso.datetime(),
  expires: z.iso.datetime().optional(),
  /** Whose it is, where a person made it or let a program in: their account of the chat. */
  owner: z.strictObject({ id: z.string(), email: z.string() }).optional(),
  /** Name of the program that the owner let in by signing in. */
  client: z.string().optional(),
  /** Of no use here: for the files over WebDAV alone, where its owner may have no more. */
  only: z.literal("files").optional(),
});
const tokenFile = z.strictObject({ tokens: z.array(storedToken) });

/** A token as it is kept: everything but the secret. */
export type StoredToken = z.infer<typeof storedToken>;

/** A token given at the start instead of by the file. */
export interface FixedToken {
  secret: string;
  /** Default "hub". No token of the file is let in under the same name. */
  name?: string;
  /** Default all. */
  scopes?: readonly Scope[];
}

interface Known {
  only: StoredToken["only"];
  digest: Buffer;
  caller: Caller;
  /** Milliseconds since 1970; missing: never. */
  expires: number | undefined;
}

/** A name that shows well in logs, metrics and messages. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** Milliseconds that the file is taken to be as it was: between two calls of a busy client. */
const UNCHANGED = 5;
/** Milliseconds to wait for another process that is changing the file. */
const PATIENCE = 5_000;
/** Name of the token that a server is started with, unless it is given another. */
const FIXED_NAME = "hub";

export class TokenStore {
  readonly #file: string | undefined;
  readonly #fixed: Known | undefined;
  readonly #say: (line: string) => void;
  #known = new Map<string, Known>();
  #seen: string | undefined;
  #looked = Number.NEGATIVE_INFINITY;

  /** `say` takes the lines meant for whoever runs the server. */
  constructor(
    file: string | undefined,
    fixed?: FixedToken,
    say: (line: string) => void = (line) => process.stderr.write(`${line}\n`),
  ) {
    this.#file = file;
    this.#say = say;
    this.#fixed = fixed && {
      digest: createHash("sha256").update(fixed.secret).digest(),
      caller: {
        token: fixed.name ?? FIXED_NAME,
        scopes: new Set(fixed.scopes ?? scopes),
        projects: "all",
      },
      expires: undefined,
      only: undefined,
    };
  }

  /**
   * Who shows this secret; undefined for nobody. A change of the file counts from the next call on. Found by its digest, which
   * nobody can steer towards another's, and compared in constant time: neither length nor content of a token leaks.
   * A token that is for files alone counts where those are asked for.
   */
  authenticate(secret: string, use: "tools" | "files" = "tools"): Caller | undefined {
    const digest = hash("sha256", secret, "buffer");
    const fixed = this.#fixed;
    if (fixed && timingSafeEqual(digest, fixed.digest)) return fixed.caller;
    const now = performance.now();
    const key = digest.toString("hex");
    // One that has just been made is not known yet.
    if (now - this.#looked > UNCHANGED || !this.#known.has(key)) {
      this.#refresh();
      this.#looked = now;
    }
    const known = this.#known.get(key);
    if (!known || !timingSafeEqual(digest, known.digest)) return undefined;
    if (known.only !== undefined && known.only !== use) return undefined;
    return known.expires !== undefined && known.expires <= Date.now() ? undefined : known.caller;
  }

  /** Whether any token exists. */
  get empty(): boolean {
    this.#refresh();
    return this.#fixed === undefined && this.#known.size === 0;
  }

  /** Keeps what was known when the file cannot be used, so that a slip in an editor shuts nobody out. */
  #refresh(): void {
    if (this.#file === undefined) return;
    let seen: string;
    try {
      const stats: Stats | undefined = statSync(this.#file, { throwIfNoEntry: false });
      seen = stats ? `${stats.ino} ${stats.size} ${stats.mtimeMs} ${stats.ctimeMs}` : "none";
      if (seen === this.#seen) return;
      const tokens = stats ? readTokens(this.#file) : [];
      this.#known = new Map(
        tokens
          .filter(({ name }) => this.#isDistinct(name))
          .map((token) => [
            token.sha256,
            {
              digest: Buffer.from(token.sha256, "hex"),
              only: token.only,
              caller: {
                token: token.name,
                scopes: new Set(token.scopes),
                projects: token.projects,
                ...(token.owner && { user: token.owner.email }),
              },
              expires: token.expires === undefined ? undefined : Date.parse(token.expires),
            },
          ]),
      );
    } catch (error) {
      seen = `unusable: ${(error as Error).message}`;
      if (seen !== this.#seen) {
        this.#say(`${(error as Error).message} The ${this.#known.size} tokens known before stay.`);
      }
    }
    this.#seen = seen;
  }

  /** Two of one name would share a rate limit, and nobody could tell them apart in the audit log. */
  #isDistinct(name: string): boolean {
    if (name !== this.#fixed?.caller.token) return true;
    this.#say(
      `Token "${name}" of ${this.#file} is not let in: the token that the server was started with is called the same. Revoke it and make one of another name.`,
    );
    return false;
  }
}

/** The tokens of a file; none when there is no file. Throws an Error for people when it cannot be used. */
export function readTokens(file: string): StoredToken[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (failedWith(error, "ENOENT")) return [];
    throw new Error(`The token file ${file} cannot be read: ${(error as Error).message}.`);
  }
  try {
    return tokenFile.parse(JSON.parse(text)).tokens;
  } catch (error) {
    const [issue] = error instanceof z.ZodError ? error.issues : [];
    const reason = issue ? `${issue.path.join(".")}: ${issue.message}` : "it is not JSON";
    throw new Error(`The token file ${file} is damaged (${reason}).`);
  }
}

export interface NewToken {
  name: string;
  scopes: readonly Scope[];
  projects: readonly string[] | "all";
  /** Milliseconds from now; missing: it stays until it is revoked. */
  lifetime?: number;
  owner?: StoredToken["owner"];
  client?: string;
  only?: StoredToken["only"];
  /** Default: one is made up. */
  secret?: string;
}

/** Adds a token and returns its secret, which is kept nowhere. Throws an Error for people. */
export function createToken(file: string, token: NewToken): string {
  if (!NAME.test(token.name)) {
    throw new Error(
      `"${token.name}" is no token name: give 1 to 64 letters, digits, dots, dashes and underscores.`,
    );
  }
  if (token.name === FIXED_NAME) {
    throw new Error(
      `"${FIXED_NAME}" is what the token is called that a server is started with. Choose another name.`,
    );
  }
  const odd =
    token.projects !== "all" && token.projects.find((name) => !project.safeParse(name).success);
  if (typeof odd === "string")
    throw new Error(`"${odd}" is no project: give names of folders directly in the workspace.`);
  const secret = token.secret ?? `aihub_${randomBytes(32).toString("base64url")}`;
  const now = Date.now();
  changeTokens(file, (tokens) => {
    if (tokens.some(({ name }) => name === token.name)) {
      throw new Error(
        `There is a token "${token.name}" already. Revoke it first or choose another name.`,
      );
    }
    return [
      ...tokens,
      {
        name: token.name,
        sha256: createHash("sha256").update(secret).digest("hex"),
        scopes: [...token.scopes],
        projects: token.projects === "all" ? "all" : [...token.projects],
        created: new Date(now).toISOString(),
        ...(token.lifetime !== undefined && {
          expires: new Date(now + token.lifetime).toISOString(),
        }),
        ...(token.owner && { owner: token.owner }),
        ...(token.client !== undefined && { client: token.client }),
        ...(token.only && { only: token.only }),
      },
    ];
  });
  return secret;
}

/** Throws an Error for people when there is no such token. */
export function revokeToken(file: string, name: string): void {
  changeTokens(file, (tokens) => {
    const rest = tokens.filter((token) => token.name !== name);
    if (rest.length === tokens.length) {
      const known = tokens.map((token) => token.name).join(", ") || "none";
      throw new Error(`There is no token "${name}"; known: ${known}.`);
    }
    return rest;
  });
}

/** Replaces the file whole, so that a server never reads half of it, one writer at a time. */
function changeTokens(file: string, change: (tokens: StoredToken[]) => StoredToken[]): void {
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  using _alone = holdLock(`${file}.lock`);
  const tokens = change(readTokens(file));
  const next = `${file}.new`;
  // Left by one that died.
  rmSync(next, { force: true });
  const fd = openSync(next, "wx", 0o600);
  try {
    writeSync(fd, `${JSON.stringify({ tokens }, undefined, 2)}\n`);
    fsyncSync(fd);
    renameSync(next, file);
  } catch (error) {
    rmSync(next, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
  syncFolder(folder);
}

/** Without it a power cut could bring a revoked token back. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Waits for the lock until it is held, and holds it until disposed of. SQLite's file lock is the lock: the kernel lets go of
 * it when its owner dies, so none is ever left behind for others to remove. Throws an Error for people.
 */
function holdLock(path: string): Disposable {
  const lock = new DatabaseSync(path, { timeout: PATIENCE });
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    lock.close();
    throw new Error(
      `The tokens cannot be changed: ${path} cannot be locked (${(error as Error).message}). When another process is changing them, try again.`,
    );
  }
  return { [Symbol.dispose]: () => lock.close() };
}
