/** What a client sees of the tools. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { openWebuiTools } from "../src/open-webui/tools/index.ts";
import { compactSchema, listTools } from "../src/protocol/tool-list.ts";
import { tools } from "../src/tools/index.ts";
import type { Tool } from "../src/tools/tool.ts";
import { caller, fakeTools } from "./fake-tools.ts";

describe("the list", () => {
  it("has what the caller's scopes allow, in its order, made once", () => {
    const names = (scopes: Parameters<typeof caller>[0]) =>
      listTools(fakeTools, caller(scopes)).map(({ name }) => name);
    expect(names(["read"])).toEqual(["read", "wait"]);
    expect(names(["write", "read"])).toEqual(["read", "write", "wait"]);
    expect(names([])).toEqual([]);
    expect(listTools(fakeTools, caller(["read", "write"]))).toBe(
      listTools(fakeTools, caller(["write", "read"])),
    );
  });
  it("of all tools takes no more than 16 KiB of a conversation", () => {
    const list = listTools(
      tools as unknown as readonly Tool[],
      caller(["read", "write", "delete", "self-modify"]),
    );
    const sizes = list.map((tool) => `${tool.name} ${Buffer.byteLength(JSON.stringify(tool))}`);
    expect(
      Buffer.byteLength(JSON.stringify({ tools: list })),
      sizes.join("\n"),
    ).toBeLessThanOrEqual(16_384);
  });
});

it("has no list among the arguments without a limit", () => {
  const all = [...tools, ...openWebuiTools] as readonly Tool[];
  const lists = all.flatMap(({ name, input }) =>
    Object.entries(compactSchema(input, "input").properties ?? {})
      .filter(([, argument]) => typeof argument === "object" && argument.type === "array")
      .map(([key, argument]) => [`${name} ${key}`, (argument as { maxItems?: number }).maxItems]),
  );
  expect(Object.fromEntries(lists)).toEqual({
    "read_many paths": 100,
    "edit_code edits": 100,
    "update_project tags": 50,
  });
});

describe("a schema", () => {
  it("is left without what tells a model nothing", () => {
    const input = z.strictObject({
      count: z.int().min(1).default(3).describe("How many."),
      deep: z.array(z.strictObject({ any: z.int().optional() })),
      table: z.record(z.string(), z.int()).optional(),
    });
    expect(compactSchema(input, "input")).toEqual({
      type: "object",
      required: ["deep"],
      properties: {
        count: { type: "integer", minimum: 1, default: 3, description: "How many." },
        deep: {
          type: "array",
          items: { type: "object", properties: { any: { type: "integer" } } },
        },
        table: { type: "object", additionalProperties: { type: "integer" } },
      },
    });
  });
  it("keeps properties that are called as keywords are", () => {
    const input = z.strictObject({
      required: z.boolean(),
      minimum: z.int(),
      additionalProperties: z.string(),
    });
    expect(Object.keys(compactSchema(input, "input").properties ?? {})).toEqual([
      "required",
      "minimum",
      "additionalProperties",
    ]);
  });
});
