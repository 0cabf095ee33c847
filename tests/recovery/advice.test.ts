/** What people are told to look at is there. */
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";

const root = new URL("../../", import.meta.url).pathname;
const read = (path: string) => readFile(join(root, path), "utf8");

it("names logs of units that the host has", async () => {
  const units = new Set(
    [
      ...(await read("templates/host/install-recovery.sh")).matchAll(
        /^unit (\S+)|\/systemd\/system\/(\S+)\.service/gm,
      ),
    ].map(([, made, written]) => made ?? written),
  );
  const sources = execFileSync("git", ["ls-files", "recovery", "hub-server"], { cwd: root });
  const named: string[] = [];
  for (const path of sources.toString().trim().split("\n")) {
    for (const [, unit = ""] of (await read(path)).matchAll(/journalctl -u '?([\w*-]+)/g)) {
      named.push(unit);
    }
  }
  expect(named.length).toBeGreaterThan(2);
  expect(named.filter((unit) => !units.has(unit))).toEqual([]);
});
