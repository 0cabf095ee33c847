/** What the tools of Open WebUI share. */
import { z } from "zod";
import type { CallContext } from "../../tools/tool.ts";
import { ToolError } from "../../tools/tool-error.ts";
import type { OpenWebui } from "../open-webui.ts";

/** Throws ToolError where no key is configured. */
export function openWebuiOf(context: CallContext): OpenWebui {
  if (context.openWebui) return context.openWebui;
  throw new ToolError("No Open WebUI is configured for this server.");
}

/** Name of Python code in Open WebUI. Throws ToolError when it is no identifier, which Open WebUI would refuse later. */
export function checkIdentifier(id: string): void {
  if (!/^[a-z_][a-z0-9_]{0,99}$/.test(id)) {
    throw new ToolError(
      `"${id.slice(0, 100)}" is no id: use lower-case letters, digits and "_", not beginning with a digit.`,
    );
  }
}

/** Arguments that make a function or a tool. */
export const codeArguments = z.strictObject({
  id: z.string().describe("Python identifier."),
  name: z.string().min(1).max(200),
  description: z.string().max(2000).default(""),
  code: z
    .string()
    .min(1)
    .max(512 * 1024),
});

export const listed = z.object({ count: z.int() });

/** One line per item, or what to say when there is none. */
export function lines(items: string[], none: string) {
  return {
    content: [{ type: "text" as const, text: items.join("\n") || none }],
    structured: { count: items.length },
  };
}

export const reading = { readOnlyHint: true, openWorldHint: false } as const;
export const making = {
  readOnlyHint: false,
  destructiveHint: false,
  openWorldHint: false,
} as const;
