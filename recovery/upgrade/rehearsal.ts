/**
 * The new version tried out on a copy of the data, beside the hub and out of its sight: a database of its own, a cache of its own,
 * no way to the outside, uploads for reading only.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Readable, Transform } from "node:stream";
import { UserError } from "../../hub/user-error.ts";
import type { ChatDatabase } from "../database.ts";
import { openHubData } from "../open-hub.ts";
import { DATA } from "../place.ts";
import type { Progress } from "../progress.ts";
import { switchAutomationsOff } from "../restore/automations-off.ts";
import { countRows, type Rows } from "../rows.ts";
import { run } from "../run.ts";
import type { RecoverySettings } from "../settings.ts";
import type { ChatService } from "./chat-service.ts";
import { checkChat, type Login, newestChats, untilReady } from "./check-chat.ts";
import { databasesOf } from "./databases.ts";
import { lastWordsOf } from "./last-words.ts";
import { compareRows, describeChange } from "./row-changes.ts";

const NAME = "aihub-rehearsal";
const CACHE = "aihub-rehearsal-cache";
/** Milliseconds; a migration of a large database takes minutes. */
const READY_MS = 1_800_000;
/**
 * Seconds from a start to "ready" with which the hub's own start of the same version is still safe: compose gives up on it
 * after its start period and four checks (templates/compose.yaml).
 */
const LONGEST_START = 200;
const MIB = 1024 * 1024;
/** Bytes that stay free for the hub beside the rehearsal. */
const SPARE = 192 * MIB;
/** Bytes; a version that needs more to start would not run in a small hub either. */
const LEAST = 640 * MIB;

export interface Rehearsed {
  /** From start to ready. */
  seconds: number;
  /** In words. */
  seen: string[];
}

/** @throws UserError when the host has too little memory left for it */
export async function requireMemory(limit: number): Promise<number> {
  const text = await readFile(process.env.AIHUB_MEMINFO ?? "/proc/meminfo", "utf8");
  const available = Number(/^MemAvailable:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024;
  const room = available - SPARE;
  if (room < LEAST) {
    throw new UserError(
      `The new version cannot be tried out beside the hub: ${Math.floor(available / MIB)} MiB of memory are free, it needs ${Math.ceil((LEAST + SPARE) / MIB)}.\n` +
        "  fix: choose a larger droplet (npm run hub -- config set size SIZE), or go without the rehearsal: npm run hub -- config set upgradeWithout rehearsal",
    );
  }
  return Math.min(limit, room);
}

/**
 * @param dump the database as SQL; `sha256`, where known, is what it must be
 * @throws UserError why the new version is not to be trusted with the data
 */
export async function rehearse(
  {
    arriving,
    dump,
    before,
    login,
    memory,
    settings,
    database,
  }: {
    arriving: ChatService;
    dump: { stream: Readable; sha256?: string; ended?: Promise<void> };
    /** Counted when the dump was made; unset: counted once it is loaded. */
    before?: Rows;
    login: Login;
    /** Bytes. */
    memory: number;
    settings: Pick<RecoverySettings, "database" | "cache">;
    database: ChatDatabase;
  },
  progress: Progress,
): Promise<Rehearsed> {
  const { rehearsal } = databasesOf(database);
  await removeRehearsal();
  try {
    await progress.step("Loading the copy into a database for the rehearsal", async () => {
      await database.create(rehearsal);
      await load(database, rehearsal, dump);
      await switchAutomationsOff(database, rehearsal);
    });
    const rows = before ?? (await countRows(database, { name: rehearsal }));
    const newest = await newestChats(database, login.email, rehearsal);
    const started = Date.now();
    const address = await progress.step(`Starting ${arriving.image} on it`, async () => {
      await startBeside(arriving, { database, rehearsal, memory, settings });
      await untilReady(addressOfRehearsal, { alive: requireRehearsal, forMs: READY_MS });
      return addressOfRehearsal();
    });
    const seconds = (Date.now() - started) / 1000;
    if (seconds > LONGEST_START) {
      throw new UserError(
        `It needs ${Math.round(seconds)} s until it is ready, more than the hub waits.\n  fix: a longer start_period for open-webui in templates/compose.yaml`,
      );
    }
    const seen = await checkChat(address, { login, newest });
    const changes = compareRows(rows, await countRows(database, { name: rehearsal }));
    requireNothingLost(changes);
    return { seconds, seen: [...seen, ...changes.map(describeChange)] };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new UserError(`${error.message}${await lastWords()}`);
  } finally {
    await removeRehearsal();
  }
}

export function requireNothingLost(changes: ReturnType<typeof compareRows>): void {
  const lost = changes.filter((change) => change.lost);
  if (lost.length > 0) {
    throw new UserError(`Rows are lost by it: ${lost.map(describeChange).join(", ")}.`);
  }
}

/** Whatever a rehearsal left, however it ended. */
export async function removeRehearsal(): Promise<void> {
  const found = await run("docker", [
    ...["ps", "--all", "--quiet", "--filter", `name=^${NAME}$`, "--filter", `name=^${CACHE}$`],
  ]);
  const ids = found.split("\n").filter(Boolean);
  if (ids.length > 0) await run("docker", ["rm", "--force", "--volumes", ...ids]);
  const { database } = await openHubData();
  await database.drop(databasesOf(database).rehearsal);
}

async function load(
  database: ChatDatabase,
  into: string,
  { stream, sha256, ended }: { stream: Readable; sha256?: string; ended?: Promise<void> },
): Promise<void> {
  const hash = createHash("sha256");
  const passing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  stream.on("error", (error) => passing.destroy(error));
  await database.sql(stream.pipe(passing), { database: into, single: false });
  await ended;
  if (sha256 !== undefined && hash.digest("hex") !== sha256) {
    throw new UserError(
      "The dump that came back from the repository is not the one that was sent.\n  fix: aihub-recovery prove on the host tells what is damaged",
    );
  }
}

async function startBeside(
  arriving: ChatService,
  {
    database,
    rehearsal,
    memory,
    settings,
  }: {
    database: ChatDatabase;
    rehearsal: string;
    memory: number;
    settings: Pick<RecoverySettings, "database" | "cache">;
  },
): Promise<void> {
  // The network without a way out, where the database is on it.
  const network = settings.database === "embedded" ? "aihub_data" : "bridge";
  const cached = settings.cache === "embedded" && settings.database === "embedded";
  if (cached) {
    const image = await run("docker", [
      ...["ps", "--filter", "label=com.docker.compose.project=aihub"],
      ...["--filter", "label=com.docker.compose.service=valkey", "--format", "{{.Image}}"],
    ]);
    await run("docker", [
      ...["run", "--detach", "--name", CACHE, "--network", network, "--memory", "64m"],
      ...["--read-only", "--cap-drop", "ALL", "--user", "999:999", "--entrypoint", "valkey-server"],
      ...[image.trim(), "--save", "", "--bind", "*", "--protected-mode", "no"],
    ]);
  }
  const own = arriving.environment.DATABASE_URL ?? "";
  const environment: Record<string, string> = {
    ...arriving.environment,
    DATABASE_URL: database.urlOf(rehearsal, own),
    REDIS_URL: cached ? `redis://${CACHE}:6379/0` : "",
    WEBSOCKET_REDIS_URL: cached ? `redis://${CACHE}:6379/0` : "",
    ...(cached ? {} : { WEBSOCKET_MANAGER: "" }),
  };
  const uploads = join(DATA, "open-webui/uploads");
  await run(
    "docker",
    [
      ...["run", "--detach", "--name", NAME, "--network", network, "--restart", "no", "--init"],
      ...["--memory", String(memory), "--memory-swap", String(memory), "--cpu-shares", "256"],
      ...["--cap-drop", "ALL", "--security-opt", "no-new-privileges:true", "--pids-limit", "1024"],
      ...["--log-driver", "local", "--volume", "/app/backend/data"],
      ...(existsSync(uploads) ? ["--volume", `${uploads}:/app/backend/data/uploads:ro`] : []),
      // Values by the client's own environment: some are secrets.
      ...Object.keys(environment).flatMap((name) => ["--env", name]),
      arriving.image,
    ],
    { env: environment },
  );
}

async function addressOfRehearsal(): Promise<string> {
  const address = await run("docker", [
    ...["inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", NAME],
  ]);
  return `http://${address.trim()}:8080`;
}

async function requireRehearsal(): Promise<void> {
  const state = await run("docker", [
    ...["inspect", "--format", "{{.State.Running}} {{.State.ExitCode}} {{.State.OOMKilled}}", NAME],
  ]);
  const [running, code, memory] = state.trim().split(" ");
  if (running === "true") return;
  throw new UserError(
    memory === "true"
      ? "It ended for want of memory."
      : `It ended with ${code} instead of starting.`,
  );
}

/** What it said before it went; none of it is in the environment of a person's shell, so it is cut to length only. */
async function lastWords(): Promise<string> {
  try {
    return lastWordsOf(await run("sh", ["-c", `docker logs --tail 400 ${NAME} 2>&1`]));
  } catch {
    return "";
  }
}
