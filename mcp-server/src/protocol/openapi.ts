/** The same tools for clients that speak OpenAPI and not MCP: a document, and POST /tools/<name>. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { CallToolResult } from "@modelcontextprotocol/server";
import type { Caller } from "../access/caller.ts";
import { answer } from "../http/answer.ts";
import { parseBody } from "../http/body.ts";
import type { Outcome } from "../http/metrics.ts";
import { performCall, toolNamed } from "./call-tool.ts";
import type { Deps } from "./deps.ts";
import type { ServerIdentity } from "./fast-path.ts";
import { listTools } from "./tool-list.ts";

/** HTTP status of an answer. A tool that could not do it is 422: the request was right, the state of the files was not. */
const statuses: Record<Outcome, number> = {
  ok: 200,
  invalid: 400,
  denied: 403,
  error: 422,
  cancelled: 499,
  defect: 500,
};

const problem = (description: string) => ({
  description,
  content: { "application/json": { schema: { $ref: "#/components/schemas/Problem" } } },
});

/** The OpenAPI 3.1 document of the tools that the caller's scopes allow. */
export function openApiDocument(deps: Deps, caller: Caller, identity: ServerIdentity): object {
  const paths = Object.fromEntries(
    listTools(deps.tools, caller).map((tool) => [
      `/tools/${tool.name}`,
      {
        post: {
          operationId: tool.name,
          summary: tool.title,
          description: tool.description,
          requestBody: {
            required: true,
            content: { "application/json": { schema: tool.inputSchema } },
          },
          responses: {
            200: {
              description: "Done.",
              content: {
                "application/json": {
                  schema: {
                    type: "object",
                    required: ["result", "text"],
                    properties: {
                      result: tool.outputSchema,
                      text: { type: "string", description: "What a model reads." },
                      blocks: {
                        type: "array",
                        items: { type: "object" },
                        description: "Content that is no text, as MCP content blocks.",
                      },
                    },
                  },
                },
              },
            },
            400: problem("The arguments are not right, or the body is not JSON."),
            401: problem("No valid token."),
            403: problem("The token does not allow it."),
            413: problem("The body is too large."),
            422: problem("It cannot be done; the error says why and how to go on."),
            429: problem("Too fast; Retry-After says when to come again."),
          },
        },
      },
    ]),
  );
  return {
    openapi: "3.1.0",
    info: {
      title: identity.title ?? identity.name,
      version: identity.version,
      description: "The tools of the MCP endpoint /mcp, one POST each.",
    },
    servers: [{ url: "/" }],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
      schemas: {
        Problem: {
          type: "object",
          required: ["error"],
          properties: { error: { type: "string" } },
        },
      },
    },
  };
}

/** Answers POST /tools/<name>: an unknown tool with 404, the rest as `statuses` says. Rejects by a defect of the server only. */
export async function answerToolRequest(
  deps: Deps,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
  caller: Caller,
): Promise<void> {
  const tool = toolNamed(deps.tools, name);
  if (tool === undefined) {
    const known = listTools(deps.tools, caller).map((known) => known.name);
    answer(response, 404, {
      error: `There is no tool at this address; known: ${known.join(", ")}.`,
    });
    return;
  }
  const parsed = body.length === 0 ? { value: {} } : parseBody(body);
  if (parsed === undefined) {
    answer(response, 400, {
      error: `The body is not JSON. ${tool.name} takes an object of its arguments.`,
    });
    return;
  }
  const abort = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) abort.abort();
  });
  const { traceparent, tracestate, baggage } = request.headers;
  const call = { caller, signal: abort.signal, meta: { traceparent, tracestate, baggage } };
  const { outcome, result } = await performCall(deps, name, parsed.value, call);
  answer(response, statuses[outcome], outcome === "ok" ? shaped(result) : problemOf(result));
}

function shaped({ content, structuredContent }: CallToolResult): object {
  const blocks = content.filter((block) => block.type !== "text");
  return {
    result: structuredContent,
    text: textOf(content),
    ...(blocks.length > 0 && { blocks }),
  };
}

function problemOf({ content }: CallToolResult): object {
  return { error: textOf(content) };
}

function textOf(content: CallToolResult["content"]): string {
  return content.flatMap((block) => (block.type === "text" ? [block.text] : [])).join("\n");
}
