/** Every order and failure, on the volume: limits of an ACME server are kept over restarts and over hosts. */
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { CertbotRequest } from "./certbot.ts";

export interface LedgerEntry {
  /** Milliseconds since 1970. */
  at: number;
  /** Of the run of certbot; a run has two entries, its start and its end. */
  id: string;
  request: CertbotRequest;
  /** Directory URL of the ACME server that was asked. */
  server: string;
  /**
   * nothing: certbot did not need to order, or never began. lost: certbot may well have got a certificate, but none
   * arrived; it counts as one and as a failure.
   */
  outcome: "started" | "issued" | "failed" | "lost" | "nothing";
  /** What certbot said, for people. */
  message?: string;
}

/** A run of certbot as the ledger knows it. */
export interface LedgerRun {
  id: string;
  request: CertbotRequest;
  server: string;
  startedAt: number;
  /** started: its end is not known, so it may have ordered. */
  outcome: LedgerEntry["outcome"];
  endedAt: number | undefined;
  message: string | undefined;
}

const DAY_MS = 86_400_000;
/** Longer than any limit looks back. */
const KEPT_MS = 35 * DAY_MS;
const MOST_ENTRIES = 2_000;

export class Ledger {
  readonly #path: string;
  #entries: LedgerEntry[];
  /** Made from the entries when it is asked for. */
  #runs: LedgerRun[] | undefined;

  private constructor(path: string, entries: LedgerEntry[]) {
    this.#path = path;
    this.#entries = entries;
  }

  /**
   * A last line that was cut short is left out: its run never began.
   * @throws Error for people when the file is damaged otherwise: what is not known is not ordered
   */
  static async open(path: string): Promise<Ledger> {
    await mkdir(dirname(path), { recursive: true });
    const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return "";
      throw error;
    });
    const lines = text.split("\n");
    const torn = lines.pop() !== "";
    const entries = lines.map((line, index) => {
      try {
        return JSON.parse(line) as LedgerEntry;
      } catch {
        throw new Error(
          `${path}, line ${index + 1}, is damaged, so it is not known what was ordered. Nothing is ordered until it is repaired or removed.`,
        );
      }
    });
    const ledger = new Ledger(path, entries);
    if (torn) await ledger.#rewrite();
    return ledger;
  }

  /** On the disk when it returns. */
  async add(entry: LedgerEntry): Promise<void> {
    const file = await open(this.#path, "a", 0o600);
    try {
      await file.write(`${JSON.stringify(entry)}\n`);
      await file.datasync();
    } finally {
      await file.close();
    }
    this.#entries.push(entry);
    this.#runs = undefined;
    if (this.#entries.length <= MOST_ENTRIES) return;
    const last = this.#entries.findLast(({ outcome }) => outcome === "issued");
    this.#entries = this.#entries.filter((kept) => kept === last || kept.at > entry.at - KEPT_MS);
    await this.#rewrite();
  }

  /** From the first to the last. */
  runs(): readonly LedgerRun[] {
    this.#runs ??= this.#toldRuns();
    return this.#runs;
  }

  #toldRuns(): LedgerRun[] {
    const runs = new Map<string, LedgerRun>();
    for (const { id, at, outcome, message, request, server } of this.#entries) {
      const known = runs.get(id);
      const ended = outcome === "started" ? {} : { endedAt: at, message };
      if (known) Object.assign(known, { outcome, ...ended });
      else {
        runs.set(id, {
          ...{ id, request, server, startedAt: at, outcome },
          ...{ endedAt: undefined, message: undefined, ...ended },
        });
      }
    }
    return [...runs.values()];
  }

  async #rewrite(): Promise<void> {
    const unfinished = `${this.#path}.new`;
    const file = await open(unfinished, "w", 0o600);
    try {
      await file.write(this.#entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(unfinished, this.#path);
  }
}
