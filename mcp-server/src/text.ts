/** Files as text: what is text, how its lines end, which line an offset is on. */
import { ToolError } from "./tools/tool-error.ts";

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes looked at to tell text from binary. */
export const SNIFFED = 8192;

export function looksBinary(head: Uint8Array): boolean {
  return head.subarray(0, SNIFFED).includes(0);
}

/** Decodes a whole file with its byte order mark kept. Throws ToolError when it is no UTF-8 text. */
export function decodeText(content: Uint8Array, path: string): string {
  if (looksBinary(content)) throw notText(path);
  try {
    return strict.decode(content);
  } catch {
    throw notText(path);
  }
}

export function notText(path: string): ToolError {
  return new ToolError(
    `"${path}" is not UTF-8 text. Read it with encoding "base64"; write_code with encoding "base64" replaces it whole.`,
  );
}

export type LineEnding = "lf" | "crlf" | "mixed" | "none";

export function lineEnding(text: string): LineEnding {
  const all = count(text, "\n");
  if (all === 0) return "none";
  const crlf = count(text, "\r\n");
  if (crlf === 0) return "lf";
  return crlf === all ? "crlf" : "mixed";
}

/** Number of the line that holds the offset; the first is 1. */
export function lineAt(text: string, offset: number): number {
  return count(text.slice(0, offset), "\n") + 1;
}

function count(text: string, part: string): number {
  let number = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) number++;
  return number;
}
