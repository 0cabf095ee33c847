import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const run = promisify(execFile);
const folder = new URL("../../templates/host/", import.meta.url).pathname;

describe.each(await readdir(folder))("host script %s", (name) => {
  it("is sound shell", async () => {
    const text = await readFile(folder + name, "utf8");
    const shell = text.startsWith("#!/usr/bin/env bash") ? "bash" : "sh";
    await expect(run(shell, ["-n", folder + name])).resolves.toBeDefined();
  });

  it("prints no line long enough to stall the one who reads it", async () => {
    const text = await readFile(folder + name, "utf8");
    // What comes from elsewhere is cut to length before it is shown.
    for (const line of text.split("\n")) {
      if (/docker (logs|compose.* up)|journalctl/.test(line))
        expect(line).toMatch(/cut -c1-|>\/dev\/null|>\S*log|head -n|\\$/);
    }
  });
});
