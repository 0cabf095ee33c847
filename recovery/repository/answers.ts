/** What restic prints with --json, as far as it is used. */
import { z } from "zod";

/** A message; undefined when the text is none. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const id = z.string().regex(/^[0-9a-f]{64}$/);

const snapshotAnswer = z.object({
  id,
  time: z.string(),
  tree: id,
  hostname: z.string().default(""),
  paths: z.array(z.string()),
  tags: z.array(z.string()).nullish(),
  summary: z
    .object({
      total_files_processed: z.number(),
      total_bytes_processed: z.number(),
      data_added_packed: z.number().optional(),
    })
    .nullish(),
});

export interface Snapshot {
  /** 64 hex digits. */
  id: string;
  /** ISO time with its zone. */
  time: string;
  /** Same tree, same content. */
  tree: string;
  host: string;
  paths: string[];
  tags: string[];
  files?: number;
  /** Bytes of the files. */
  size?: number;
  /** Bytes by which the repository grew. */
  bytesStored?: number;
}

function snapshotOf(answer: z.infer<typeof snapshotAnswer>): Snapshot {
  const { summary } = answer;
  return {
    id: answer.id,
    time: answer.time,
    tree: answer.tree,
    host: answer.hostname,
    paths: answer.paths,
    tags: answer.tags ?? [],
    ...(summary
      ? { files: summary.total_files_processed, size: summary.total_bytes_processed }
      : {}),
    ...(summary?.data_added_packed === undefined ? {} : { bytesStored: summary.data_added_packed }),
  };
}

export const snapshotsAnswer = z
  .array(snapshotAnswer)
  .nullable()
  .transform((all) => (all ?? []).map(snapshotOf));

const forgotten = z.array(snapshotAnswer).nullish();

/** One group at most, as snapshots are not divided by host or path; none in an empty repository. */
export const forgetAnswer = z
  .array(z.object({ keep: forgotten, remove: forgotten }))
  .nullable()
  .transform((groups) => ({
    kept: (groups ?? []).flatMap(({ keep }) => keep ?? []).map(snapshotOf),
    removed: (groups ?? []).flatMap(({ remove }) => remove ?? []).map(snapshotOf),
  }));

export const backupStatus = z.object({
  message_type: z.literal("status"),
  percent_done: z.number(),
  bytes_done: z.number().default(0),
  total_bytes: z.number().default(0),
  files_done: z.number().default(0),
  total_files: z.number().default(0),
});

export const backupSummary = z.object({
  message_type: z.literal("summary"),
  files_new: z.number(),
  files_changed: z.number(),
  files_unmodified: z.number(),
  data_added: z.number(),
  data_added_packed: z.number().default(0),
  total_files_processed: z.number(),
  total_bytes_processed: z.number(),
  snapshot_id: id.optional(),
});

export const restoreSummary = z.object({
  message_type: z.literal("summary"),
  total_files: z.number().default(0),
  files_restored: z.number().default(0),
  files_skipped: z.number().default(0),
  files_deleted: z.number().default(0),
  total_bytes: z.number().default(0),
  bytes_restored: z.number().default(0),
});

export const checkSummary = z.object({
  message_type: z.literal("summary"),
  num_errors: z.number(),
  broken_packs: z.array(z.string()).nullish(),
  suggest_repair_index: z.boolean().default(false),
});

export const configAnswer = z.object({ id });

export const statsAnswer = z.object({
  total_size: z.number(),
  total_uncompressed_size: z.number().default(0),
  total_blob_count: z.number().default(0),
  snapshots_count: z.number().default(0),
});

export const lockAnswer = z.object({ time: z.string() });

export const nodeAnswer = z
  .object({
    message_type: z.literal("node"),
    path: z.string(),
    type: z.string(),
    size: z.number().default(0),
    mtime: z.string(),
    mode: z.number().default(0),
    uid: z.number().default(0),
    gid: z.number().default(0),
  })
  .transform(({ message_type, ...node }) => ({ ...node, mode: node.mode & 0o7777 }));

/** A file or folder in a snapshot; `type` is "file", "dir", "symlink" and so on, `size` in bytes, `mode` its rights. */
export type Node = z.output<typeof nodeAnswer>;

export const findAnswer = z
  .array(
    z.object({
      snapshot: id,
      matches: z.array(
        z.object({
          path: z.string(),
          type: z.string(),
          size: z.number().default(0),
          mtime: z.string(),
        }),
      ),
    }),
  )
  .nullable()
  .transform((all) => all ?? []);
