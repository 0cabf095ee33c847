/** What the services' secret files and keys hold, whichever they are: a new one is known without a line here. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { DATA, ROOT } from "../place.ts";

/** Folders of keys that the services make for one another. */
const KEYS = ["chat-key", "server-key", "setup"].map((name) => join(DATA, "hub", name));

/** Files of one line, and the values of env files. Longer ones are keys, known by their shape, or repeat one of these. */
export async function serviceSecrets(): Promise<string[]> {
  const applied = await readFile(join(ROOT, "secrets/applied.env"), "utf8").catch(() => "");
  const folders = applied.split("\n").flatMap((line) => line.split("=")[1] ?? []);
  const found: string[] = [];
  for (const folder of [...folders, ...KEYS]) {
    for (const name of await readdir(folder).catch(() => [])) {
      const lines = (await readFile(join(folder, name), "utf8")).trim().split("\n");
      if (name.endsWith(".env")) {
        found.push(...lines.map((line) => line.slice(line.indexOf("=") + 1)));
      } else if (lines.length === 1 && !name.endsWith(".json")) found.push(lines[0] ?? "");
    }
  }
  return found.map(secretOf).filter((value) => value !== "");
}

/** Of an address only its password. */
function secretOf(value: string): string {
  return URL.canParse(value) ? decodeURIComponent(new URL(value).password) : value;
}
