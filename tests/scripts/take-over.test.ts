import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { expect, it } from "vitest";
import { afterAdoption } from "../../scripts/hub/escrow.ts";
import { verb as restore } from "../../scripts/hub/restore.ts";

const whats = ["hub", "chats", "project", "file", "look"];

/** What it restores. @throws when the verb would not take it */
function restored(command: string): string | undefined {
  const [, words = ""] = /npm run hub -- restore\b([^#`\n]*)/.exec(command) ?? [];
  const { spec } = restore;
  const { positionals } = parseArgs({
    args: words.replace(/[[\]]/g, "").split(" ").filter(Boolean),
    options: { ...spec.options, stack: { type: "string" } },
    allowPositionals: true,
  });
  return positionals[0];
}

it("names commands of the restore verb, after an adoption and in the guide", async () => {
  const guide = await readFile(new URL("../../docs/recovery.md", import.meta.url), "utf8");
  const commands = [...afterAdoption("recovered"), ...guide.split("\n")].filter((line) =>
    line.includes("npm run hub -- restore"),
  );
  expect(commands.length).toBeGreaterThan(7);
  for (const command of commands) expect(whats, command).toContain(restored(command));
});

it("names the point to be restored, as the new hub takes points of its own by then", () => {
  expect(afterAdoption("recovered").at(-1)).toBe(
    "npm run hub -- restore hub --fresh --point POINT --stack recovered",
  );
});
