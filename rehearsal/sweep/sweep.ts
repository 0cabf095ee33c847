/** The crash sweep: each operation killed after each of its steps, one by one, and what the next run made of it. */
import type { OperationName, Row } from "./row.ts";
import type { SweptHub } from "./swept-hub.ts";

export interface SweepOptions {
  /** Whether a step is to be swept. */
  wanted(step: string): boolean;
  /** Gets each row as it is obtained. */
  report(row: Row): Promise<void>;
  note(line: string): void;
}

export type Sweep = (hub: SweptHub, options: SweepOptions) => Promise<void>;

const sweeps: Record<OperationName, () => Promise<Sweep>> = {
  rollout: async () => (await import("./rollout.ts")).sweepRollout,
  backup: async () => (await import("./backup.ts")).sweepBackup,
  restore: async () => (await import("./restore.ts")).sweepRestore,
  upgrade: async () => (await import("./upgrade.ts")).sweepUpgrade,
  replacement: async () => (await import("./replacement.ts")).sweepReplacement,
};

export async function sweepOperation(
  name: OperationName,
  hub: SweptHub,
  options: SweepOptions,
): Promise<void> {
  await (await sweeps[name]())(hub, options);
}
