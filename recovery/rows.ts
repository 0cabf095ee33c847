/** How many rows the chat's tables have. */
import type { ChatDatabase } from "./database.ts";

/** By table: `{"public.chat": 12}`. */
export type Rows = Record<string, number>;

/**
 * Rows as they are now.
 * @param name of a database beside the chat's own; default that one
 * @param tables default all; one that is not there is left out
 */
export async function countRows(
  database: ChatDatabase,
  { name = database.name, tables }: { name?: string; tables?: readonly string[] } = {},
): Promise<Rows> {
  const there = await database.sql(
    "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema');",
    { database: name },
  );
  const existing = new Set(there.split("\n").filter(Boolean));
  const wanted = [...existing].filter((table) => tables?.includes(table) ?? true);
  if (wanted.length === 0) return {};
  const counted = await database.sql(`${wanted.map(countOf).join(" UNION ALL ")};`, {
    database: name,
  });
  return Object.fromEntries(
    counted
      .trim()
      .split("\n")
      .map((line) => {
        const at = line.lastIndexOf("\t");
        return [line.slice(0, at), Number(line.slice(at + 1))];
      }),
  );
}

function countOf(table: string): string {
  const dot = table.indexOf(".");
  const name = [table.slice(0, dot), table.slice(dot + 1)]
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join(".");
  return `SELECT '${table.replaceAll("'", "''")}', count(*) FROM ${name}`;
}
