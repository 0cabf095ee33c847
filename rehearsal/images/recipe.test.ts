import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { defaultImages } from "../../hub/images.ts";
import { authorityBundles, copyAuthorities, proxyBuildArgs } from "./machine-trust.ts";
import { imageOf, type Recipe } from "./recipe.ts";
import { dropletRecipes, serviceRecipes, versionIn } from "./recipes.ts";

describe("the key of an image", () => {
  const recipe: Recipe = {
    name: "valkey",
    bases: { TRIXIE: { name: "trixie", key: "1" } },
    args: { VERSION: "1" },
    extra: { key: "1", put: async () => {} },
  };

  test("stays when nothing changes, and changes with anything the image is made from", async () => {
    expect(await imageOf({ ...recipe })).toEqual(await imageOf(recipe));
    const others: Recipe[] = [
      { ...recipe, name: "nginx" },
      { ...recipe, bases: { TRIXIE: { name: "trixie", key: "2" } } },
      { ...recipe, bases: { BOOKWORM: { name: "trixie", key: "1" } } },
      { ...recipe, args: { VERSION: "2" } },
      { ...recipe, extra: { key: "2", put: async () => {} } },
    ];
    const keys = await Promise.all([recipe, ...others].map(async (it) => (await imageOf(it)).key));
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe("the recipes", () => {
  test("take their versions from the hub's own references", () => {
    expect(serviceRecipes.openWebui.args?.VERSION).toBe(versionIn(defaultImages.openWebui));
    expect(versionIn("ghcr.io/open-webui/open-webui:v0.12.4-slim")).toBe("0.12.4");
    expect(versionIn("localhost:5000/x/y:4.139.1")).toBe("4.139.1");
    expect(() => versionIn("nginx:latest")).toThrow(/names no version/);
  });

  test("name every argument that their Dockerfile takes", async () => {
    for (const recipe of [...Object.values(serviceRecipes), ...Object.values(dropletRecipes)]) {
      const file = join(import.meta.dirname, recipe.name, "Dockerfile");
      const taken = (await readFile(file, "utf8")).matchAll(/^ARG (\w+)/gm);
      const given = [...Object.keys(recipe.bases), ...Object.keys(recipe.args ?? {})];
      expect([...new Set([...taken].map(([, name]) => name))].sort()).toEqual(given.sort());
    }
  });

  test("hand certificate authorities to no stage that becomes an image", async () => {
    for (const recipe of [...Object.values(serviceRecipes), ...Object.values(dropletRecipes)]) {
      const file = join(import.meta.dirname, recipe.name, "Dockerfile");
      const stages = (await readFile(file, "utf8")).split(/^FROM /m);
      expect(stages.at(-1)).not.toContain("authorities");
    }
  });
});

describe("what a build gets from this machine", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "aihub-trust-test-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test("are the bundles that the environment names and that exist, each once", async () => {
    const bundle = join(folder, "bundle");
    await writeFile(bundle, "certificate");
    const env = {
      SSL_CERT_FILE: bundle,
      PIP_CERT: bundle,
      NODE_EXTRA_CA_CERTS: join(folder, "missing"),
    };
    expect(authorityBundles(env)).toEqual([bundle]);
    expect(authorityBundles({})).toEqual([]);
    await copyAuthorities(join(folder, "none"), {});
    expect(await readdir(join(folder, "none"))).toEqual([]);
    await copyAuthorities(join(folder, "some"), env);
    expect(await readFile(join(folder, "some", "0.pem"), "utf8")).toBe("certificate");
  });

  test("are the proxies that are set, by name only, so that no password shows in a process list", () => {
    const env = {
      https_proxy: "http://user:secret@proxy:3128",
      NO_PROXY: "localhost",
      http_proxy: "",
    };
    expect(proxyBuildArgs(env)).toEqual(["--build-arg", "https_proxy", "--build-arg", "NO_PROXY"]);
  });
});
