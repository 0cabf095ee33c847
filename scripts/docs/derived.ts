/** The texts that are derived from the settings schema, as they ought to be. */
import { readFile } from "node:fs/promises";
import { dump } from "js-yaml";
import { defaultImages } from "../../hub/images.ts";
import { type SettingRow, settingRows } from "./settings.ts";

export interface DerivedText {
  path: string;
  text: string;
}

const root = new URL("../../", import.meta.url).pathname;
const begin = "<!-- settings: written by npm run docs -->";
const end = "<!-- /settings -->";

export async function derivedTexts(): Promise<DerivedText[]> {
  const rows = settingRows();
  const readme = await readFile(`${root}README.md`, "utf8");
  return [
    { path: `${root}Pulumi.yaml`, text: pulumiYaml(rows) },
    { path: `${root}README.md`, text: between(readme, settingsTable(rows)) },
  ];
}

/**
 * Every setting is declared with a default, an empty one where it has none: the engine would else refuse the first
 * missing one by itself, where the program reports all mistakes at once with the commands that fix them.
 */
export function pulumiYaml(rows: SettingRow[]): string {
  const config = Object.fromEntries(
    rows.map((row) => [
      row.key,
      {
        type: row.type === "object" ? "object" : row.type,
        // Declared secret, it could have no plain default; `config set --secret` is what encrypts it.
        description: row.secret ? `${row.description} (set it with --secret)` : row.description,
        ...(row.type === "array" ? { items: { type: "string" } } : {}),
        default: row.default ?? (row.type === "array" ? [] : row.type === "object" ? {} : ""),
      },
    ]),
  );
  return (
    "# The config section is written by npm run docs from config/schema.ts.\n" +
    dump(
      {
        name: "aihub",
        description: "A team's own AI workspace on one server",
        runtime: { name: "nodejs", options: { typescript: false } },
        config,
      },
      { lineWidth: 120 },
    )
  );
}

export function settingsTable(rows: SettingRow[]): string {
  const cell = (row: SettingRow) =>
    row.key === "images"
      ? Object.entries(defaultImages)
          .map(([role, image]) => `${role} \`${image}\``)
          .join("<br>")
      : row.default === undefined
        ? row.required
          ? "**needed**"
          : "unset"
        : `\`${typeof row.default === "object" ? JSON.stringify(row.default) : String(row.default)}\``;
  return [
    "| setting | default | what it is |",
    "|---|---|---|",
    ...rows.map(
      (row) =>
        `| \`${row.key}\`${row.secret ? " (secret)" : ""} | ${cell(row)} | ${row.description.replaceAll("|", "\\|")} |`,
    ),
  ].join("\n");
}

function between(text: string, table: string): string {
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from === -1 || to === -1)
    throw new Error(`README.md has no place for the settings: ${begin} … ${end}`);
  return `${text.slice(0, from + begin.length)}\n${table}\n${text.slice(to)}`;
}
