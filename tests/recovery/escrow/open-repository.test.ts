import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Repository } from "../../../escrow/contents.ts";
import {
  openRepository,
  type RunScript,
  snapshotsScript,
} from "../../../escrow/open-repository.ts";
import { lineProgress } from "../../../scripts/progress.ts";
import { ensureRestic } from "../../../scripts/toolchain/restic.ts";

const run: RunScript = async (script) => {
  // A surrounding that would open it by something else.
  const env = { RESTIC_PASSWORD_FILE: "/nonexistent", RESTIC_PASSWORD_COMMAND: "false" };
  const {
    exitCode = 255,
    stdout,
    stderr,
  } = await execa("sh", ["-s"], {
    input: script,
    env,
    reject: false,
  });
  return { code: exitCode, stdout, stderr };
};

describe("a repository of backups", () => {
  let folder: string;
  let restic: string;
  let repository: Repository;

  beforeAll(async () => {
    restic = await ensureRestic(lineProgress());
    folder = await mkdtemp(join(tmpdir(), "aihub-repository-test-"));
    repository = {
      location: join(folder, "backups"),
      password: 'it\'s $(a) "pass" `word`',
      access: {},
    };
    const env = { RESTIC_REPOSITORY: repository.location, RESTIC_PASSWORD: repository.password };
    await writeFile(join(folder, "file"), "content");
    await execa(restic, ["init"], { env });
    for (const [tag, time] of [
      ["aihub", "2026-11-24 02:00:00"],
      ["aihub", "2026-11-25 02:00:00"],
      ["other", "2026-11-25 03:00:00"],
    ] as const) {
      await execa(restic, ["backup", "--tag", tag, "--time", time, join(folder, "file")], {
        env: { ...env, TZ: "UTC" },
      });
    }
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("opens by what an escrow holds, and by that alone, while it is locked", async () => {
    const lock = join(repository.location, "locks", "0".repeat(64));
    await writeFile(lock, "somebody else's");
    expect(await openRepository(repository, restic, run)).toEqual({
      points: 2,
      newest: "2026-11-25T02:00:00.000Z",
    });
    expect(await readFile(lock, "utf8")).toBe("somebody else's");
    await rm(lock);
  });

  it("tells a wrong password from backups that are not there", async () => {
    await expect(
      openRepository({ ...repository, password: "secret-other" }, restic, run),
    ).rejects.toThrow(/do not open by the password[\s\S]*older escrow/);
    await expect(
      openRepository({ ...repository, location: join(folder, "none") }, restic, run),
    ).rejects.toThrow(/no backups at .*none yet/);
  });

  it("says what restic says about the rest, without a secret", async () => {
    const attempt = openRepository(
      {
        location: "s3:http://127.0.0.1:9/bucket",
        password: "secret-password",
        access: { AWS_ACCESS_KEY_ID: "secret-id", AWS_SECRET_ACCESS_KEY: "secret-key" },
      },
      // restic would go on trying for a quarter of an hour.
      `timeout 5 ${restic}`,
      run,
    );
    await expect(attempt).rejects.toThrow(/cannot be opened[\s\S]*/);
    await expect(attempt).rejects.not.toThrow(/secret/);
  });

  it("by SSH takes a key that is gone afterwards, and a host that is pinned", async () => {
    const script = snapshotsScript(
      {
        location: "sftp:copy@127.0.0.1:/backups",
        password: "x",
        access: { SSH_PRIVATE_KEY: "the key\n", SSH_KNOWN_HOSTS: "127.0.0.1 ssh-ed25519 AAAA\n" },
      },
      // In restic's place: what is it given?
      `sh -c 'printf "%s|" "$@"; cat "\${4#*-i }" 2>/dev/null; f=\${4#*-i }; f=\${f%% *}; cat $f \${f%/key}/known_hosts; stat -c %a $f; echo $f' restic`,
    );
    const { code, stdout } = await run(script);
    expect(code).toBe(0);
    expect(stdout).toMatch(/StrictHostKeyChecking=yes -o UserKnownHostsFile=\/tmp\S+known_hosts\|/);
    expect(stdout).toMatch(/the key\n127\.0\.0\.1 ssh-ed25519 AAAA\n600\n/);
    const path = stdout.trim().split("\n").at(-1) as string;
    await expect(readFile(path)).rejects.toThrow(/ENOENT/);
  });
});
