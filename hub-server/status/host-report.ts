/** What the host tells about itself every 15 seconds: `host.json`, written by templates/host/report.sh. */
import { z } from "zod";

const bytes = z.number().nonnegative();
const disk = z.object({ size: bytes, used: bytes }).nullable();

const hostReport = z.object({
  /** ISO time it was written. */
  time: z.string(),
  /** Digest of the release that runs. */
  release: z.string(),
  /** Null when Docker did not answer. */
  containers: z
    .array(
      z.object({
        service: z.string().nullable(),
        image: z.string(),
        /** Docker's word: running, exited, restarting. */
        state: z.string(),
        /** healthy, unhealthy, starting; null without a health check. */
        health: z.string().nullable(),
        /** ISO time. */
        startedAt: z.string().nullable(),
        restarts: z.number().nullable(),
        /** Bytes; a limit of 0 is none. */
        memory: z.object({ used: bytes.nullable(), limit: bytes.nullable() }),
      }),
    )
    .nullable(),
  /** Bytes. */
  memory: z.object({ total: bytes, used: bytes }).nullable(),
  /** Of the last 1, 5 and 15 minutes. */
  load: z.tuple([z.number(), z.number(), z.number()]).nullable(),
  /** The root file system. */
  disk,
  /** /data. */
  volume: disk,
  updates: z.object({ packages: z.number().nullable(), reboot: z.boolean().nullable() }).nullable(),
});

export type HostReport = z.infer<typeof hostReport>;

/** Undefined when the text is no report. */
export function hostReportOf(text: string): HostReport | undefined {
  try {
    return hostReport.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
