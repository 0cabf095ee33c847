/** How a hub is: what the home page, /hub/api/status and `npm run hub -- status` show. Documented in docs/status-api.md. */

import type { Alarm } from "../../recovery/proof/alarms.ts";
import type { CertificateStatus } from "../certificate/status.ts";
import type { BackupReport } from "./backup-report.ts";
import type { Certificate } from "./certificate.ts";
import type { HostReport } from "./host-report.ts";
import type { Rollout } from "./rollout-log.ts";

export interface HubStatus {
  /** Digest of the release that runs; null: nobody knows. */
  version: string | null;
  /** Every service is healthy, by a report that is not stale. */
  healthy: boolean;
  /** The host's report is older than a minute, or there is none: what is below was so then. */
  stale: boolean;
  /** ISO time of the host's report; null: there is none. */
  reportedAt: string | null;
  /** By name. Empty when Docker did not answer. */
  services: ServiceStatus[];
  /** Bytes of the data volume. */
  volume: Usage | null;
  /** Bytes of the host's own disk. */
  disk: Usage | null;
  /** Bytes of the host's memory. */
  memory: Usage | null;
  /** The host's load of the last 1, 5 and 15 minutes. */
  load: [number, number, number] | null;
  /** What nginx shows; null: it does not answer. */
  certificate: { notAfter: string; daysLeft: number; issuer: string; subject: string } | null;
  /** How it stands with getting and renewing it; null: it comes from no ACME server. */
  keeping: Pick<CertificateStatus, "state" | "message" | "nextCheck"> | null;
  /** ISO times of the last recovery point, the last one proven good, the last good drill; null: none yet. */
  lastBackup: string | null;
  lastProof: string | null;
  lastDrill: string | null;
  /** What is wrong with the backups, or soon will be; the worst first. */
  alarms: Alarm[];
  /** The newest first, at most 20. */
  releases: Rollout[];
  /** Packages of the host that wait, and whether it waits to be restarted; null: not known. */
  updates: { packages: number | null; reboot: boolean | null } | null;
}

export interface ServiceStatus {
  name: string;
  /** healthy, unhealthy, starting, or the container's state where it does not run or has no check. */
  health: string;
  /** Tag of its image. */
  version: string | null;
  /** ISO time it was started. */
  since: string | null;
  /** Times that Docker started it again. */
  restarts: number | null;
  /** Bytes; a limit of null is none. */
  memory: { used: number; limit: number | null } | null;
}

export interface Usage {
  size: number;
  used: number;
}

export interface StatusParts {
  /** Milliseconds since 1970. */
  now: number;
  report: HostReport | undefined;
  releases: Rollout[];
  backup: BackupReport;
  certificate: Certificate | null;
  keeping: CertificateStatus | undefined;
}

/** Milliseconds after which a report is no news: four of the host's rounds. */
const STALE = 60_000;
const DAY = 86_400_000;

export function hubStatusOf({
  now,
  report,
  releases,
  backup,
  certificate,
  keeping,
}: StatusParts): HubStatus {
  // One from the future comes from a clock that cannot be trusted either.
  const stale = report === undefined || !(Math.abs(now - Date.parse(report.time)) <= STALE);
  const services = (report?.containers ?? [])
    .map(serviceOf)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    version: report?.release || null,
    healthy: !stale && services.length > 0 && services.every(({ health }) => health === "healthy"),
    stale,
    reportedAt: report?.time ?? null,
    services,
    volume: report?.volume ?? null,
    disk: report?.disk ?? null,
    memory: report?.memory ? { size: report.memory.total, used: report.memory.used } : null,
    load: report?.load ?? null,
    certificate: certificate && {
      ...certificate,
      daysLeft: Math.floor((Date.parse(certificate.notAfter) - now) / DAY),
    },
    keeping: keeping
      ? { state: keeping.state, message: keeping.message, nextCheck: keeping.nextCheck }
      : null,
    ...backup,
    releases,
    updates: report?.updates ?? null,
  };
}

type Container = NonNullable<HostReport["containers"]>[number];

function serviceOf({ service, image, state, health, startedAt, restarts, memory }: Container) {
  return {
    name: service ?? "unknown",
    // Docker remembers the last health of one that has ended.
    health: state === "running" ? (health ?? state) : state,
    version: /:([^:/]+)$/.exec(image)?.[1] ?? null,
    since: startedAt,
    restarts,
    memory: memory.used === null ? null : { used: memory.used, limit: memory.limit || null },
  } satisfies ServiceStatus;
}
