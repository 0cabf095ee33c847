/** Whether the chat that runs can take over what a point holds: its database only ever moves forward. */
import { UserError } from "../../hub/user-error.ts";

/** `v0.12.4-slim` is [0, 12, 4]; undefined for a tag that names no version. */
function numbersOf(version: string): number[] | undefined {
  const found = /^v?(\d+)\.(\d+)(?:\.(\d+))?(?:$|[-+])/.exec(version);
  return found ? found.slice(1).map((part) => Number(part ?? 0)) : undefined;
}

/** Negative: `a` is older. Undefined: nobody can tell. */
export function compareVersions(a: string, b: string): number | undefined {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  if (!left || !right) return a === b ? 0 : undefined;
  for (const [index, number] of left.entries()) {
    const difference = number - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** @returns what a person should know of it @throws UserError when the point's chat is newer than the one that runs */
export function checkVersions(ofPoint: string, running: string): string[] {
  const order = compareVersions(ofPoint, running);
  if (order === undefined) {
    return [
      `The point was made by Open WebUI ${ofPoint || "of an unknown version"}, ${running || "an unknown version"} runs: nobody can tell which is newer`,
    ];
  }
  if (order > 0) {
    throw new UserError(
      `The point was made by Open WebUI ${ofPoint}, and ${running} runs, which does not read a newer one's database.\n` +
        `  fix: npm run hub -- config set images.openWebui with the tag ${ofPoint}, npm start, then restore again; or choose an older point`,
    );
  }
  return order < 0
    ? [`The point was made by Open WebUI ${ofPoint}; ${running} brings its database forward`]
    : [];
}
