/** What somebody needs of the log of a chat that ended: the error it ended with, which a long statement may follow, and the end. */

/** An exception's own line below a Python traceback. */
const EXCEPTION = /^[\w.]+(?:Error|Exception|Violation|Warning)\b: \S/;
const LINES = 8;

/** @returns lines to be put below an error, indented; "" when it said nothing */
export function lastWordsOf(log: string): string {
  const lines = log
    .trimEnd()
    .split("\n")
    .filter((line) => line.trim() !== "");
  if (lines.length === 0) return "";
  const error = lines.findLast((line) => EXCEPTION.test(line));
  const end = lines.slice(-LINES);
  const shown = error === undefined || end.includes(error) ? end : [error, "…", ...end];
  return `\n  its last words:\n${shown.map((line) => `    ${line.slice(0, 300)}`).join("\n")}`;
}
