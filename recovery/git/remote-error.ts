/** What is wrong with the repository elsewhere, and what to do. Git's own words may hold what was pushed: they are left out. */
import { UserError } from "../../hub/user-error.ts";
import { ProgramError } from "../run.ts";

/** In this order: what is said last by git is said of everything. */
const known: readonly [pattern: RegExp, what: string, fix: string][] = [
  [/spawn git ENOENT/, "cannot be reached: this host has no git", "npm start installs it"],
  [
    /cannot run ssh|spawn ssh ENOENT/,
    "cannot be reached: this host has no ssh",
    "npm start installs it",
  ],
  [
    /host key verification failed|no matching host key|no .* host key is known/i,
    "is not the one that was pinned: its host key is another",
    "compare with the host keys that its operator publishes; if it changed for a good reason, npm run hub -- config set backup.gitHostKey, then npm start",
  ],
  [
    /error in libcrypto|invalid format|load key .*: /i,
    "cannot be reached: the setting backupGitKey is no SSH key that can be read without a passphrase",
    "make one by ssh-keygen -t ed25519 -N '', add its public part there as a deploy key with write access, and set backupGitKey",
  ],
  [
    /read[- ]only|write access .*not granted|not authorized to push|denied to deploy|denied to/i,
    "takes the key, but not for writing",
    "give the deploy key write access there",
  ],
  [
    /permission denied \(|publickey|too many authentication failures/i,
    "refuses the key",
    "add the public part of backupGitKey there as a deploy key with write access; a key with a passphrase cannot be used",
  ],
  [
    /could not resolve|connection (?:refused|timed out|reset|closed)|timed out|unreachable|no route to host|kex_exchange|not responding|broken pipe/i,
    "cannot be reached",
    "check backup.gitUrl, and that the hub's host may open SSH connections to it",
  ],
  [
    /repository .*not found|does not appear to be a git repository|no such file or directory|does not exist/i,
    "is not there, or this key may not see it",
    "make it there, empty, and add the deploy key to it; or mend backup.gitUrl",
  ],
  [
    /GH013.*secret|push protection|secret.?scanning/is,
    "refuses the push: it found a secret that this hub's scanner does not know",
    "its page on secret scanning names the file: take the secret out, then aihub-recovery push-workspace on the host",
  ],
  [
    /fsck error/i,
    "refuses the push: it does not take the name or the content of a file",
    "it is one that git reads itself, such as .gitattributes, or whose name looks like .git: take it out of the workspace or name it in a .gitignore, then aihub-recovery push-workspace on the host",
  ],
  [
    /GH006|GH013|protected branch|hook declined|rule violations|deny updating|prohibited/i,
    "refuses the push: its rules protect the branch main",
    "let the deploy key push to main there; it never forces",
  ],
  [
    /\(fetch first\)|non-fast-forward|\[rejected\]|cannot lock ref|failed to update ref/i,
    "changed while it was pushed to",
    "nothing; it is tried again the next night, or now by aihub-recovery push-workspace on the host",
  ],
  [
    /GH001|no space left|quota|exceeds .*limit|too large|pack exceeds|RPC failed/i,
    "has no room for it",
    "make room there, or keep large files out by a .gitignore",
  ],
  [
    /\[remote rejected\]/,
    "refuses the push",
    "see its operator's rules for what is pushed; when a file is against them, take it out of the workspace or name it in a .gitignore, then aihub-recovery push-workspace on the host",
  ],
  [
    /remote end hung up|could not read from remote|early EOF|unexpected disconnect/i,
    "ended the connection",
    "it is tried again the next night; if it lasts, check backup.gitUrl and the deploy key there",
  ],
];

/** Whether the remote saw all that was pushed, and does not want it. */
export function isRefusal(error: Error): boolean {
  return error instanceof ProgramError && error.stderr.includes("[remote rejected]");
}

export function remoteError(error: Error, url: string): Error {
  if (!(error instanceof ProgramError)) return error;
  const [, what, fix] = known.find(([pattern]) => pattern.test(error.stderr)) ?? [
    /./,
    `could not be pushed to: git ended with ${error.code ?? "a signal, or took too long"}`,
    "on the host, remove /data/hub/recovery/git (what was pushed is fetched again), then aihub-recovery push-workspace",
  ];
  return new UserError(`The git repository ${shown(url)} ${what}.\n  fix: ${fix}`);
}

/** The address without what may be a password. */
export function shown(url: string): string {
  return url.replace(/^(ssh:\/\/[^:@/]*):[^@/]*@/, "$1@");
}
