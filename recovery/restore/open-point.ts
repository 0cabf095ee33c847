/** Finds a recovery point and reads what it says of itself. */
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { UserError } from "../../hub/user-error.ts";
import { STAGING } from "../place.ts";
import { type Point, readPoint } from "../point/point.ts";
import type { Repository } from "../repository/restic.ts";
import { POINT_TAG } from "../repository/retention-policy.ts";
import { chooseSnapshot } from "./choose-snapshot.ts";

export interface OpenPoint {
  /** Whole id. */
  snapshot: string;
  point: Point;
}

/** @throws UserError, RepositoryError */
export async function openPoint(repository: Repository, wanted: string): Promise<OpenPoint> {
  const { id } = chooseSnapshot(await repository.snapshots({ tags: [POINT_TAG] }), wanted);
  const opened = await reopenPoint(repository, id);
  const isName = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ-/.test(wanted);
  if (isName && opened.point.name !== wanted) {
    throw new UserError(
      `There is no recovery point "${wanted}"; the one after it is ${opened.point.name}.\n  fix: aihub-recovery points lists them (npm run hub -- points)`,
    );
  }
  return opened;
}

export async function reopenPoint(repository: Repository, snapshot: string): Promise<OpenPoint> {
  const text = await buffer(repository.dump(snapshot, join(STAGING, "point.json")));
  return { snapshot, point: readPoint(text.toString(), `snapshot ${snapshot.slice(0, 8)}`) };
}
