/** A copy of the chat's database that is used beside the hub itself, by a rehearsal or a fire drill. */
import type { ChatDatabase } from "../database.ts";

/**
 * In a copy nobody's work is done on time: whom it would reach is not to be reached twice. Before a chat starts on it.
 * @param name of the copy, a database beside the chat's own
 */
export async function switchAutomationsOff(
  database: Pick<ChatDatabase, "sql">,
  name: string,
): Promise<void> {
  // Older versions of the chat have no automations.
  await database.sql(
    `DO $$ BEGIN IF to_regclass('public.automation') IS NOT NULL THEN EXECUTE 'UPDATE automation SET is_active = false'; END IF; END $$;`,
    { database: name },
  );
}
