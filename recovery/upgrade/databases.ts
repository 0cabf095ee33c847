/** The databases beside the chat's own that an upgrade makes, on the same server. */
import type { ChatDatabase } from "../database.ts";

export function databasesOf({ name }: Pick<ChatDatabase, "name">): {
  /** Filled from the recovery point; the new version is tried out on it. */
  rehearsal: string;
  /** The chat's own as the old version left it. */
  before: string;
  /** What the new version made of it, after it was taken back. */
  failed: string;
} {
  // PostgreSQL cuts names at 63 bytes, and two that are cut to the same are the same.
  const stem = name.slice(0, 40);
  return {
    rehearsal: `${stem}_rehearsal`,
    before: `${stem}_before_upgrade`,
    failed: `${stem}_failed_upgrade`,
  };
}
