/** Calls that change something: from the hub's own page, and no other. */
import type { IncomingMessage } from "node:http";
import { parseBody, readBody } from "../../mcp-server/src/http/body.ts";
import { Refusal } from "./refusal.ts";

/** Bytes. */
const LARGEST = 4 * 1024;

/** @throws Refusal unless the call comes from where only the hub's own page calls from */
export function checkSameOrigin({ headers }: IncomingMessage, publicUrl: string): void {
  // Another site's page can send neither without asking first, and nobody answers that question.
  if (headers["x-hub-action"] !== "1")
    throw new Refusal(403, "The header X-Hub-Action is missing.");
  if (!/^application\/json *(;|$)/i.test(headers["content-type"] ?? ""))
    throw new Refusal(415, "The content type must be application/json.");
  if (headers.origin !== undefined && headers.origin !== publicUrl)
    throw new Refusal(403, "The call comes from another site.");
}

/** @throws Refusal when it is too long or no JSON */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const body = await readBody(request, LARGEST);
  if (body === "too large") throw new Refusal(413, `The body may have ${LARGEST} bytes.`);
  const parsed = body === "cut off" ? undefined : parseBody(body);
  if (!parsed) throw new Refusal(400, "The body is no JSON.");
  return parsed.value;
}
