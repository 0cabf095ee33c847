/** Whether somebody who reads the words of a refused write knows what is wrong. */

const bare =
  /^\W*(5\d\d|internal server error|something went wrong|error|undefined|null|\[object object\])?\W*$/i;
const innards =
  /defect of the server|Traceback \(most recent|\n\s+at \S+ \(|\bat file:\/\/|\.[jt]s:\d+:\d+|File ".*", line \d+/;

export function isClear(words: string): boolean {
  return !bare.test(words) && !innards.test(words);
}

/** The answer without its markup and JSON, short enough for a table. */
export function plain(words: string, most = 160): string {
  const title =
    /<h1[^>]*>(.*?)<\/h1>/is.exec(words)?.[1] ?? /<title>(.*?)<\/title>/is.exec(words)?.[1];
  const detail = /"(?:detail|message|error_description|error)"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(
    words,
  )?.[1];
  const text = (title ?? detail ?? words)
    .replace(/<[^>]+>/g, " ")
    .replace(/\s+/g, " ")
    .trim();
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** The same words of different writes are the same words. */
export function withoutNames(words: string): string {
  return words
    .replace(/\b[fmlc]-[0-9a-z]{6,}-\d+(\.txt)?\b/g, "…")
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}/g, "…")
    .replace(/\b127\.\d+\.\d+\.\d+(:\d+)?/g, "…");
}
