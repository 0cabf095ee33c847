import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createProject } from "../../src/tools/create_project.ts";
import { diffTool } from "../../src/tools/diff.ts";
import { getProject } from "../../src/tools/get_project.ts";
import { historyTool } from "../../src/tools/history.ts";
import { listProjects } from "../../src/tools/list_projects.ts";
import { readCode } from "../../src/tools/read_code.ts";
import { readMany } from "../../src/tools/read_many.ts";
import { updateProject } from "../../src/tools/update_project.ts";
import { type Opened, openWorkspace } from "../workspace/opened.ts";
import { run } from "./running.ts";

let opened: Opened;
beforeEach(async () => {
  opened = await openWorkspace();
});
afterEach(() => opened.remove());

const project = (name: string) =>
  JSON.parse(readFileSync(opened.at(`${name}/project.json`), "utf8"));

describe("projects", () => {
  test("are created, listed, looked at and updated", async () => {
    await run(opened, createProject, { project: "shop", description: "A shop" });
    expect(project("shop")).toMatchObject({
      name: "shop",
      description: "A shop",
      ai_managed: true,
      created: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
    const listed = await run(opened, listProjects, {});
    expect(listed.text).toBe("blog\nshop [ai_managed]: A shop");
    expect(listed.structured).toEqual({ projects: ["blog", "shop"], total: 2 });
    await run(opened, updateProject, { project: "shop", ai_managed: false, tags: ["web"] });
    expect(project("shop")).toMatchObject({ description: "A shop", ai_managed: false });
    const seen = await run(opened, getProject, { project: "shop" });
    expect(seen.structured).toMatchObject({ name: "shop", ai_managed: false, entries: 1 });
    expect(seen.text).toMatch(/Entries: project.json[\s\S]*update_project shop\/project.json/);
  });

  test("a token sees its own only", async () => {
    mkdirSync(opened.at("api"));
    const listed = await run(opened, listProjects, {}, { projects: ["api", "gone"] });
    expect(listed.structured.projects).toEqual(["api"]);
  });

  test("where one is missing, a token is told of those that it reaches", async () => {
    mkdirSync(opened.at("api"));
    mkdirSync(opened.at("secret-merger"));
    const ghost = { project: "ghost" };
    const reaching = (...projects: string[]) => ({ projects: ["ghost", ...projects] });
    const file = { ...ghost, path: "a" };
    for (const told of [
      (labels: object) => run(opened, getProject, ghost, labels),
      (labels: object) => run(opened, readCode, file, labels),
      (labels: object) => run(opened, readMany, { ...ghost, paths: ["a"] }, labels),
      (labels: object) => run(opened, historyTool, ghost, labels),
      (labels: object) => run(opened, diffTool, file, labels),
    ]) {
      await expect(told(reaching("api"))).rejects.toThrow('no project "ghost"; known: api.');
      await expect(told(reaching())).rejects.toThrow('no project "ghost"; known: none.');
    }
  });

  test("a folder without project.json is one too, and gets one when it is described", async () => {
    expect((await run(opened, getProject, { project: "blog" })).text).toMatch(/No changes/);
    await run(opened, updateProject, { project: "blog", description: "mine" });
    expect(project("blog")).toMatchObject({ name: "blog", description: "mine" });
  });

  test("fields of others are kept, a broken file is not overwritten", async () => {
    writeFileSync(opened.at("blog/project.json"), '{"name":"B","x":{"y":1}}');
    await run(opened, updateProject, { project: "blog", description: "d" });
    expect(project("blog")).toMatchObject({ name: "B", description: "d", x: { y: 1 } });
    writeFileSync(opened.at("blog/project.json"), "{broken");
    await expect(run(opened, updateProject, { project: "blog", description: "e" })).rejects.toThrow(
      /not what a project file looks like/,
    );
    expect((await run(opened, listProjects, {})).text).toBe("blog");
  });

  test.each([
    ["blog", /exists already/],
    ["../x", /no name for a project/],
    [".hidden", /no name for a project/],
    ["a b", /no name for a project/],
    ["", /no name for a project/],
  ])("create_project %j is refused", async (name, message) => {
    await expect(run(opened, createProject, { project: name })).rejects.toThrow(message);
  });

  test("nothing to update is an error", async () => {
    await expect(run(opened, updateProject, { project: "blog" })).rejects.toThrow(/Nothing to/);
    await expect(run(opened, updateProject, { project: ".", tags: [] })).rejects.toThrow(
      /no project.json/,
    );
  });
});
