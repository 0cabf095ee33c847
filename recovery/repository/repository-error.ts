/** What can be wrong with a repository, told apart so that callers can act on it. */
import { UserError } from "../../hub/user-error.ts";

export type RepositoryErrorKind =
  /** There is no repository at this location. */
  | "missing"
  /** Another process works on it. */
  | "locked"
  /** Not the repository's password. */
  | "wrong-key"
  /** The server does not answer, or is not the one it should be. */
  | "unreachable"
  /** It answers, but refuses to let us read or write. */
  | "denied"
  /** Some of its content is missing or changed. */
  | "damaged"
  /** The disk that is written to is full, or a quota is used up. */
  | "no-space"
  | "other";

const about: Record<RepositoryErrorKind, { what: string; fix: string }> = {
  missing: {
    what: "holds no repository",
    fix: "Check the location; the first backup makes a repository there",
  },
  locked: {
    what: "is in use by another process",
    fix: "Wait until the other backup, restore or check is done, and try again",
  },
  "wrong-key": {
    what: "does not open with this password",
    fix: "Use the password the repository was made with; it is in the stack's state and in the escrow",
  },
  unreachable: {
    what: "cannot be reached",
    fix: "Check the address, the network and, for sftp, the pinned host key",
  },
  denied: {
    what: "refuses access",
    fix: "Check the access keys, their rights, and whether it can be written to",
  },
  damaged: {
    what: "is damaged",
    fix: "Keep it as it is and restore what is needed from the second copy; `restic check --read-data` names the damaged files",
  },
  "no-space": {
    what: "cannot be written, or restored from, for want of space",
    fix: "Free space where the message says, or keep fewer recovery points",
  },
  other: { what: "could not be worked with", fix: "See the message above" },
};

export class RepositoryError extends UserError {
  override name = "RepositoryError";
  readonly kind: RepositoryErrorKind;
  /** What restic said, without secrets. */
  readonly reason: string;

  constructor(kind: RepositoryErrorKind, location: string, reason: string) {
    const { what, fix } = about[kind];
    super(`The backup repository ${location} ${what}: ${reason}\n  fix: ${fix}`);
    this.kind = kind;
    this.reason = reason;
  }
}

/** restic's exit codes that say by themselves what is wrong. */
const byCode: Record<number, RepositoryErrorKind> = {
  10: "missing",
  11: "locked",
  12: "wrong-key",
};

/** In this order: a lock that cannot be written for want of space is a want of space. */
const byText: [RepositoryErrorKind, RegExp][] = [
  [
    "no-space",
    /no space left|disk quota exceeded|QuotaExceeded|not enough space|SSH_FX_FAILURE.*space/i,
  ],
  [
    "denied",
    // Of S3, restic repeats the message and leaves out the code.
    /read-only file system|permission denied|operation not permitted|access ?denied|InvalidAccessKeyId|access key id you provided does not exist|SignatureDoesNotMatch|signature we calculated does not match|no credentials found|forbidden/i,
  ],
  ["locked", /invalid lock file|repository is already locked/i],
  [
    "unreachable",
    /connection (refused|reset|timed out|closed)|no such host|network is unreachable|no route to host|i\/o timeout|TLS handshake|x509|certificate|sftp session|host key verification failed|could not resolve|server unexpectedly closed|unexpected EOF/i,
  ],
  [
    "damaged",
    /ciphertext|invalid data returned|wrong hash|hash mismatch|repository contains errors|size mismatch|unexpected pack|not found in (the )?(index|repository)|config cannot be loaded|already contains keys|config file already exists|file is shorter|(Load|ReadFull)\(<(data|index)\/.*(no such file|key does not exist)|panic: runtime error: slice bounds|unable to load tree|too short/i,
  ],
];

export function kindOf(code: number | null, text: string): RepositoryErrorKind {
  return byCode[code ?? -1] ?? byText.find(([, pattern]) => pattern.test(text))?.[0] ?? "other";
}
