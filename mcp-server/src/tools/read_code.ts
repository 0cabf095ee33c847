import { createHash } from "node:crypto";
import { read, readSync } from "node:fs";
import { promisify } from "node:util";
import type { ContentBlock } from "@modelcontextprotocol/server";
import { z } from "zod";
import { limits } from "../limits.ts";
import { binaryTypeOf } from "../protocol/media-type.ts";
import { resourceUri } from "../protocol/resource-uri.ts";
import { decodeText, type LineEnding, lineEnding, looksBinary, notText } from "../text.ts";
import type { OpenFile } from "../workspace/confinement.ts";
import { atPlace, pathArgument, projectArgument } from "./place.ts";
import { type CallContext, type ToolAnswer, tool } from "./tool.ts";
import { ToolError } from "./tool-error.ts";

/** Files up to this size are read at once; larger ones in pieces, so that other callers get their turn. */
const AT_ONCE = 64 * 1024;
const NEWLINE = 10;
const readPiece = promisify(read);

const input = z.strictObject({
  project: projectArgument,
  path: pathArgument,
  offset: z.int().min(0).optional().describe("First line (1), or byte (0) with base64."),
  limit: z.int().min(1).optional().describe("Lines, or bytes with base64."),
  line_numbers: z.boolean().default(true),
  encoding: z.enum(["text", "base64"]).default("text"),
});
const output = z.object({
  etag: z.string(),
  size: z.int(),
  total_lines: z.int().optional(),
  first_line: z.int().optional(),
  last_line: z.int().optional(),
  next_offset: z.int().optional(),
  line_ending: z.string().optional(),
});

type Input = z.infer<typeof input>;
type Answer = ToolAnswer<z.infer<typeof output>>;

export const readCode = tool({
  name: "read_code",
  title: "Read a file",
  description: `Reads a text file, each line as "number<TAB>text"; at most ${limits.readLines} lines or ${limits.readText / 1024} KiB, go on at next_offset. Any file as base64. The etag guards later writes (if_match).`,
  scope: "read",
  input,
  output,
  annotations: { readOnlyHint: true, openWorldHint: false },
  run: (context, args) =>
    atPlace(context, args.project, args.path, (place) => {
      const file = context.workspace.files.file(place);
      if (args.encoding === "base64" || file.stats.size > AT_ONCE)
        return readLarge(context, file, args).finally(() => file[Symbol.dispose]());
      try {
        const { bytes, etag } = context.workspace.contentOf(file, AT_ONCE);
        const text = decodeText(bytes, file.path);
        return lines(file.path, text, etag, bytes.length, countLines(text), args);
      } finally {
        file[Symbol.dispose]();
      }
    }),
});

function lines(
  path: string,
  text: string,
  etag: string,
  size: number,
  total: number,
  args: Input,
): Answer {
  const first = Math.max(1, args.offset ?? 1);
  const wanted = Math.min(args.limit ?? limits.readLines, limits.readLines);
  if (first > 1 && first > total) throw noLine(path, first, total);
  const last = Math.min(first + wanted - 1, total);
  const start = lineStart(text, 0, first - 1);
  const end = last === total ? text.length : lineStart(text, start, last - first + 1);
  const part = start === 0 && end === text.length ? text : text.slice(start, end);
  return answer(part, first, last, total, etag, size, lineEnding(text), args);
}

function answer(
  part: string,
  first: number,
  last: number,
  total: number,
  etag: string,
  size: number,
  ending: LineEnding,
  args: Input,
): Answer {
  const shown = args.line_numbers ? numbered(part, first) : part;
  const more = last < total;
  const content: ContentBlock[] = [{ type: "text", text: shown }];
  if (more) {
    content.push({
      type: "text",
      text: `[lines ${first}-${last} of ${total}; go on with offset ${last + 1}]`,
    });
  }
  return {
    content,
    structured: {
      etag,
      size,
      total_lines: total,
      ...(last >= first ? { first_line: first, last_line: last } : {}),
      ...(more ? { next_offset: last + 1 } : {}),
      line_ending: ending,
    },
  };
}

function numbered(text: string, first: number): string {
  if (text === "") return "";
  let shown = "";
  let number = first;
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf("\n", at);
    const end = newline < 0 ? text.length : newline + 1;
    shown += `${number++}\t${text.slice(at, end)}`;
    at = end;
  }
  return shown;
}

function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count++;
  return text === "" || text.endsWith("\n") ? count : count + 1;
}

/** Offset of the line that lies `skip` lines behind the one at `from`. */
function lineStart(text: string, from: number, skip: number): number {
  let at = from;
  for (let line = 0; line < skip; line++) at = text.indexOf("\n", at) + 1;
  return at;
}

async function readLarge(context: CallContext, file: OpenFile, args: Input): Promise<Answer> {
  return args.encoding === "base64"
    ? readBytes(context, file, args)
    : readLines(context, file, args);
}

async function readBytes(context: CallContext, file: OpenFile, args: Input): Promise<Answer> {
  const { size } = file.stats;
  const offset = args.offset ?? 0;
  const length = Math.min(args.limit ?? size, size - offset);
  if (offset > size) throw new ToolError(`"${file.path}" has ${size} bytes, no byte ${offset}.`);
  if (length > limits.readBinary) {
    throw new ToolError(
      `"${file.path}" has ${size} bytes; at most ${limits.readBinary} are given at once. Ask for parts with offset and limit.`,
    );
  }
  const bytes = Buffer.allocUnsafe(length);
  const filled = readSync(file.fd, bytes, 0, length, offset);
  const data = bytes.subarray(0, filled).toString("base64");
  const whole = offset === 0 && filled === size;
  const next = offset + filled;
  return {
    content: [whole ? block(file.path, data) : { type: "text", text: data }],
    structured: {
      etag: context.workspace.etag(file.path),
      size,
      ...(next < size ? { next_offset: next } : {}),
    },
  };
}

/** A whole file the way a client can show it. */
function block(path: string, data: string): ContentBlock {
  const mimeType = binaryTypeOf(path);
  if (mimeType.startsWith("image/")) return { type: "image", data, mimeType };
  if (mimeType.startsWith("audio/")) return { type: "audio", data, mimeType };
  return { type: "resource", resource: { uri: resourceUri(path), mimeType, blob: data } };
}

/** Reads through the file in pieces: its size does not matter to the memory that is used. */
async function readLines(context: CallContext, file: OpenFile, args: Input): Promise<Answer> {
  const { path, stats } = file;
  const first = Math.max(1, args.offset ?? 1);
  let last = first + Math.min(args.limit ?? limits.readLines, limits.readLines) - 1;
  const buffer = Buffer.allocUnsafe(AT_ONCE);
  const hash = createHash("sha256");
  const kept: Buffer[] = [];
  let keptBytes = 0;
  /** Line that the next byte belongs to, and how many of its bytes are kept. */
  let line = 1;
  let lineBytes = 0;
  let position = 0;
  let endsWithNewline = false;
  let cut = false;
  for (;;) {
    context.signal.throwIfAborted();
    const { bytesRead } = await readPiece(file.fd, buffer, 0, AT_ONCE, position);
    if (bytesRead === 0) break;
    const piece = buffer.subarray(0, bytesRead);
    if (position === 0 && looksBinary(piece)) throw notText(path);
    if (stats.size <= limits.write) hash.update(piece);
    for (let start = 0; start < bytesRead; ) {
      const newline = piece.indexOf(NEWLINE, start);
      const end = newline < 0 ? bytesRead : newline + 1;
      if (line >= first && line <= last) {
        if (keptBytes + (end - start) <= limits.readText) {
          kept.push(Buffer.from(piece.subarray(start, end)));
          keptBytes += end - start;
          lineBytes += end - start;
        } else if (line === first) {
          // One line alone is too long: its beginning is better than nothing.
          kept.push(Buffer.from(piece.subarray(start, start + limits.readText - keptBytes)));
          cut = true;
          last = line - 1;
        } else {
          // Only whole lines are answered: what is kept of this one is given back.
          for (; lineBytes > 0; ) {
            const back = kept.pop() as Buffer;
            lineBytes -= back.length;
            keptBytes -= back.length;
          }
          last = line - 1;
        }
      }
      if (newline >= 0) {
        line++;
        lineBytes = 0;
      }
      start = end;
    }
    position += bytesRead;
    endsWithNewline = piece[bytesRead - 1] === NEWLINE;
  }
  const total = position === 0 ? 0 : endsWithNewline ? line - 1 : line;
  if (first > 1 && first > total) throw noLine(path, first, total);
  const etag = stats.size <= limits.write ? hash.digest("hex") : context.workspace.etag(path);
  const bytes = Buffer.concat(kept);
  if (cut) {
    const shown = answer(withoutHalf(bytes), first, first, total, etag, stats.size, "none", args);
    shown.content?.push({
      type: "text",
      text: `[line ${first} is longer than the ${limits.readText} bytes of an answer and was cut; search_code finds parts of it, encoding "base64" with offset and limit gives its bytes]`,
    });
    return shown;
  }
  const text = decodeText(bytes, path);
  return answer(
    text,
    first,
    Math.min(last, total),
    total,
    etag,
    stats.size,
    lineEnding(text),
    args,
  );
}

/** Text up to the last whole character. */
function withoutHalf(bytes: Buffer): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes, { stream: true });
}

function noLine(path: string, line: number, total: number): ToolError {
  return new ToolError(`"${path}" has ${total} lines; there is no line ${line}.`);
}
