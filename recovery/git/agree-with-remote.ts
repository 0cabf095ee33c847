/** Which commit the next one follows: ours, or what the hub itself had pushed before its copy was lost. */
import { UserError } from "../../hub/user-error.ts";
import { BRANCH, type GitRepository } from "./git-repository.ts";
import type { Remote } from "./remote.ts";
import { shown } from "./remote-error.ts";

export interface Author {
  name: string;
  email: string;
}

/**
 * Afterwards the remote's history is part of ours, so that a push needs no force.
 * @returns the remote's newest commit; undefined when it has none
 * @throws UserError when it has commits that are not this hub's
 */
export async function agreeWithRemote(
  repository: GitRepository,
  remote: Remote,
  author: Author,
  url: string,
): Promise<string | undefined> {
  const theirs = await remote.tip();
  if (theirs === undefined) return undefined;
  const ours = await repository.tip();
  if (theirs === ours) return theirs;
  if (!(await repository.has(theirs))) await remote.fetch();
  if (ours !== undefined && (await repository.isAncestor(theirs, ours))) return theirs;
  const behind = ours === undefined || (await repository.isAncestor(ours, theirs));
  const foreign = behind ? await foreignIn(repository, ours, theirs, author) : undefined;
  if (!behind || foreign !== undefined) {
    throw new UserError(
      `The git repository ${shown(url)} has commits that are not this hub's${foreign ? `, such as ${foreign.slice(0, 12)}` : ""}; nothing was pushed.\n  fix: give the hub a repository of its own, empty, in backup.gitUrl; or rename the branch main there: the hub then makes it anew, with all of its history`,
    );
  }
  await repository.git(["update-ref", BRANCH, theirs, ours ?? "0".repeat(40)]);
  return theirs;
}

/**
 * A hub that lost its copy may have had another name then; one that has its copy takes nobody's commits but its own, else two
 * hubs could share a repository unseen.
 */
async function foreignIn(
  repository: GitRepository,
  ours: string | undefined,
  theirs: string,
  { name, email }: Author,
): Promise<string | undefined> {
  const range = ours === undefined ? theirs : `${ours}..${theirs}`;
  const log = await repository.git(["log", "--format=%H%x00%an%x00%ae", range, "--"]);
  for (const line of log.trim().split("\n")) {
    const [commit, by, from] = line.split("\0");
    const own = by === name && (ours === undefined ? /^hub@/.test(from ?? "") : from === email);
    if (commit && !own) return commit;
  }
  return undefined;
}
