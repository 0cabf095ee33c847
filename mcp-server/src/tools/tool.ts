/** What a tool is: its face to the model and what it does. */
import type { ContentBlock, ToolAnnotations } from "@modelcontextprotocol/server";
import type { z } from "zod";
import type { Caller, Scope } from "../access/caller.ts";
import type { OpenWebui } from "../open-webui/open-webui.ts";
import type { Walks } from "../search/walks.ts";
import type { Workspace } from "../workspace/workspace.ts";

/** Everything a running call may use. */
export interface CallContext {
  workspace: Workspace;
  walks: Walks;
  caller: Caller;
  /** Aborted when the client has gone or has cancelled. */
  signal: AbortSignal;
  /** Tells a client that asked for it how far the call is; `total` where it is known. */
  progress?: (done: number, total: number | undefined, message: string) => void;
  /** Missing where no API key is configured. */
  openWebui?: OpenWebui;
}

export interface ToolAnswer<Output> {
  structured: Output;
  /** What the model reads; default the structured answer as JSON. */
  content?: ContentBlock[];
}

export interface Tool<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  name: string;
  title: string;
  description: string;
  /** What the caller's token must allow. */
  scope: Scope;
  /** Works on what belongs to no project, so only for tokens that reach all of them. Default false. */
  beyondProjects?: boolean;
  input: Input;
  output: Output;
  annotations: ToolAnnotations;
  /** Throws ToolError when it cannot be done. May answer at once: then the call costs no promise. */
  run(
    context: CallContext,
    input: z.infer<Input>,
  ): ToolAnswer<z.infer<Output>> | Promise<ToolAnswer<z.infer<Output>>>;
}

/** Declares a tool; its types follow from its schemas. */
export function tool<Input extends z.ZodType, Output extends z.ZodType>(
  definition: Tool<Input, Output>,
): Tool<Input, Output> {
  return definition;
}
