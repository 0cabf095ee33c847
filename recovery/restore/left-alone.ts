/** Which parts of the volume a restore touches. */
import { relative } from "node:path";
import { DATA } from "../place.ts";
import { leftOut } from "../point/left-out.ts";

/** Files of the chats, from the volume's root. */
export const UPLOADS = "open-webui/uploads";

/**
 * What a restore of the whole hub does not touch. Paths from the volume's root, each with a slash first. Of a hub that is not fresh, also what is better the newer it is.
 */
export function leftAlone(fresh: boolean): string[] {
  return [
    // Names the volume, which may be another one.
    ".aihub-volume",
    // This program's own, with the record of the restore.
    "hub/recovery",
    ...leftOut.map((path) => relative(DATA, path)),
    ...(fresh ? [] : ["certificates", "hub/releases.jsonl"]),
  ].map((path) => `/${path}`);
}
