/**
 * What the authorization server remembers: one SQLite file in the state folder, readable by its owner alone. Whatever lets its
 * bearer in lies in it as a digest, so that a copy of the file lets nobody in.
 */
import { hash } from "node:crypto";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { errors } from "oidc-provider";

export type Payload = Record<string, unknown>;

/** Who let a program in. */
export interface Owner {
  /** Of the chat's account. */
  id: string;
  email: string;
}

export interface GrantRecord {
  owner: Owner;
  /** Name of the program, for people. */
  client: string;
  /** Name of the grant's entry in the token file; undefined until one was issued. */
  token: string | undefined;
}

export interface Bounds {
  /** Registered clients. Default 1,000. */
  clients?: number;
  /** Rows of any other kind that strangers can make. Default 10,000. */
  rows?: number;
  /** Grants of one person. Default 50. */
  grants?: number;
}

const schema = `
CREATE TABLE IF NOT EXISTS rows (
  model TEXT NOT NULL,
  id TEXT NOT NULL,
  payload TEXT NOT NULL,
  grant_id TEXT,
  created INTEGER NOT NULL,
  used INTEGER NOT NULL,
  expires INTEGER,
  consumed INTEGER,
  PRIMARY KEY (model, id)
) STRICT;
CREATE INDEX IF NOT EXISTS rows_by_grant ON rows (grant_id);
CREATE INDEX IF NOT EXISTS rows_by_expiry ON rows (expires);
CREATE TABLE IF NOT EXISTS grants (
  id TEXT PRIMARY KEY,
  client_id TEXT NOT NULL,
  owner_id TEXT NOT NULL,
  owner_email TEXT NOT NULL,
  client TEXT NOT NULL,
  token TEXT,
  created INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS keys (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
`;

/** Seconds between two looks for what has expired. */
const PURGE_EVERY = 60;
/** Bytes of one client's record: a name and some addresses, not a place to keep things. */
const LARGEST_CLIENT = 8 * 1024;

export class OAuthStore {
  readonly #db: DatabaseSync;
  readonly #bounds: Required<Bounds>;
  readonly #forgotten: (token: string) => void;
  readonly #now: () => number;
  #purged = 0;

  /**
   * @param forgotten is told the name of each token whose grant is gone
   * @param now seconds since 1970
   */
  constructor(
    folder: string,
    forgotten: (token: string) => void,
    bounds: Bounds = {},
    now: () => number = () => Math.floor(Date.now() / 1000),
  ) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const file = join(folder, "oauth.db");
    // SQLite gives its journal the file's own mode.
    closeSync(openSync(file, "a", 0o600));
    this.#db = new DatabaseSync(file, { timeout: 5_000 });
    this.#db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    this.#db.exec(schema);
    this.#forgotten = forgotten;
    this.#bounds = {
      clients: bounds.clients ?? 1_000,
      rows: bounds.rows ?? 10_000,
      grants: bounds.grants ?? 50,
    };
    this.#now = now;
  }

  /** A key that is made once and stays. */
  key(name: string, make: () => string): string {
    this.#db.prepare("INSERT OR IGNORE INTO keys VALUES (?, ?)").run(name, make());
    return this.#db.prepare("SELECT value FROM keys WHERE name = ?").get(name)?.value as string;
  }

  find(model: string, id: string): Payload | undefined {
    const row = this.#db
      .prepare(
        "SELECT payload, consumed FROM rows WHERE model = ? AND id = ? AND (expires IS NULL OR expires > ?)",
      )
      .get(model, digest(id), this.#now());
    if (!row) return undefined;
    return {
      ...(JSON.parse(row.payload as string) as Payload),
      ...(model !== "Client" && { jti: id }),
      ...(row.consumed !== null && { consumed: row.consumed }),
    };
  }

  /** @param expiresIn seconds; undefined: it stays */
  upsert(model: string, id: string, payload: Payload, expiresIn: number | undefined): void {
    this.purge();
    const { jti: _secret, ...kept } = payload;
    const text = JSON.stringify(kept);
    if (model === "Client" && text.length > LARGEST_CLIENT)
      throw new errors.InvalidClientMetadata("the metadata is too large");
    this.#makeRoom(model);
    const now = this.#now();
    this.#db
      .prepare(
        `INSERT INTO rows (model, id, payload, grant_id, created, used, expires) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (model, id) DO UPDATE SET payload = excluded.payload, expires = excluded.expires`,
      )
      .run(
        model,
        digest(id),
        text,
        typeof payload.grantId === "string" ? digest(payload.grantId) : null,
        now,
        now,
        expiresIn === undefined ? null : now + expiresIn,
      );
  }

  /** @throws InvalidGrant when it was consumed before: of two that come at once, one gets nothing. */
  consume(model: string, id: string): void {
    const { changes } = this.#db
      .prepare("UPDATE rows SET consumed = ? WHERE model = ? AND id = ? AND consumed IS NULL")
      .run(this.#now(), model, digest(id));
    if (changes === 0) throw new errors.InvalidGrant("it has been used already");
  }

  destroy(model: string, id: string): void {
    this.#db.prepare("DELETE FROM rows WHERE model = ? AND id = ?").run(model, digest(id));
  }

  revokeByGrant(model: string, grantId: string): void {
    this.#db
      .prepare("DELETE FROM rows WHERE model = ? AND grant_id = ?")
      .run(model, digest(grantId));
  }

  /** Puts down who gave a grant; their oldest grants go when they have too many. */
  describeGrant(grantId: string, clientId: string, client: string, owner: Owner): void {
    this.#db
      .prepare(
        "INSERT INTO grants (id, client_id, owner_id, owner_email, client, created) VALUES (?, ?, ?, ?, ?, ?)",
      )
      .run(digest(grantId), clientId, owner.id, owner.email, client, this.#now());
    const surplus = this.#db
      .prepare(
        "SELECT id FROM grants WHERE owner_id = ? ORDER BY created DESC, rowid DESC LIMIT -1 OFFSET ?",
      )
      .all(owner.id, this.#bounds.grants);
    for (const { id } of surplus) this.#forget(id as string);
  }

  grant(grantId: string): GrantRecord | undefined {
    const row = this.#db.prepare("SELECT * FROM grants WHERE id = ?").get(digest(grantId));
    return (
      row && {
        owner: { id: row.owner_id as string, email: row.owner_email as string },
        client: row.client as string,
        token: (row.token as string | null) ?? undefined,
      }
    );
  }

  /** Puts down the name of a grant's token, and that its client is in use. */
  nameToken(grantId: string, clientId: string, token: string): void {
    this.#db.prepare("UPDATE grants SET token = ? WHERE id = ?").run(token, digest(grantId));
    this.#db
      .prepare("UPDATE rows SET used = ? WHERE model = 'Client' AND id = ?")
      .run(this.#now(), digest(clientId));
  }

  /** Forgets a grant, all that was issued by it, and its token. */
  forgetGrant(grantId: string): void {
    this.#forget(digest(grantId));
  }

  /** Forgets what has expired, at most once a minute unless told to. */
  purge(now = false): void {
    if (!now && this.#now() - this.#purged < PURGE_EVERY) return;
    this.#purged = this.#now();
    const over = this.#db
      .prepare("SELECT id FROM rows WHERE model = 'Grant' AND expires <= ?")
      .all(this.#purged);
    for (const { id } of over) this.#forget(id as string);
    this.#db.prepare("DELETE FROM rows WHERE expires <= ?").run(this.#purged);
  }

  /** Rows of a kind that there are. */
  count(model: string): number {
    return this.#db.prepare("SELECT count(*) AS n FROM rows WHERE model = ?").get(model)
      ?.n as number;
  }

  close(): void {
    this.#db.close();
  }

  /** The token first: what a crash leaves behind must not be one that still lets in. */
  #forget(id: string): void {
    const row = this.#db.prepare("SELECT token FROM grants WHERE id = ?").get(id);
    if (typeof row?.token === "string") this.#forgotten(row.token);
    this.#db
      .prepare("DELETE FROM rows WHERE grant_id = ? OR (model = 'Grant' AND id = ?)")
      .run(id, id);
    this.#db.prepare("DELETE FROM grants WHERE id = ?").run(id);
  }

  /** Registered clients that nobody has let in go first, then those not used for longest. */
  #makeRoom(model: string): void {
    if (model === "Client") {
      this.#db
        .prepare(
          `DELETE FROM rows WHERE model = 'Client' AND id IN (
             SELECT id FROM rows WHERE model = 'Client'
             ORDER BY json_extract(payload, '$.client_id') IN (SELECT client_id FROM grants) DESC, used DESC, rowid DESC
             LIMIT -1 OFFSET ?)`,
        )
        .run(this.#bounds.clients - 1);
    } else if (model === "Interaction") {
      this.#db
        .prepare(
          `DELETE FROM rows WHERE model = ?1 AND id IN (
             SELECT id FROM rows WHERE model = ?1 ORDER BY created DESC, rowid DESC LIMIT -1 OFFSET ?2)`,
        )
        .run(model, this.#bounds.rows - 1);
    }
  }
}

function digest(id: string): string {
  return hash("sha256", id, "base64url");
}
