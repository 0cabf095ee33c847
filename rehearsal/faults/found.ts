/** Looks on the droplet, past all services but the database, for what the writers' writes have become. */
import type { Found } from "./judge.ts";
import { LOG_FILE } from "./mcp-writers.ts";
import { container, type Stage } from "./stage.ts";

const WORKSPACE = "/data/workspace";
/** What the writers' project has beside their files. */
const expected = [LOG_FILE, "project.json"];

/** Names of what lies in the workspace itself. */
export async function topLevel(stage: Stage): Promise<string[]> {
  const listed = await stage.onDroplet(`ls -A ${WORKSPACE}`);
  return listed.split("\n").filter(Boolean);
}

/** @param run as in the tokens; @param before what lay in the workspace before, the project included */
export async function look(
  stage: Stage,
  { project, run, before }: { project: string; run: string; before: readonly string[] },
): Promise<Found> {
  const folder = `${WORKSPACE}/${project}`;
  const summed = await stage.onDroplet(
    `cd ${folder} && find . -type f -printf '%P\\0' | xargs -0 sha256sum`,
  );
  const files: Record<string, string> = {};
  for (const line of summed.split("\n").filter(Boolean)) {
    const [digest = "", name = ""] = line.split(/\s+\*?/);
    files[name] = digest;
  }
  const known = new RegExp(`^f-${run}-\\d+\\.txt$`);
  const strange = Object.keys(files).filter(
    (name) => !known.test(name) && !expected.includes(name),
  );
  const added = (await topLevel(stage)).filter((name) => !before.includes(name));
  const log = await stage.onDroplet(`cat ${folder}/${LOG_FILE}`);
  return {
    files,
    lines: log.split("\n").filter(Boolean),
    chats: await chats(stage, run),
    strange: [...strange.map((name) => `${project}/${name}`), ...added],
  };
}

async function chats(stage: Stage, run: string): Promise<Found["chats"]> {
  const sql = `
    SELECT coalesce(json_agg(json_build_object('id', id, 'title', title, 'chat', chat)), '[]'::json)
    FROM chat WHERE title LIKE 'c-${run}-%'`;
  const printed = await stage.onDroplet(
    `docker exec ${container("postgres")} psql --username=hub --no-align --tuples-only -c "${sql}"`,
  );
  const rows = JSON.parse(printed) as {
    id: string;
    title: string;
    chat: { title?: string; history?: { messages?: Record<string, { content?: string }> } };
  }[];
  return rows.map(({ id, title, chat }) => ({
    ...{ id, title, inJson: chat.title ?? "" },
    messages: Object.values(chat.history?.messages ?? {}).map(({ content }) => content ?? ""),
  }));
}
