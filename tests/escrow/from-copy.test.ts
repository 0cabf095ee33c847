import { describe, expect, it } from "vitest";
import { parseConfig } from "../../config/parse.ts";
import type { EscrowContents } from "../../escrow/contents.ts";
import { fromCopy } from "../../escrow/from-copy.ts";
import { contents } from "./example.ts";

const bucket = (name: string) => ({
  location: `s3:https://s3.example.org/${name}`,
  password: contents.repository.password,
  access: { AWS_ACCESS_KEY_ID: `key of ${name}`, AWS_SECRET_ACCESS_KEY: `secret of ${name}` },
});

function escrow(backup: object, copy: EscrowContents["copy"], secrets = {}): EscrowContents {
  return {
    ...contents,
    settings: { ...contents.settings, backup: JSON.stringify(backup) },
    secrets: { ...secrets, backupGitKey: "of git" },
    ...(copy ? { copy } : {}),
  };
}

describe("an escrow whose second copy takes the place of the first", () => {
  it("pins the copy's host instead of the one that is lost", () => {
    const taken = fromCopy(
      escrow(
        {
          to: "sftp:a@lost.example:/aihub",
          hostKey: "ssh-ed25519 LOST",
          copyTo: contents.copy?.location,
          copyHostKey: "ssh-ed25519 COPY",
          everyMinutes: 30,
        },
        contents.copy,
        { backupSshKey: "of both" },
      ),
    );
    expect(taken.repository).toEqual(contents.copy);
    expect(taken).not.toHaveProperty("copy");
    expect(JSON.parse(taken.settings.backup ?? "")).toEqual({
      to: "sftp:a@lost.example:/aihub",
      hostKey: "ssh-ed25519 COPY",
      everyMinutes: 30,
    });
    // Adopting takes the key that is in the copy's own access.
    expect(taken.secrets).toEqual({ backupGitKey: "of git" });
    expect(taken.settings.domain).toBe(contents.settings.domain);
  });

  it("keeps nothing of what opened a lost bucket", () => {
    const taken = fromCopy(
      escrow({ copyTo: bucket("copy").location }, bucket("copy"), {
        backupAccessKey: "lost",
        backupSecretKey: "lost",
        backupCopyAccessKey: "key of copy",
        backupCopySecretKey: "secret of copy",
      }),
    );
    expect(taken.settings.backup).toBe("{}");
    expect(taken.secrets).toEqual({ backupGitKey: "of git" });
    expect(taken.repository.access).toEqual(bucket("copy").access);
  });

  it("needs a second copy", () => {
    const { copy: _, ...without } = contents;
    expect(() => fromCopy(without)).toThrow(/no second copy; leave --from-copy out/);
  });

  it("makes settings that are accepted", () => {
    const copyTo = contents.copy?.location;
    const { settings, repository } = fromCopy(
      escrow({ copyTo, copyHostKey: "ssh-ed25519 COPY" }, contents.copy),
    );
    const backup = { ...JSON.parse(settings.backup ?? ""), to: repository.location };
    const parsed = parseConfig({
      ...settings,
      backup: JSON.stringify(backup),
      backupSshKey: "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n",
    });
    expect(parsed.settings.backup).toMatchObject({ to: copyTo, hostKey: "ssh-ed25519 COPY" });
    expect(parsed.settings.backup.copyTo).toBeUndefined();
  });
});
