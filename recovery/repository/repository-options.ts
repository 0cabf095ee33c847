/** What a repository is opened with, what is asked of it, and what it answers. */
import type { Ended } from "./restic-process.ts";

export interface RepositoryOptions {
  /** Path of the restic program. */
  program: string;
  /** See hub/backup-location.ts. */
  location: string;
  /** The repository's password goes to restic by its environment or a file, never as an argument. */
  password: string | { file: string };
  /** Added to restic's environment, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or RESTIC_CACERT. */
  env?: Record<string, string>;
  /** Folder for copies of what describes the repository. May be removed at any time. */
  cacheDir: string;
  /** For sftp: path of the private key, and of the known_hosts file that alone says which servers are trusted. */
  sftp?: { keyFile: string; knownHosts: string };
  limits?: { uploadKibPerSecond?: number; downloadKibPerSecond?: number };
  /** Seconds for which the storage may stay away before a run is given up. Default 300. */
  patience?: number;
  /** Seconds to wait for a living process that holds the lock. Default 300. */
  lockPatience?: number;
  /** Stops what is running. */
  signal?: AbortSignal;
}

export interface BackupOptions {
  paths: readonly string[];
  /** Patterns, as restic's --exclude takes them. */
  excludes?: readonly string[];
  tags: readonly string[];
  /** Name of the machine, as written into the snapshot. */
  host: string;
  /** Default now. */
  time?: Date;
  /** Writes nothing. */
  dryRun?: boolean;
  /** Without it, files are not counted first. */
  onProgress?: (progress: BackupProgress) => void;
}

export interface BackupProgress {
  /** 0 to 1, of what was found so far. */
  share: number;
  bytesDone: number;
  bytesTotal: number;
  filesDone: number;
  filesTotal: number;
}

export interface BackupResult {
  /** Unset in a dry run. */
  snapshotId?: string;
  files: number;
  filesNew: number;
  filesChanged: number;
  /** Bytes of all files. */
  bytesProcessed: number;
  /** Bytes of what was not in the repository before. */
  bytesAdded: number;
  /** The same as it is stored, compressed and encrypted. */
  bytesStored: number;
  /** What could not be read and is therefore not in the snapshot; see `Ended`. Empty: it is complete. */
  unread: Ended["items"];
}

export interface SnapshotFilter {
  /** Only those that have all of them. */
  tags?: readonly string[];
  ids?: readonly string[];
  /** The newest so many. */
  latest?: number;
}

export interface RestoreOptions {
  /** Id, or `latest`; with `:/path` after it, that folder alone, without the path that leads there. */
  snapshot: string;
  target: string;
  /** Patterns; `literalPattern` makes one of a path. Default: everything. */
  include?: readonly string[];
  exclude?: readonly string[];
  /** Removes from the target what is not in the snapshot, within what is included. */
  delete?: boolean;
  dryRun?: boolean;
  /** Default "always", by content: equal pieces of a file are not written again. */
  overwrite?: "always" | "if-changed" | "if-newer" | "never";
  /** Reads all back from the target's disk and compares. */
  verify?: boolean;
}

export interface RestoreResult {
  files: number;
  filesRestored: number;
  filesSkipped: number;
  filesDeleted: number;
  bytes: number;
  bytesRestored: number;
}

export interface CheckResult {
  ok: boolean;
  errors: number;
  /** Ids of pack files whose content is wrong. */
  damagedPacks: string[];
  /** What restic said about it; the last few lines. */
  messages: string[];
}

export interface Stats {
  snapshots: number;
  /** Bytes as stored. */
  bytesStored: number;
  /** Before compression. */
  bytesRaw: number;
  blobs: number;
}
