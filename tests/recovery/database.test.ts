/** Where the chat's database elsewhere is worked on from; the server is a stand-in that notes what it is asked. */
import { chmod, readFile } from "node:fs/promises";
import { expect, it, vi } from "vitest";
import type { ChatDatabase } from "../../recovery/database.ts";
import { useHostFolders } from "./host-folders.ts";

const host = useHostFolders();

/** A database called `name` on a server that has `others` beside it. */
async function databaseElsewhere(
  name: string,
  others: string[],
  server = "db.example.com",
): Promise<ChatDatabase> {
  await host.put(
    "bin/docker",
    `#!/bin/sh
text=$(cat)
printf '%s: %s\\n' "$PGDATABASE" "$text" | tr '\\n' ' ' >>${host.at("asked")}
echo >>${host.at("asked")}
case $text in *"SELECT datname"*) echo ${others[0] ?? ""} ;; *host?*) echo "$PGHOST $PGPORT" ;; esac
`,
  );
  await chmod(host.at("bin/docker"), 0o755);
  vi.stubEnv("PATH", `${host.at("bin")}:${process.env.PATH}`);
  const { ChatDatabase } = await import("../../recovery/database.ts");
  return new ChatDatabase({ database: "external", postgresImage: "postgres" } as never, {
    databaseUrl: `postgresql://app:secret@${server}/${name}`,
  });
}

const asked = async () => (await readFile(host.at("asked"), "utf8")).trim().split("\n");

it("is put in another's place from a database that its server has", async () => {
  // As DigitalOcean has it, and as a hub that got a server's first database for its own.
  for (const [name, outside] of [
    ["chat", "defaultdb"],
    ["postgres", "template1"],
  ] as const) {
    const database = await databaseElsewhere(name, [outside]);
    await database.create(`${name}_restored`);
    await database.exchange(`${name}_restored`, `${name}_before_restore`);
    const changes = (await asked()).filter((line) => /CREATE|ALTER|terminate/.test(line));
    expect(changes).toHaveLength(4);
    expect(changes.filter((line) => !line.startsWith(`${outside}: `))).toEqual([]);
    await host.put("asked", "");
  }
});

it("says what is missing on a server that lets nobody in beside it", async () => {
  const database = await databaseElsewhere("chat", []);
  await expect(database.create("chat_restored")).rejects.toThrow(
    /may connect to none of postgres, defaultdb, template1 .*\n {2}fix: GRANT CONNECT/,
  );
  expect((await asked()).some((line) => line.includes("CREATE"))).toBe(false);
});

it("may have a server without a name", async () => {
  const database = await databaseElsewhere("chat", [], "[2001:db8::5]:5433");
  expect(await database.sql("host?")).toBe("2001:db8::5 5433\n");
});
