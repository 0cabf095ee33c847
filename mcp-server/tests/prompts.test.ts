import type { Client } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { prompts } from "../src/protocol/prompts.ts";
import { type ProtocolServing, serveProtocol } from "./protocol-serving.ts";

let serving: ProtocolServing;
let client: Client;

beforeAll(async () => {
  serving = await serveProtocol();
  serving.put("blog/src/deep/a.ts", "");
  client = await serving.connect();
});
afterAll(() => serving.stop());

const example: Record<string, string> = {
  project: "blog",
  goal: "a weblog",
  path: "src",
  change: "42",
};

it("lists three prompts", async () => {
  const listed = (await client.listPrompts()).prompts;
  expect(listed.map(({ name }) => name)).toEqual([
    "start_project",
    "review_change",
    "explain_tree",
  ]);
  expect(listed[0]?.arguments?.[0]).toEqual({
    name: "project",
    description: "Name of the new project's folder",
    required: true,
  });
});

it.each(prompts.map(({ name }) => name))("%s holds what was given", async (name) => {
  const prompt = prompts.find((one) => one.name === name);
  const given = Object.fromEntries(
    (prompt?.arguments ?? []).map((argument) => [argument.name, example[argument.name] ?? ""]),
  );
  const { messages } = await client.getPrompt({ name, arguments: given });
  const [message] = messages;
  const text = message?.content.type === "text" ? message.content.text : "";
  for (const value of Object.values(given)) expect(text).toContain(value);
});

it("names only tools that there are", async () => {
  const tools = (await client.listTools()).tools.map(({ name }) => name);
  const texts = [
    ...prompts.flatMap((prompt) => [prompt.text(example), prompt.text({ project: "blog" })]),
    client.getInstructions() ?? "",
  ];
  const named = texts.flatMap((text) => [...text.matchAll(/`([a-z]+_?[a-z]*)`/g)].map((m) => m[1]));
  const words = new Set(
    named.filter((name) => !["project", "path", "if_match"].includes(name ?? "")),
  );
  expect(words.size).toBeGreaterThan(8);
  for (const word of words) expect(tools).toContain(word);
});

it.each([
  ["nothing", {}, /no prompt "nothing"; known: start_project, review_change, explain_tree/],
  ["explain_tree", {}, /explain_tree needs the argument "project"/],
  ["explain_tree", { project: " " }, /needs the argument "project"/],
  ["explain_tree", { project: "a", colour: "x" }, /no argument "colour"; it takes: project, path/],
  ["start_project", { project: "a", goal: "x".repeat(4001) }, /4001 characters/],
])("refuses %s %j", async (name, given, message) => {
  await expect(client.getPrompt({ name, arguments: given })).rejects.toMatchObject({
    code: -32602,
    message: expect.stringMatching(message),
  });
});

it("completes arguments", async () => {
  const values = async (name: string, argument: string, value: string, project?: string) =>
    (
      await client.complete({
        ref: { type: "ref/prompt", name },
        argument: { name: argument, value },
        ...(project && { context: { arguments: { project } } }),
      })
    ).completion.values;
  expect(await values("explain_tree", "project", "b")).toEqual(["blog"]);
  expect(await values("explain_tree", "path", "src/", "blog")).toEqual(["src/deep/"]);
  expect(await values("start_project", "goal", "a")).toEqual([]);
  await client.callTool({
    name: "write_code",
    arguments: { project: "blog", path: "b.ts", content: "x" },
  });
  expect(await values("review_change", "change", "", "blog")).toHaveLength(1);
  await expect(values("nothing", "a", "")).rejects.toMatchObject({ code: -32602 });
});
