/** What a recovery point says of itself, in `point.json` beside what it holds. */
import { z } from "zod";
import { UserError } from "../../hub/user-error.ts";

/** Raised when an older program could no longer restore from a point by what its `point.json` says. */
export const POINT_VERSION = 1;

export const reasons = [
  "scheduled",
  "nightly",
  "manual",
  "before-upgrade",
  "before-restore",
  "before-replacement",
] as const;
export type Reason = (typeof reasons)[number];

const count = z.int().nonnegative();

export const pointSchema = z.object({
  version: z.literal(POINT_VERSION),
  /** Such as 2026-11-25T02-00-00Z-nightly. */
  name: z.string().min(1),
  /** ISO 8601 in UTC: when the point began to be made. */
  time: z.iso.datetime(),
  reason: z.enum(reasons),
  hub: z.object({
    url: z.string(),
    /** Digest of the release that ran. */
    release: z.string(),
  }),
  /** What ran, by service. */
  images: z.record(
    z.string(),
    z.object({
      /** As the release names it, such as nginx:1.28. */
      reference: z.string(),
      /** Docker's id of it, sha256:… */
      id: z.string(),
    }),
  ),
  /** Open WebUI's version, such as 0.12.4. */
  openWebui: z.string(),
  database: z.object({
    kind: z.enum(["embedded", "external"]),
    /** Of database.sql. */
    bytes: count,
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    /** Rows by table: `{"public.chat": 12}`. */
    tables: z.record(z.string(), count),
  }),
  /** Of /data without what is left out; missing where nobody counted. */
  files: z.object({ count: count.optional(), bytes: count.optional() }),
  /** Whether cache.rdb is in it. */
  cache: z.boolean(),
  /** Whether history.db is in it. */
  history: z.boolean(),
  /**
   * Uploads that the database refers to and that the point does not have, by their path on the host: they were gone already,
   * or lie where no point looks. A proof does not look for them.
   */
  gone: z.array(z.string()).optional(),
  /** How many of these ought to be there: their rows stayed, so nobody deleted them in the chat. Missing: not counted. */
  lost: count.optional(),
  /** What the canary chat and the canary file held when the point was made. */
  canary: z.object({ token: z.string().min(1), time: z.iso.datetime() }).optional(),
});

export type Point = z.infer<typeof pointSchema>;

/** `2026-11-25T02-00-00Z-nightly`: sorts by time, and is a file name everywhere. */
export function pointName(time: Date, reason: Reason): string {
  return `${time
    .toISOString()
    .replace(/\.\d+Z$/, "Z")
    .replaceAll(":", "-")}-${reason}`;
}

/** Reads `point.json`. `where` says whose it is, for the errors. Throws UserError. */
export function readPoint(text: string, where: string): Point {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new UserError(
      `point.json of ${where} is no JSON: it was cut or damaged. Take another recovery point.`,
    );
  }
  const version = z.object({ version: z.number() }).safeParse(json).data?.version;
  if (version !== undefined && version > POINT_VERSION) {
    throw new UserError(
      `point.json of ${where} has version ${version}; this program reads up to ${POINT_VERSION}. A newer AI Hub made this recovery point: use that one, or a newer one, to read it.`,
    );
  }
  const parsed = pointSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UserError(
    `point.json of ${where} is not what this program writes: ${issue?.path.join(".") || "the whole"}: ${issue?.message}. Take another recovery point.`,
  );
}
