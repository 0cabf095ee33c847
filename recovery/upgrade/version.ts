/** Versions of Open WebUI, as image references name them. */

export type Direction = "newer" | "same" | "older" | "unknown";

/** "0.12.4" of "ghcr.io/open-webui/open-webui:v0.12.4-slim"; undefined when the tag names no version. */
export function versionOf(reference: string): string | undefined {
  const [name = ""] = reference.split("@");
  return /:v?(\d+(?:\.\d+)+)(?:[-+][\w.-]+)?$/.exec(name)?.[1];
}

/** Where `to` lies, seen from `from`. Both are image references. */
export function directionOf(from: string, to: string): Direction {
  const [before, after] = [from, to].map((reference) =>
    versionOf(reference)?.split(".").map(Number),
  );
  if (!before || !after) return "unknown";
  for (let index = 0; index < Math.max(before.length, after.length); index++) {
    const step = (after[index] ?? 0) - (before[index] ?? 0);
    if (step !== 0) return step > 0 ? "newer" : "older";
  }
  return "same";
}

/** "0.12.4" where the reference names it, else the reference itself: for people. */
export function nameOf(reference: string): string {
  return versionOf(reference) ?? reference;
}
