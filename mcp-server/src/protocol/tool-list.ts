/** The face of the tools: compact JSON Schemas, made once. */
import type { Tool as ListedTool } from "@modelcontextprotocol/server";
import { z } from "zod";
import { type Caller, scopes } from "../access/caller.ts";
import type { Tool } from "../tools/tool.ts";

type JsonSchema = z.core.JSONSchema.JSONSchema;

const lists = new WeakMap<readonly Tool[], Map<string, ListedTool[]>>();

/** The tools that the caller's token allows, in their fixed order. The same list each time: not to be changed. */
export function listTools(tools: readonly Tool[], caller: Caller): ListedTool[] {
  let known = lists.get(tools);
  if (known === undefined) {
    known = new Map();
    lists.set(tools, known);
  }
  const allowed = scopes.filter((scope) => caller.scopes.has(scope));
  const everywhere = caller.projects === "all";
  const key = `${allowed.join(" ")} ${everywhere}`;
  let list = known.get(key);
  if (list === undefined) {
    list = tools
      .filter((tool) => caller.scopes.has(tool.scope) && (everywhere || !tool.beyondProjects))
      .map(listed);
    known.set(key, list);
  }
  return list;
}

const faces = new WeakMap<Tool, ListedTool>();

/** The face of one tool. */
export function listed(tool: Tool): ListedTool {
  let face = faces.get(tool);
  if (face === undefined) {
    face = {
      name: tool.name,
      title: tool.title,
      description: tool.description,
      inputSchema: compactSchema(tool.input, "input") as ListedTool["inputSchema"],
      outputSchema: compactSchema(tool.output, "output") as ListedTool["outputSchema"],
      annotations: tool.annotations,
    };
    faces.set(tool, face);
  }
  return face;
}

/** Every token of it is paid for in each conversation: what tells a model nothing is left out. */
export function compactSchema(schema: z.ZodType, io: "input" | "output"): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return { ...(compact(rest, true) as JsonSchema), type: "object" };
}

/** `schema`: whether keywords are in this place, not names of properties. */
function compact(value: unknown, schema: boolean): unknown {
  if (Array.isArray(value)) return value.map((item) => compact(item, schema));
  if (value === null || typeof value !== "object") return value;
  const kept: Record<string, unknown> = {};
  for (const [key, part] of Object.entries(value)) {
    if (!schema) kept[key] = compact(part, true);
    else if (!isNoise(key, part)) {
      const named = key === "properties" || key === "$defs";
      const data = key === "default" || key === "enum" || key === "const" || key === "examples";
      kept[key] = data ? part : compact(part, !named);
    }
  }
  return kept;
}

function isNoise(key: string, part: unknown): boolean {
  if (key === "additionalProperties") return part === false || isEmpty(part);
  if (key === "propertyNames") return true;
  if (key === "minimum") return part === Number.MIN_SAFE_INTEGER;
  if (key === "maximum") return part === Number.MAX_SAFE_INTEGER;
  if (key === "required") return Array.isArray(part) && part.length === 0;
  return key === "readOnly";
}

function isEmpty(part: unknown): boolean {
  return part !== null && typeof part === "object" && Object.keys(part).length === 0;
}
