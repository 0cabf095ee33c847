/** What a tool is: its face to the model and what it does in a workspace. */
import type { ContentBlock, ToolAnnotations } from "@modelcontextprotocol/server";
import type { z } from "zod";
import type { Workspace } from "./workspace.ts";

export interface ToolAnswer<Output> {
  structured: Output;
  /** What the model reads; default the structured answer as JSON. */
  content?: ContentBlock[];
}

export interface Tool<Input extends z.ZodType, Output extends z.ZodType> {
  name: string;
  title: string;
  description: string;
  input: Input;
  output: Output;
  annotations: ToolAnnotations;
  /** Throws ToolError when it cannot be done. `signal` is aborted when the client has gone. */
  run(
    workspace: Workspace,
    input: z.infer<Input>,
    signal: AbortSignal,
  ): Promise<ToolAnswer<z.infer<Output>>>;
}

/** Declares a tool; its types follow from its schemas. */
export function tool<Input extends z.ZodType, Output extends z.ZodType>(
  definition: Tool<Input, Output>,
): Tool<Input, Output> {
  return definition;
}
