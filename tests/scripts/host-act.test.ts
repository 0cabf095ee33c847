/** The preview of an act on the host leaves the stack's settings alone. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { planWith } from "../../scripts/hub/host-act.ts";
import { silent } from "../../scripts/progress.ts";

const settings = "encryptionsalt: v1:salt\nconfig:\n  aihub:hostGeneration: 1\n";
let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "aihub-act-"));
  path = join(folder, "Pulumi.prod.yaml");
  await writeFile(path, settings);
  vi.stubEnv("TMPDIR", folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

/** @param script of the engine's command line; its arguments end with the file, the key and the value */
async function plan(script: string, preview: (file: string) => Promise<void>) {
  const pulumi = join(folder, "pulumi");
  await writeFile(pulumi, `#!/bin/sh\nwhile [ $# -gt 3 ]; do shift; done\n${script}\n`, {
    mode: 0o755,
  });
  const open = {
    ...{ workDir: folder, env: {}, pulumi, progress: silent },
    stack: {
      name: "prod",
      // What the Automation API does.
      setConfig: () => writeFile(path, "changed"),
      preview: ({ configFile = path }) => preview(configFile),
    },
  } as unknown as Parameters<typeof planWith>[0];
  return planWith(open, { key: "hostGeneration", value: "2" }, false);
}

const engine = 'echo "  $2: $3" >> "$1"';

it("a preview sees the change, and one that is killed would leave the settings as they are", async () => {
  let seen = "";
  let own = "";
  let copy = "";
  await plan(engine, async (file) => {
    copy = file;
    seen = await readFile(file, "utf8");
    own = await readFile(path, "utf8");
  });
  expect(seen).toBe(`${settings}  aihub:hostGeneration: 2\n`);
  expect(own).toBe(settings);
  expect(basename(copy)).toBe("Pulumi.prod.yaml");
  await expect(readFile(copy)).rejects.toThrow(/ENOENT/);
});

it("what somebody sets meanwhile stays", async () => {
  await plan(engine, () => writeFile(path, `${settings}  aihub:timezone: UTC\n`));
  expect(await readFile(path, "utf8")).toContain("timezone");
});

it("a change that the engine refuses is told in its words, and nothing stays of the copy", async () => {
  await expect(plan("echo 'error: no such stack' >&2; exit 255", async () => {})).rejects.toThrow(
    /no such stack/,
  );
  expect((await readdir(folder)).sort()).toEqual(["Pulumi.prod.yaml", "pulumi"]);
});
