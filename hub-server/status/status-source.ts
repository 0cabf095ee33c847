/** Reads what the host left and what nginx shows. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { certificateStatus } from "../certificate/status.ts";
import { backupReportOf } from "./backup-report.ts";
import { type Certificate, type FrontDoor, servedCertificate } from "./certificate.ts";
import { hostReportOf } from "./host-report.ts";
import { type HubStatus, hubStatusOf } from "./hub-status.ts";
import { rolloutsOf } from "./rollout-log.ts";
import { sharedReading } from "./shared-reading.ts";

/** Milliseconds for which one reading serves all who ask. */
const KEPT = 1_000;

export class StatusSource {
  readonly #folder: string;
  readonly #certificate: () => Promise<Certificate | null>;
  readonly #keeping: string | undefined;
  readonly read = sharedReading(KEPT, () => this.#assemble());

  /**
   * @param folder where host.json, releases.jsonl and backup.json lie, as far as they exist
   * @param keeping file of the certificate's status, where one is kept
   */
  constructor(folder: string, frontDoor: FrontDoor, keeping?: string) {
    this.#keeping = keeping;
    this.#folder = folder;
    this.#certificate = servedCertificate(frontDoor);
  }

  async #assemble(): Promise<HubStatus> {
    const [report = "", releases = "", backup = "", certificate, keeping] = await Promise.all([
      this.#text("host.json"),
      this.#text("releases.jsonl"),
      this.#text("backup.json"),
      this.#certificate(),
      this.#keeping === undefined ? undefined : certificateStatus(this.#keeping),
    ]);
    const now = Date.now();
    return hubStatusOf({
      now,
      report: hostReportOf(report),
      releases: rolloutsOf(releases),
      backup: backupReportOf(backup, now),
      certificate,
      keeping,
    });
  }

  /** What cannot be read is as good as missing: the status says that it is not known. */
  async #text(name: string): Promise<string | undefined> {
    return readFile(join(this.#folder, name), "utf8").catch(() => undefined);
  }
}
