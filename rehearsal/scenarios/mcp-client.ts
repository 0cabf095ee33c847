/** The hub's MCP endpoint by the official client, as other programs reach it. */
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { httpsFetch, type Outputs } from "./hub.ts";

/** @param secret of a token @param fetch default: as the hub is asked everywhere */
export async function connectMcp(
  to: Outputs,
  secret: string,
  fetch: ReturnType<typeof httpsFetch> = httpsFetch(to),
): Promise<Client> {
  const client = new Client({ name: "rehearsal", version: "1.0.0" });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(to.mcpUrl), {
      fetch,
      requestInit: { headers: { Authorization: `Bearer ${secret}` } },
    }),
  );
  return client;
}

export type ToolLine = (
  tool: string,
  args: Record<string, unknown>,
  /** Milliseconds to wait for the answer. Default: the line's. */
  patience?: number,
) => ReturnType<Client["callTool"]>;

/**
 * Calls tools by one client, connected anew after whatever went wrong, as clients do. A tool that refuses is an answer.
 * @param usual milliseconds that a call waits for its answer where it says nothing else
 */
export function toolLine(connect: () => Promise<Client>, usual: number): ToolLine {
  let client: Client | undefined;
  return async (tool, args, patience = usual) => {
    try {
      client ??= await connect();
      return await client.callTool({ name: tool, arguments: args }, { timeout: patience });
    } catch (error) {
      const gone = client;
      client = undefined;
      void gone?.close().catch(() => {});
      throw error;
    }
  };
}
