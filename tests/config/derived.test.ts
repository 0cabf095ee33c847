import { readFile } from "node:fs/promises";
import { load } from "js-yaml";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../config/parse.ts";
import { secretsSchema, settingsSchema } from "../../config/schema.ts";
import { derivedTexts } from "../../scripts/docs/derived.ts";

const keys = [...Object.keys(settingsSchema.shape), ...Object.keys(secretsSchema.shape)];

describe("what is derived from the settings schema", () => {
  it("is up to date in Pulumi.yaml and README.md", async () => {
    for (const { path, text } of await derivedTexts()) {
      expect(await readFile(path, "utf8"), `${path}: npm run docs writes it`).toBe(text);
    }
  });

  it("declares every setting to the engine, described and typed", async () => {
    const project = load(await readFile("Pulumi.yaml", "utf8")) as {
      config: Record<string, { type: string; description: string }>;
    };
    expect(Object.keys(project.config)).toEqual(keys);
    for (const [key, { type, description }] of Object.entries(project.config)) {
      expect(["string", "integer", "array", "object"], key).toContain(type);
      expect(description.length, key).toBeGreaterThan(10);
    }
    expect(project.config.hostGeneration?.type).toBe("integer");
    expect(project.config.adminCidrs?.type).toBe("array");
  });
});

describe("Pulumi.prod.yaml", () => {
  it("is a sound configuration of aihub.instabids.ai", async () => {
    const { config } = load(await readFile("Pulumi.prod.yaml", "utf8")) as {
      config: Record<string, unknown>;
    };
    const raw = Object.fromEntries(
      Object.entries(config).map(([key, value]) => [
        key.replace("aihub:", ""),
        typeof value === "object" ? JSON.stringify(value) : String(value),
      ]),
    );
    const { settings } = parseConfig(raw);
    expect(`${settings.subdomain}.${settings.domain}`).toBe("aihub.instabids.ai");
    expect(settings).toMatchObject({ size: "s-2vcpu-4gb", region: "nyc3", image: "docker-20-04" });
  });
});
