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
        found.push(...lines.map(valueIn));
      } else if (lines.length === 1 && !name.endsWith(".json")) found.push(lines[0] ?? "");
    }
  }
  return found.map(secretOf).filter((value) => value !== "");
}

/** Of a line `NAME='value'`: the quotes are Compose's, and nobody who notes the value down takes them along. */
function valueIn(line: string): string {
  const value = line.slice(line.indexOf("=") + 1);
  return /^'(.*)'$/.exec(value)?.[1] ?? value;
}

const places = ["http:", "https:", "redis:", "rediss:", "postgres:", "postgresql:"];

/** Of an address only its password; one without is no secret. */
function secretOf(value: string): string {
  const { protocol, password } = URL.canParse(value) ? new URL(value) : {};
  if (password) return decoded(password);
  // A secret with a colon in it looks like an address, too.
  return places.includes(protocol ?? "") ? "" : value;
}

function decoded(password: string): string {
  try {
    return decodeURIComponent(password);
  } catch {
    // A bare % in it.
    return password;
  }
}
