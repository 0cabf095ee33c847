/**
 * The repositories that points went to before: where one was, an empty place is a loss and no beginning. A share that is not mounted,
 * or a bucket that somebody emptied, would get a new repository, and nobody would hear that all points are gone.
 */
import { join } from "node:path";
import { UserError } from "../../hub/user-error.ts";
import { recall, remember } from "../memory.ts";
import { RECOVERY } from "../place.ts";
import type { Repository } from "./restic.ts";

/** Names of what is remembered. */
export type RememberedName = "repository" | "copy-repository";

/** Nothing is written, proven or let go in a place whose repository is gone or is another one. */
export class LostRepositoryError extends UserError {}

interface Remembered {
  location: string;
  id: string;
}

/**
 * Makes the repository when none was seen at its location before, and remembers it.
 * @throws LostRepositoryError when the one that was there is not; RepositoryError when it cannot be opened
 */
export async function ensureRemembered(
  name: RememberedName,
  repository: Repository,
): Promise<void> {
  const { location } = repository;
  const known = await recall<Remembered>(name);
  if (known?.location !== location) {
    const { id } = await repository.ensure();
    await remember(name, { location, id } satisfies Remembered);
    return;
  }
  const id = await repository.id();
  if (id === known.id) return;
  const what =
    id === undefined
      ? `The backup repository that was at ${location} is gone: is the share mounted, was the bucket emptied?`
      : `The backup repository at ${location} is not the one that was there: is another share mounted, did another hub get this place?`;
  const next =
    name === "repository" ? "npm run hub -- point" : "systemctl start aihub-nightly on the host";
  throw new LostRepositoryError(
    `${what}\n  fix: bring the one that was there back (its id begins with ${known.id.slice(0, 8)}); or, to go on there without the points of before: npm run hub -- ssh -- rm ${join(RECOVERY, `${name}.json`)}, then ${next}`,
  );
}
