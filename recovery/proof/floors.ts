/**
 * Whether a point has lost something against the ones before: a database that came up empty makes flawless backups. Deleting
 * on purpose looks the same, so it is told for a few points only, until the ones before are as small.
 */
import type { Problem } from "./problem.ts";

/** What earlier proofs saw; kept between runs. */
export interface Past {
  points: PastPoint[];
}

export interface PastPoint {
  snapshot: string;
  rows: Record<string, number>;
  bytes: number;
  /** Uploads whose rows outlived them. Missing: not counted. */
  lost?: number | undefined;
}

/** Points that are compared with. */
const COMPARED = 7;
const TABLES = ["user", "auth", "chat", "file", "config"].map((name) => `public.${name}`);
const FEW_ROWS = 10;
const FEW_BYTES = 16 * 1024 * 1024;
const FIX =
  "If nobody deleted that much on purpose, look at it before older points are forgotten: npm run hub -- points, then npm run hub -- restore look. If it was on purpose, this ends by itself.";

/** A table that is not there has no rows. `now` may be among the points of the past; it is not compared with itself. */
export function shrunk(past: Past, now: PastPoint): Problem[] {
  const before = past.points.filter(({ snapshot }) => snapshot !== now.snapshot).slice(-COMPARED);
  const problems: Problem[] = [];
  for (const table of TABLES) {
    const usual = median(before.map(({ rows }) => rows[table] ?? 0));
    const rows = now.rows[table] ?? 0;
    if (usual >= FEW_ROWS && rows < usual / 2) {
      problems.push({
        what: `Table ${table} has ${rows} rows; in the points before it had ${usual}`,
        where: `snapshot ${now.snapshot}`,
        fix: FIX,
      });
    }
  }
  const usual = median(before.map(({ bytes }) => bytes));
  if (usual >= FEW_BYTES && now.bytes < usual / 2) {
    problems.push({
      what: `The files have ${megabytes(now.bytes)}; in the points before they had ${megabytes(usual)}`,
      where: `snapshot ${now.snapshot}`,
      fix: FIX,
    });
  }
  const lost = before.flatMap((point) => point.lost ?? []);
  const usually = median(lost);
  if (lost.length > 0 && now.lost !== undefined && now.lost > usually) {
    problems.push({
      what: `${now.lost} files that the chat refers to are not on the volume; in the points before ${usually} were not`,
      where: `snapshot ${now.snapshot}`,
      fix: FIX,
    });
  }
  return problems;
}

/** The past with one point more; a point that is looked at again replaces what was seen. */
export function remembered(past: Past, now: PastPoint): Past {
  const others = past.points.filter(({ snapshot }) => snapshot !== now.snapshot);
  return { points: [...others, now].slice(-COMPARED) };
}

/** The lower of the middle two where there are two; 0 of nothing. */
function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
