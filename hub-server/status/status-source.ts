/** Reads what the host left and what nginx shows. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { certificateStatus } from "../certificate/status.ts";
import { backupReportOf } from "./backup-report.ts";
import { type FrontDoor, ServedCertificate } from "./certificate.ts";
import { hostReportOf } from "./host-report.ts";
import { type HubStatus, hubStatusOf } from "./hub-status.ts";
import { rolloutsOf } from "./rollout-log.ts";

/** Milliseconds for which one reading serves all who ask. */
const KEPT = 1_000;

export class StatusSource {
  readonly #folder: string;
  readonly #certificate: ServedCertificate;
  readonly #keeping: string | undefined;
  #read: Promise<HubStatus> | undefined;
  #until = 0;

  /**
   * @param folder where host.json, releases.jsonl and backup.json lie, as far as they exist
   * @param keeping file of the certificate's status, where one is kept
   */
  constructor(folder: string, frontDoor: FrontDoor, keeping?: string) {
    this.#keeping = keeping;
    this.#folder = folder;
    this.#certificate = new ServedCertificate(frontDoor);
  }

  read(): Promise<HubStatus> {
    const now = Date.now();
    if (this.#read === undefined || now >= this.#until) {
      this.#until = now + KEPT;
      this.#read = this.#assemble();
    }
    return this.#read;
  }

  async #assemble(): Promise<HubStatus> {
    const [report = "", releases = "", backup = "", certificate, keeping] = await Promise.all([
      this.#text("host.json"),
      this.#text("releases.jsonl"),
      this.#text("backup.json"),
      this.#certificate.read(),
      this.#keeping === undefined ? undefined : certificateStatus(this.#keeping),
    ]);
    return hubStatusOf({
      now: Date.now(),
      report: hostReportOf(report),
      releases: rolloutsOf(releases),
      backup: backupReportOf(backup),
      certificate,
      keeping,
    });
  }

  /** What cannot be read is as good as missing: the status says that it is not known. */
  async #text(name: string): Promise<string | undefined> {
    return readFile(join(this.#folder, name), "utf8").catch(() => undefined);
  }
}
