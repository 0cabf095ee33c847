/** The simulated cloud's own API, as another person with the account's token would use it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { currentInstance } from "../instance.ts";
import { instanceName } from "./hub.ts";

/** @param path such as /v2/droplets @returns undefined for an answer without a body @throws Error with what it says when that is no 2xx */
export async function cloudApi<T>(method: string, path: string, body?: unknown): Promise<T> {
  const instance = currentInstance(instanceName);
  const daemon = await readFile(join(instance.cloudDir, "daemon.json"), "utf8");
  const { apiUrl } = JSON.parse(daemon) as { apiUrl: string };
  const token = (await readFile(join(instance.stateDir, "token"), "utf8")).trim();
  const answer = await fetch(`${apiUrl}${path}`, {
    method,
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return (text === "" ? undefined : JSON.parse(text)) as T;
}
