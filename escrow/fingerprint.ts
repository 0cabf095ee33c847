import { createHash } from "node:crypto";
import type { Repository } from "./contents.ts";

/**
 * 16 hex digits that change with whatever opens the backups, so that a hub can tell an escrow that fits from an old
 * one. Tells nothing about the secrets: a random password is among what is hashed.
 */
export function fingerprintOf({
  repository,
  copy,
}: {
  repository: Repository;
  copy?: Repository | undefined;
}): string {
  const keys = [repository, copy].map(
    (each) =>
      each && [
        each.location,
        each.password,
        Object.entries(each.access).sort(([a], [b]) => (a < b ? -1 : 1)),
      ],
  );
  return createHash("sha256").update(JSON.stringify(keys)).digest("hex").slice(0, 16);
}
