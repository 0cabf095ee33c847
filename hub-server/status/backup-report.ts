/** How it stands with recovery points: `backup.json`, written by recovery/report.ts; judged at the time of reading. */
import { z } from "zod";
import { type Alarm, alarms } from "../../recovery/proof/alarms.ts";

const time = z.iso.datetime({ offset: true });
const trouble = z.object({ time, what: z.string() });

const standing = z.object({
  enabled: z.boolean(),
  since: time,
  lastPoint: z.object({ time }).optional(),
  pointProblem: trouble.optional(),
  lastProof: z.object({ time, good: z.boolean(), problems: z.array(z.string()) }).optional(),
  lastGoodProof: time.optional(),
  lastPrune: time.optional(),
  pruneProblem: trouble.optional(),
  lastCheck: time.optional(),
  checkProblem: trouble.optional(),
  lastCopy: time.optional(),
  copyProblem: trouble.optional(),
  copyCheckProblem: trouble.optional(),
  copyPruneProblem: trouble.optional(),
  lastGit: time.optional(),
  gitProblem: trouble.optional(),
  gitSecrets: z
    .object({
      count: z.number(),
      first: z.array(z.object({ path: z.string(), kinds: z.array(z.string()) })),
    })
    .optional(),
  lastDrill: z.object({ time, ok: z.boolean() }).optional(),
  lastGoodDrill: time.optional(),
  escrow: z.object({ time, fits: z.boolean() }).optional(),
});

export interface BackupReport {
  /** ISO times of the last recovery point, the last that was proven good, and the last good drill; null: none yet. */
  lastBackup: string | null;
  lastProof: string | null;
  lastDrill: string | null;
  /** The worst first. */
  alarms: Alarm[];
}

/** @param now milliseconds since 1970 */
export function backupReportOf(text: string, now: number): BackupReport {
  let told: z.infer<typeof standing> | undefined;
  try {
    told = standing.safeParse(JSON.parse(text)).data;
  } catch {
    // Not JSON: nobody knows.
  }
  if (told === undefined) {
    return {
      lastBackup: null,
      lastProof: null,
      lastDrill: null,
      alarms: [
        {
          kind: "point",
          severity: "alarm",
          text: "The host tells nothing about its recovery points. See systemctl status 'aihub-*' on it, or roll out again: npm start.",
        },
      ],
    };
  }
  return {
    lastBackup: told.lastPoint?.time ?? null,
    lastProof: told.lastGoodProof ?? null,
    lastDrill: told.lastGoodDrill ?? null,
    alarms: alarms({ ...told, now: new Date(now) } as Parameters<typeof alarms>[0]),
  };
}
