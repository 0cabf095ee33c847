/**
 * Swaps folders and files of a project for links that lead out of it, as fast as it can, until it is killed. Arguments: the
 * project's folder and one outside. Says how often it has swapped.
 */
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

export type Said = { swaps: number };

const [project = "", outside = ""] = process.argv.slice(2);
const spare = join(project, "spare");
mkdirSync(spare);

/** A folder, and a link that takes its place. */
function door(name: string, target: string): () => void {
  const place = join(project, name);
  const folder = join(spare, name.replaceAll("/", "-"));
  const link = `${folder}-link`;
  symlinkSync(target, link);
  return () => {
    try {
      renameSync(place, folder);
      renameSync(link, place);
      renameSync(place, link);
      renameSync(folder, place);
    } catch {
      // The server has made a folder in the moment that none was there.
      const there = lstatSync(place, { throwIfNoEntry: false });
      if (there?.isSymbolicLink()) renameSync(place, link);
      else if (existsSync(folder)) rmSync(place, { recursive: true, force: true });
      if (existsSync(folder)) renameSync(folder, place);
    }
  };
}

/** A file that is by turns itself, a symbolic link and a hard link. */
function leaf(name: string, target: string): () => void {
  const [place, next] = [join(project, name), join(spare, `${name}-next`)];
  const put = (make: () => void) => {
    rmSync(next, { force: true });
    make();
    renameSync(next, place);
  };
  return () => {
    put(() => symlinkSync(target, next));
    put(() => writeFileSync(next, "inside again"));
    rmSync(place);
    linkSync(target, place);
    put(() => writeFileSync(next, "inside again"));
  };
}

const swaps = [
  door("door", outside),
  door("nested/a", join(outside, "a")),
  door("etc", "/etc"),
  leaf("leaf.txt", join(outside, "file.txt")),
];
for (let count = 1; ; count++) {
  for (const swap of swaps) {
    try {
      swap();
    } catch {
      // A writer was in between; the next turn finds it in order again.
    }
  }
  if (count % 500 === 0) {
    process.send?.({ swaps: count * swaps.length } satisfies Said);
    // Also the message wants to be sent.
    await new Promise((resolve) => setImmediate(resolve));
  }
}
