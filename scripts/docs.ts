/**
 * `npm run docs`: writes what is derived from the settings schema: the config section of Pulumi.yaml and the table in
 * README.md. With --check it changes nothing and fails when they are not what the schema says.
 */
import { readFile, writeFile } from "node:fs/promises";
import { derivedTexts } from "./docs/derived.ts";

const check = process.argv.includes("--check");
let stale = 0;
for (const { path, text } of await derivedTexts()) {
  const now = await readFile(path, "utf8");
  if (now === text) continue;
  stale += 1;
  if (check)
    process.stderr.write(`✘ ${path} is not what config/schema.ts says; npm run docs writes it\n`);
  else await writeFile(path, text);
}
process.exitCode = check && stale > 0 ? 1 : 0;
