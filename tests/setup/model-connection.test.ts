import { describe, expect, it } from "vitest";
import { modelSettings } from "../../setup/model-connection.ts";

const fresh = {
  "openai.enable": false,
  "openai.api_base_urls": ["https://api.openai.com/v1"],
  "openai.api_keys": [""],
  "openai.api_configs": {},
};
const model = { url: "https://models.example.org/v1", key: "k" };

describe("the hub's model connection", () => {
  it("takes the place of the one to nowhere that Open WebUI starts with", () => {
    expect(modelSettings(fresh, model, undefined)).toEqual({
      "openai.enable": true,
      "openai.api_base_urls": [model.url],
      "openai.api_keys": ["k"],
      "openai.api_configs": { "0": { enable: true } },
    });
  });

  it("is left alone where the hub has and had none", () => {
    expect(modelSettings(fresh, undefined, undefined)).toEqual({});
  });

  const others = {
    "openai.enable": true,
    "openai.api_base_urls": ["http://a", model.url, "http://b"],
    "openai.api_keys": ["ka", "k", "kb"],
    "openai.api_configs": {
      "0": { enable: true, prefix_id: "a" },
      "1": { enable: true, tags: ["kept"] },
      "2": { enable: false },
    },
  };

  it("changes nothing when all is as it should be", () => {
    expect(modelSettings(others, model, model.url)).toEqual(others);
    expect(modelSettings(others, model, undefined)).toEqual(others);
  });

  it("is replaced in its place, others keep theirs and their options", () => {
    expect(modelSettings(others, { url: "http://new", key: "n" }, model.url)).toEqual({
      ...others,
      "openai.api_base_urls": ["http://a", "http://new", "http://b"],
      "openai.api_keys": ["ka", "n", "kb"],
    });
  });

  it("is removed when the hub names none any more, others move up with their options", () => {
    expect(modelSettings(others, undefined, model.url)).toEqual({
      "openai.enable": true,
      "openai.api_base_urls": ["http://a", "http://b"],
      "openai.api_keys": ["ka", "kb"],
      "openai.api_configs": { "0": { enable: true, prefix_id: "a" }, "1": { enable: false } },
    });
  });

  it("that was removed in the chat meanwhile costs no other one its place", () => {
    const now = {
      ...others,
      "openai.api_base_urls": ["http://a", "http://b"],
      "openai.api_keys": ["ka", "kb"],
    };
    expect(modelSettings(now, undefined, model.url)["openai.api_base_urls"]).toEqual([
      "http://a",
      "http://b",
    ]);
  });

  it("that was the only one leaves the API switched off", () => {
    const now = modelSettings(fresh, model, undefined);
    expect(modelSettings(now, undefined, model.url)).toMatchObject({
      "openai.enable": false,
      "openai.api_base_urls": [],
    });
  });
});
