/** When the hub was last backed up and a restore last tried: `backup.json`. */
import { z } from "zod";

const time = z.iso.datetime({ offset: true }).nullish();
const backupReport = z.object({ lastBackup: time, lastDrill: time });

export interface BackupReport {
  /** ISO times; null: none yet, or nobody knows. */
  lastBackup: string | null;
  lastDrill: string | null;
}

export function backupReportOf(text: string): BackupReport {
  let data: z.infer<typeof backupReport> | undefined;
  try {
    data = backupReport.safeParse(JSON.parse(text)).data;
  } catch {
    // Not JSON: nobody knows.
  }
  return { lastBackup: data?.lastBackup ?? null, lastDrill: data?.lastDrill ?? null };
}
