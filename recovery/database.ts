/** The chat's database: the hub's own by the client inside its container, one elsewhere by a client in a container of its own. */
import type { Readable } from "node:stream";
import { UserError } from "../hub/user-error.ts";
import { type Running, start } from "./run.ts";
import { containerOf } from "./services.ts";
import type { RecoverySecrets, RecoverySettings } from "./settings.ts";

/** Database of the chat in the hub's own PostgreSQL. */
const NAME = "hub";

/** Databases from which others are made and renamed; a server elsewhere need not have each: DigitalOcean's has no `postgres`. */
const MAINTENANCE = ["postgres", "defaultdb", "template1"];

export class ChatDatabase {
  readonly #settings: RecoverySettings;
  readonly #url: URL | undefined;
  #maintenance: Promise<string> | undefined;

  constructor(settings: RecoverySettings, secrets: Pick<RecoverySecrets, "databaseUrl">) {
    this.#settings = settings;
    if (settings.database === "external") {
      if (secrets.databaseUrl === undefined) throw new Error("no address of the external database");
      this.#url = new URL(secrets.databaseUrl);
    }
  }

  /** Its name on its server. */
  get name(): string {
    return this.#url ? decodeURIComponent(this.#url.pathname.slice(1)) : NAME;
  }

  /** The address of a database beside it on the same server, as Open WebUI takes it. Holds the password. */
  urlOf(database: string, own: string): string {
    const url = new URL(this.#url ?? own);
    url.pathname = `/${encodeURIComponent(database)}`;
    return url.href;
  }

  /** Writes the whole database as SQL, plain: it deduplicates, and every PostgreSQL reads it. */
  async dump(database = this.name): Promise<Running> {
    return this.#client(
      ["pg_dump", "--format=plain", "--no-owner", "--no-privileges", "--encoding=UTF8"],
      database,
    );
  }

  /** Runs SQL; all of it or nothing unless `single` is false. @returns rows as lines, columns parted by tabs */
  async sql(
    text: string | Readable,
    { database = this.name, single = true }: { database?: string; single?: boolean } = {},
  ): Promise<string> {
    const { stdout, ended } = await this.#client(
      [
        ...["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align"],
        ...["--field-separator=\t", "--set=ON_ERROR_STOP=1", "--file=-"],
        ...(single ? ["--single-transaction"] : []),
      ],
      database,
      text,
    );
    const chunks: Buffer[] = [];
    stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    await ended;
    return Buffer.concat(chunks).toString();
  }

  async exists(database: string): Promise<boolean> {
    const found = await this.#fromOutside(
      `SELECT 1 FROM pg_database WHERE datname = ${literal(database)};`,
    );
    return found.trim() === "1";
  }

  async create(database: string, template?: string): Promise<void> {
    await this.#administer(
      `CREATE DATABASE ${identifier(database)}${template === undefined ? "" : ` TEMPLATE ${identifier(template)}`};`,
    );
  }

  async drop(database: string): Promise<void> {
    await this.#administer(`DROP DATABASE IF EXISTS ${identifier(database)} WITH (FORCE);`);
  }

  /** Nobody may be connected to it. */
  async rename(from: string, to: string): Promise<void> {
    await this.disconnect(from);
    await this.#administer(`ALTER DATABASE ${identifier(from)} RENAME TO ${identifier(to)};`);
  }

  /**
   * Gives the database's name to another one; the one that had it is called `aside` from then on. Both or none: a kill never
   * leaves the chat without a database.
   */
  async exchange(other: string, aside: string): Promise<void> {
    await this.disconnect(this.name);
    await this.disconnect(other);
    await this.#fromOutside(
      `ALTER DATABASE ${identifier(this.name)} RENAME TO ${identifier(aside)};
       ALTER DATABASE ${identifier(other)} RENAME TO ${identifier(this.name)};`,
    );
  }

  /** Bytes on its server's disk. */
  async size(): Promise<number> {
    return Number(await this.sql("SELECT pg_database_size(current_database());"));
  }

  /** Whether its user may make another one beside it. */
  async mayCreate(): Promise<boolean> {
    const may = await this.sql(
      "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user;",
    );
    return may.trim() === "t";
  }

  /** Ends what is connected: a copy and a new name need it for themselves. */
  async disconnect(database: string): Promise<void> {
    await this.#fromOutside(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ${literal(database)} AND pid <> pg_backend_pid();`,
    );
  }

  // Databases are made and renamed outside of transactions.
  async #administer(text: string): Promise<void> {
    await this.#fromOutside(text, false);
  }

  /** Runs SQL in a database that is none of the chat's: nobody renames the one that he is connected to. */
  async #fromOutside(text: string, single = true): Promise<string> {
    this.#maintenance ??= this.#url === undefined ? Promise.resolve("postgres") : this.#outside();
    return this.sql(text, { database: await this.#maintenance, single });
  }

  async #outside(): Promise<string> {
    const names = `ARRAY[${MAINTENANCE.map(literal).join(", ")}]`;
    const found = await this.sql(
      `SELECT datname FROM pg_database WHERE datname = ANY (${names}) AND datname <> current_database() AND datallowconn
       AND has_database_privilege(datname, 'CONNECT') ORDER BY array_position(${names}, datname::text) LIMIT 1;`,
    );
    const name = found.trim();
    if (name !== "") return name;
    throw new UserError(
      `The database's user may connect to none of ${MAINTENANCE.join(", ")} on its server, so no database can be put in another's place.\n  fix: GRANT CONNECT ON DATABASE postgres TO ...; on the database's server`,
    );
  }

  async #client(command: string[], database: string, input?: string | Readable): Promise<Running> {
    const options = input === undefined ? {} : { input };
    if (this.#url === undefined) {
      const id = await containerOf("postgres");
      if (id === undefined) {
        throw new UserError(
          "The database does not run.\n  fix: docker ps on the host shows why; npm start starts it again",
        );
      }
      return start(
        "docker",
        ["exec", "--interactive", id, ...command, "--username=hub", `--dbname=${database}`],
        options,
      );
    }
    const { hostname, port, username, password, searchParams } = this.#url;
    const env: Record<string, string> = {
      // An IPv6 address stands in brackets in a URL only.
      PGHOST: hostname.replace(/^\[(.*)\]$/, "$1"),
      PGPORT: port || "5432",
      PGUSER: decodeURIComponent(username),
      PGPASSWORD: decodeURIComponent(password),
      PGDATABASE: database,
      PGSSLMODE: searchParams.get("sslmode") ?? "prefer",
    };
    return start(
      "docker",
      [
        ...[
          "run",
          "--rm",
          "--interactive",
          "--network",
          "host",
          "--entrypoint",
          command[0] as string,
        ],
        ...Object.keys(env).flatMap((name) => ["--env", name]),
        ...[this.#settings.postgresImage, ...command.slice(1)],
      ],
      { ...options, env },
    );
  }
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
