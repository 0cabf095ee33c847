/** One write that a writer tried, and how it ended for who asked for it. */
import { createHash } from "node:crypto";

export type Writer = "mcp" | "chat";

/** acknowledged: it was said to be done. refused: it was answered otherwise. cut-off: no whole answer came. */
export type Outcome = "acknowledged" | "refused" | "cut-off";

export interface Attempt {
  writer: Writer;
  /** In all of the hub, nothing else has these letters. */
  token: string;
  /** What it was to become. */
  target:
    | { kind: "file" }
    | { kind: "line" }
    | { kind: "chat" }
    | { kind: "message"; chat: string };
  outcome: Outcome;
  /** Of the answer that was no acknowledgement, or of the connection's end. */
  words: string;
  /** Milliseconds since 1970. */
  began: number;
  ended: number;
}

const LINES = 300;

/** What a file or message of this token holds; long enough to be torn, and different from first to last line. */
export function contentOf(token: string, lines = LINES): string {
  const numbered = Array.from({ length: lines }, (_, line) => `${line} ${token}\n`);
  return `begin ${token}\n${numbered.join("")}end ${token}\n`;
}

export const digestOf = (content: string) => createHash("sha256").update(content).digest("hex");
