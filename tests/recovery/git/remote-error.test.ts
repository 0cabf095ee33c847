import { expect, it } from "vitest";
import { remoteError } from "../../../recovery/git/remote-error.ts";
import { ProgramError } from "../../../recovery/run.ts";

/** What GitHub and ssh say, word for word. */
it.each([
  [
    "ERROR: The key you are authenticating with has been marked as read only.\nfatal: Could not read from remote repository.",
    /takes the key, but not for writing/,
  ],
  ["ERROR: Permission to team/x.git denied to deploy key", /takes the key, but not for writing/],
  [
    "ERROR: Repository not found.\nfatal: Could not read from remote repository.",
    /is not there, or this key may not see it/,
  ],
  ["git@github.com: Permission denied (publickey).", /refuses the key/],
  [
    "remote: error: GH006: Protected branch update failed for refs/heads/main.\n ! [remote rejected] main -> main (protected branch hook declined)",
    /its rules protect the branch main/,
  ],
  [
    "remote: error: GH013: Repository rule violations found for refs/heads/main.\nremote: - GITHUB PUSH PROTECTION\nremote:     - Push cannot contain secrets",
    /it found a secret/,
  ],
  [
    "remote: error: GH001: Large files detected. You may want to try Git Large File Storage",
    /has no room for it/,
  ],
  [
    "remote: error: object 6b2962cf78a105b864a69c91ed1c244423983d84: hasDotgit: contains '.git'\nremote: fatal: fsck error in packed object\nerror: remote unpack failed: index-pack abnormal exit\n ! [remote rejected] main -> main (unpacker error)",
    /does not take the name or the content of a file/,
  ],
  [
    "remote: fatal: write error: No space left on device\nerror: remote unpack failed: index-pack abnormal exit\n ! [remote rejected] main -> main (unpacker error)",
    /has no room for it/,
  ],
  [" ! [remote rejected] main -> main (some policy)", /refuses the push\.\n/],
  [" ! [rejected]        main -> main (fetch first)", /changed while it was pushed to/],
  [
    "ssh: Could not resolve hostname git.example.com: Name or service not known",
    /cannot be reached/,
  ],
  [
    "Host key verification failed.\nfatal: Could not read from remote repository.",
    /host key is another/,
  ],
  ["something new", /could not be pushed to: git ended with 128/],
])("%s", (said, told) => {
  const error = remoteError(
    new ProgramError("git", 128, `remote: a-line-of-a-file\n${said}`),
    "ssh://git:word@git.example.com/x.git",
  );
  expect(error.message).toMatch(told);
  expect(error.message).toMatch(
    /^The git repository ssh:\/\/git@git\.example\.com\/x\.git .*\n {2}fix: /,
  );
  expect(error.message).not.toContain("a-line-of-a-file");
});
