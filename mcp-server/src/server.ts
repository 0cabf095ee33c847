/** The MCP server of one request: all tools on one workspace. */
import { type CallToolResult, McpServer, type ServerContext } from "@modelcontextprotocol/server";
import type { z } from "zod";
import type { Tool } from "./tool.ts";
import { explain } from "./tool-error.ts";
import { tools } from "./tools/index.ts";
import type { Workspace } from "./workspace.ts";

export const serverInfo = {
  name: "aihub-workspace",
  title: "AI Hub workspace files",
  version: "0.1.0",
};

/** Cheap to make: the schemas are made once, with their modules. */
export function createServer(workspace: Workspace): McpServer {
  const server = new McpServer(serverInfo, {
    instructions:
      "Files of one workspace. All paths are relative to it. Look before you change: list_directory, search_files, read_file. Change a part of a file with edit_file, not write_file.",
  });
  for (const tool of tools)
    register(server, workspace, tool as unknown as Tool<z.ZodObject, z.ZodObject>);
  return server;
}

function register(
  server: McpServer,
  workspace: Workspace,
  tool: Tool<z.ZodObject, z.ZodObject>,
): void {
  server.registerTool(
    tool.name,
    {
      title: tool.title,
      description: tool.description,
      inputSchema: tool.input,
      outputSchema: tool.output,
      annotations: tool.annotations,
    },
    (input, context) => call(workspace, tool, input, context),
  );
}

async function call(
  workspace: Workspace,
  tool: Tool<z.ZodObject, z.ZodObject>,
  input: Record<string, unknown>,
  context: ServerContext,
): Promise<CallToolResult> {
  try {
    const { structured, content } = await tool.run(workspace, input, context.mcpReq.signal);
    return {
      content: content ?? [{ type: "text", text: JSON.stringify(structured) }],
      structuredContent: structured,
    };
  } catch (error) {
    const path = String(input.path ?? input.source ?? ".");
    return { content: [{ type: "text", text: message(error, tool.name, path) }], isError: true };
  }
}

function message(error: unknown, name: string, path: string): string {
  const explained = explain(error, path);
  if (explained) return explained.message;
  if (error instanceof Error && error.name === "AbortError") return `${name} was cancelled.`;
  process.stderr.write(`${name} failed: ${error instanceof Error ? error.stack : String(error)}\n`);
  return `${name} failed on "${path}" by a defect of the server; its log has the details.`;
}
