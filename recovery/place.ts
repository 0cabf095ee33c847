/** Where everything lies on the host. */
import { join } from "node:path";

/** The hub's data volume; another folder in tests. */
export const DATA = process.env.AIHUB_VOLUME ?? "/data";
/** What a rollout keeps. */
export const ROOT = process.env.AIHUB_ROOT ?? "/opt/aihub";
/** Owned by root alone: dumps and copies of secrets pass through here. */
export const RECOVERY = join(DATA, "hub/recovery");
/** What a recovery point holds beside the folders of the volume; filled anew for each. */
export const STAGING = join(RECOVERY, "point");
/** Read by the hub's server. */
export const STATUS = join(DATA, "hub/status");
/** The release that was last taken. */
export const CURRENT = join(ROOT, "current");
/** Programs that were taken out of images, for the host itself. */
export const TOOLS = join(ROOT, "tools");
/** restic's cache: not worth a backup, and on the volume, where there is room for it. */
export const CACHE = join(RECOVERY, "cache");
/** What restic takes out of a damaged repository and puts aside. */
export const DAMAGED_PACKS = join(RECOVERY, "damaged-packs");
