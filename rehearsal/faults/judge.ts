/** Compares what writers were told with what is there afterwards. */
import { type Attempt, contentOf, digestOf, type Writer } from "./attempt.ts";
import { isClear, plain, withoutNames } from "./words.ts";

export interface Found {
  /** Files of the writers' folder: name → SHA-256. */
  files: Record<string, string>;
  /** The file that all append to. */
  lines: string[];
  /** Of the database: one for each row, with the title as the row has it and what the chat's own JSON says. */
  chats: { id: string; title: string; inJson: string; messages: string[] }[];
  /** Entries of the workspace that nobody asked for. */
  strange: string[];
}

export interface Verdict {
  acknowledged: Record<Writer, number>;
  /** Of the acknowledged. */
  there: Record<Writer, number>;
  refused: number;
  cutOff: number;
  /** Different words of refusals and how often they were said, the most frequent first. */
  words: { words: string; times: number; clear: boolean }[];
  /** Acknowledged and not there, or not once. */
  lost: string[];
  halfStates: string[];
}

/** First and last line of the file that all append to. */
export const LOG_BEGIN = "begin of the log";
export const LOG_END = "end of the log";
export const MESSAGE_LINES = 40;

export function judge(attempts: readonly Attempt[], found: Found): Verdict {
  const verdict: Verdict = {
    acknowledged: { mcp: 0, chat: 0 },
    there: { mcp: 0, chat: 0 },
    refused: 0,
    cutOff: 0,
    words: [],
    lost: [],
    halfStates: found.strange.map((path) => `${path}: nobody asked for it`),
  };
  const said = new Map<string, number>();
  const known = new Set(attempts.map(({ token }) => token));
  for (const attempt of attempts) {
    const { writer, token, outcome } = attempt;
    const { times, torn } = seen(attempt, found);
    if (torn !== undefined) verdict.halfStates.push(`${token} (${outcome}): ${torn}`);
    if (outcome === "acknowledged") {
      verdict.acknowledged[writer] += 1;
      if (times === 1 && torn === undefined) verdict.there[writer] += 1;
      else verdict.lost.push(`${token}: there ${times} times`);
      continue;
    }
    if (times > 1) verdict.halfStates.push(`${token} (${outcome}): there ${times} times`);
    if (outcome === "cut-off") verdict.cutOff += 1;
    else {
      verdict.refused += 1;
      const words = withoutNames(plain(attempt.words));
      said.set(words, (said.get(words) ?? 0) + 1);
    }
  }
  verdict.halfStates.push(...brokenLog(found.lines, known));
  verdict.words = [...said]
    .map(([words, times]) => ({ words, times, clear: isClear(words) }))
    .sort((a, b) => b.times - a.times);
  return verdict;
}

function seen({ target, token }: Attempt, found: Found): { times: number; torn?: string } {
  switch (target.kind) {
    case "file": {
      const digest = found.files[`${token}.txt`];
      if (digest === undefined) return { times: 0 };
      return digest === digestOf(contentOf(token))
        ? { times: 1 }
        : { times: 1, torn: "the file is not whole" };
    }
    case "line":
      return { times: found.lines.filter((line) => line === token).length };
    case "chat": {
      const rows = found.chats.filter(({ title }) => title === token);
      const [row] = rows;
      if (row === undefined) return { times: 0 };
      return row.inJson === token
        ? { times: rows.length }
        : { times: rows.length, torn: `the chat calls itself "${row.inJson}"` };
    }
    case "message": {
      const messages = found.chats
        .filter(({ title }) => title === target.chat)
        .flatMap((chat) => chat.messages.filter((message) => message.includes(token)));
      const whole = contentOf(token, MESSAGE_LINES);
      return messages.every((message) => message === whole)
        ? { times: messages.length }
        : { times: messages.length, torn: "the message is not whole" };
    }
  }
}

/** Every line is one that somebody wrote, between the two that were there from the start. */
function brokenLog(lines: readonly string[], known: ReadonlySet<string>): string[] {
  const problems: string[] = [];
  if (lines[0] !== LOG_BEGIN) problems.push(`the log begins with "${lines[0] ?? ""}"`);
  if (lines.at(-1) !== LOG_END) problems.push(`the log ends with "${lines.at(-1) ?? ""}"`);
  for (const line of lines.slice(1, -1)) {
    if (!known.has(line)) problems.push(`the log has a line "${line.slice(0, 60)}" of nobody`);
  }
  return problems;
}
