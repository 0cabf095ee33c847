import { z } from "zod";
import { tool } from "../../tools/tool.ts";
import { lines, listed, openWebuiOf, reading } from "./common.ts";

const answer = z.array(
  z.object({ id: z.string(), title: z.string(), updated_at: z.number().optional() }),
);

export const listChats = tool({
  name: "list_chats",
  title: "List chats",
  description: "Chats of the account whose key this server uses, newest first, 60 a page.",
  scope: "read",
  input: z.strictObject({ page: z.int().min(1).default(1) }),
  output: listed,
  annotations: reading,
  async run(context, { page }) {
    const path = `/api/v1/chats/?page=${page}`;
    const chats = await openWebuiOf(context).get(path, answer, context.signal);
    return lines(
      chats.map(({ id, title, updated_at }) => `${id}  ${timeOf(updated_at)}  ${title}`),
      "No chats on this page.",
    );
  },
});

/** Of seconds since 1970; empty for what is no time. */
function timeOf(seconds: number | undefined): string {
  const time = new Date((seconds ?? Number.NaN) * 1000);
  return Number.isNaN(time.getTime()) ? "" : time.toISOString();
}
