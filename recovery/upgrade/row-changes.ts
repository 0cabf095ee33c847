/** What a migration makes of the rows of the chat's database. */
import type { Rows } from "../rows.ts";

/**
 * What people made or need to get in. A migration that leaves fewer of these loses something; of other tables it may
 * drop and merge what it likes.
 */
const essential: ReadonlySet<string> = new Set(
  [
    ...["user", "auth", "api_key", "group", "group_member", "access_grant"],
    ...["chat", "chat_message", "shared_chat", "folder", "file", "chat_file", "note", "memory"],
    ...["channel", "channel_member", "message", "knowledge", "knowledge_file", "document_chunk"],
    ...["config", "model", "prompt", "tool", "function", "skill", "automation", "feedback"],
  ].map((table) => `public.${table}`),
);

export interface RowChange {
  table: string;
  before: number;
  /** Undefined: the table is gone. */
  after: number | undefined;
  lost: boolean;
}

/** What differs in the tables that had rows before; those that are new are not told. */
export function compareRows(before: Rows, after: Rows): RowChange[] {
  return Object.entries(before)
    .filter(([table, rows]) => rows > 0 && table !== "public.alembic_version")
    .map(([table, rows]) => {
      const now = after[table];
      return { table, before: rows, after: now, lost: essential.has(table) && (now ?? 0) < rows };
    })
    .filter(({ before, after }) => before !== after)
    .sort((a, b) => Number(b.lost) - Number(a.lost) || (a.table < b.table ? -1 : 1));
}

/** "chat 12 → 11" */
export function describeChange({ table, before, after }: RowChange): string {
  return `${table.replace(/^public\./, "")} ${before} → ${after ?? "no such table"}`;
}
