/** The steps of a verb of `npm run hub`, as its progress tells them. */

/** Each line that says that something begins or ended, once, without how long it took. */
export function progressLines(text: string): string[] {
  const lines = text
    .split("\n")
    .map((line) => line.trim().replace(/ \([\d.]+ s\)$/, ""))
    .filter((line) => /^[▸✔] /.test(line));
  return [...new Set(lines)];
}
