import type { FileHandle } from "node:fs/promises";
import { z } from "zod";
import { limits } from "../limits.ts";
import { decodeText, lineEnding, looksBinary, notText } from "../text.ts";
import { tool } from "../tool.ts";
import { ToolError } from "../tool-error.ts";
import { pathArgument } from "./path-argument.ts";

const CHUNK = 64 * 1024;
const NEWLINE = 10;

export const readFile = tool({
  name: "read_file",
  title: "Read a file",
  description: `Reads a text file (UTF-8), whole or some of its lines. At most ${limits.readLines} lines or ${limits.readText / 1024} KiB an answer: the answer says which lines of how many it holds, go on with offset. With encoding "base64" any file up to ${limits.readBinary / 1024 / 1024} MiB, whole.`,
  input: z.strictObject({
    path: pathArgument,
    offset: z.int().min(1).default(1).describe("First line to read; lines are counted from 1."),
    limit: z
      .int()
      .min(1)
      .max(limits.readLines)
      .default(limits.readLines)
      .describe("Number of lines."),
    encoding: z.enum(["text", "base64"]).default("text"),
  }),
  output: z.object({
    path: z.string(),
    size: z.int().describe("Bytes of the whole file."),
    firstLine: z.int().optional(),
    lastLine: z.int().optional(),
    totalLines: z.int().optional(),
    nextOffset: z
      .int()
      .optional()
      .describe("Offset to go on with; missing at the end of the file."),
    lineEnding: z.enum(["lf", "crlf", "mixed", "none"]).optional(),
  }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  run: (workspace, { path, offset, limit, encoding }, signal) =>
    workspace.withFile(path, async (file, stats, real) => {
      if (encoding === "base64") {
        if (stats.size > limits.readBinary) {
          throw new ToolError(
            `"${path}" has ${stats.size} bytes, more than the ${limits.readBinary} that can be read as base64.`,
          );
        }
        const content = await file.readFile();
        return {
          structured: { path: real, size: content.length },
          content: [{ type: "text", text: content.toString("base64") }],
        };
      }
      const lines = await readLines(file, path, offset, limit, signal);
      if (offset > 1 && offset > lines.total) {
        throw new ToolError(`"${path}" has ${lines.total} lines; there is no line ${offset}.`);
      }
      const lastLine = offset + lines.taken - 1;
      const more = lastLine < lines.total;
      const notes = more
        ? [
            {
              type: "text" as const,
              text: `[lines ${offset}-${lastLine} of ${lines.total}; go on with offset ${lastLine + 1}]`,
            },
          ]
        : [];
      return {
        structured: {
          path: real,
          size: stats.size,
          ...(lines.taken > 0 ? { firstLine: offset, lastLine } : {}),
          totalLines: lines.total,
          ...(more ? { nextOffset: lastLine + 1 } : {}),
          lineEnding: lineEnding(lines.text),
        },
        content: [{ type: "text", text: lines.text }, ...notes],
      };
    }),
});

/** Reads through the file in pieces: its size does not matter to the memory that is used. */
async function readLines(
  file: FileHandle,
  path: string,
  offset: number,
  limit: number,
  signal: AbortSignal,
) {
  const buffer = Buffer.allocUnsafe(CHUNK);
  const kept: Buffer[] = [];
  let keptBytes = 0;
  let lastLine = offset + limit - 1;
  /** Line that the next byte belongs to. */
  let line = 1;
  /** Bytes kept of the line being read. */
  let lineBytes = 0;
  let position = 0;
  let endsWithNewline = false;
  for (;;) {
    signal.throwIfAborted();
    const { bytesRead } = await file.read(buffer, 0, CHUNK, position);
    if (bytesRead === 0) break;
    const chunk = buffer.subarray(0, bytesRead);
    if (position === 0 && looksBinary(chunk)) throw notText(path);
    for (let start = 0; start < bytesRead; ) {
      const newline = chunk.indexOf(NEWLINE, start);
      const end = newline < 0 ? bytesRead : newline + 1;
      if (line >= offset && line <= lastLine) {
        if (keptBytes + (end - start) > limits.readText) {
          if (line === offset) throw tooLong(path, line);
          // The line that no longer fits is given back: only whole lines are answered.
          while (lineBytes > 0) {
            const piece = kept.pop() as Buffer;
            lineBytes -= piece.length;
            keptBytes -= piece.length;
          }
          lastLine = line - 1;
        } else {
          kept.push(Buffer.from(chunk.subarray(start, end)));
          keptBytes += end - start;
          lineBytes += end - start;
        }
      }
      if (newline >= 0) {
        line++;
        lineBytes = 0;
      }
      start = end;
    }
    position += bytesRead;
    endsWithNewline = chunk[bytesRead - 1] === NEWLINE;
  }
  const total = position === 0 ? 0 : endsWithNewline ? line - 1 : line;
  return {
    text: decodeText(Buffer.concat(kept), path),
    taken: Math.max(0, Math.min(lastLine, total) - offset + 1),
    total,
  };
}

function tooLong(path: string, line: number): ToolError {
  return new ToolError(
    `Line ${line} of "${path}" is longer than the ${limits.readText} bytes of an answer. Look for the part you need with search_files, or read the file with encoding "base64".`,
  );
}
