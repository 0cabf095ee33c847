/** What an action has to do, as plain data: kept on disk, so that a restarted daemon finishes what it had begun. */
import type { BackupPolicy } from "./state.ts";

export type Job =
  | { do: "create-droplet"; droplet: number; volumes: string[] }
  | { do: "destroy-droplet"; droplet: number }
  | { do: "power-on"; droplet: number }
  | { do: "power-off"; droplet: number }
  | { do: "shutdown"; droplet: number }
  | { do: "reboot"; droplet: number }
  | { do: "power-cycle"; droplet: number }
  | { do: "resize-droplet"; droplet: number; size: string; disk: boolean }
  | { do: "rename-droplet"; droplet: number; name: string }
  | { do: "set-backups"; droplet: number; policy: BackupPolicy | null }
  | { do: "enable-ipv6"; droplet: number }
  | { do: "attach-volume"; droplet: number; volume: string }
  | { do: "detach-volume"; droplet: number; volume: string }
  | { do: "resize-volume"; droplet: number | null; volume: string; sizeGib: number }
  | { do: "assign-ip"; droplet: number; ip: string }
  | { do: "unassign-ip"; droplet: number; ip: string };

/** The droplet that is busy while the job runs; it takes one event at a time. */
export function busyDroplet(job: Job): number | null {
  return job.droplet;
}
