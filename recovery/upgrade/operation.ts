/**
 * An upgrade of the chat as it is recorded. Until the arriving release is the one that was taken (the link `current`), it is
 * taken back after a kill; from then on it is carried through. Two versions never use one database: the old one is stopped
 * before the copy is made, the new one is gone before the copy comes back.
 */
import { realpath } from "node:fs/promises";
import { basename } from "node:path";
import { z } from "zod";
import type { Operation, OperationKind } from "../operation.ts";
import { CURRENT } from "../place.ts";
import { carryThrough } from "./carry-through.ts";
import { takeBack } from "./take-back.ts";

export const upgradeSteps = [
  /** A copy is tried out beside the hub; nothing that runs is touched. */
  "rehearsing",
  /** The door is closed, the old version stops, its data are copied. */
  "setting-aside",
  /** The new version may have its hands on the data. */
  "changing",
] as const;
export type UpgradeStep = (typeof upgradeSteps)[number];

export const upgradeParams = z.object({
  /** Image references. */
  from: z.string(),
  to: z.string(),
  /** Digest of the arriving release. */
  release: z.string(),
  /** `secrets/applied.env` of what ran: names of folders, no secret. */
  appliedEnv: z.string(),
  /** Name of the recovery point from before; undefined: there is none. */
  point: z.string().optional(),
  rowsBefore: z.record(z.string(), z.number()).default({}),
  newest: z.array(z.object({ id: z.string(), title: z.string(), own: z.boolean() })).default([]),
  /** When the door was closed. */
  closedAt: z.iso.datetime().optional(),
});
export type UpgradeParams = z.infer<typeof upgradeParams>;
export type Upgrade = Operation<UpgradeStep, UpgradeParams>;

export const upgradeKind: OperationKind<UpgradeStep, UpgradeParams> = {
  kind: "upgrade",
  steps: upgradeSteps,
  params: upgradeParams,
  async resume(upgrade) {
    const current = await realpath(CURRENT).catch(() => "");
    if (basename(current) === upgrade.params.release) await carryThrough(upgrade);
    else await takeBack(upgrade);
  },
};
