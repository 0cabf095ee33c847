/** Runs single tools on a real workspace. */
import { z } from "zod";
import type { Caller } from "../../src/access/caller.ts";
import type { Tool } from "../../src/tools/tool.ts";
import { explain } from "../../src/tools/tool-error.ts";
import { caller, type Opened } from "../workspace/opened.ts";

export interface Ran {
  /** All text blocks, one after the other. */
  text: string;
  content: { type: string; text?: string; data?: string; mimeType?: string }[];
  structured: Record<string, unknown>;
}

/** Runs a tool as the server does: arguments checked and completed, system errors in words. The answer fits its schema. */
export async function run<I extends z.ZodType, O extends z.ZodType>(
  opened: Opened,
  tool: Tool<I, O>,
  args: z.input<I>,
  labels: Partial<Caller> = {},
): Promise<Ran> {
  const context = {
    workspace: opened.workspace,
    walks: opened.walks,
    caller: caller(labels),
    signal: new AbortController().signal,
  };
  try {
    const answer = await tool.run(context, tool.input.parse(args));
    const structured = z.parse(tool.output, answer.structured) as Record<string, unknown>;
    const content = (answer.content ?? [
      { type: "text", text: JSON.stringify(structured) },
    ]) as Ran["content"];
    return { structured, content, text: content.map((block) => block.text ?? "").join("\n") };
  } catch (error) {
    throw explain(error, String((args as { path?: string }).path ?? ".")) ?? error;
  }
}
