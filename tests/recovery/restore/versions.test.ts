import { expect, it } from "vitest";
import { checkVersions, compareVersions } from "../../../recovery/restore/versions.ts";

it.each([
  ["v0.12.4-slim", "v0.12.4", 0],
  ["v0.12.4", "0.12.10-slim", -1],
  ["0.9.0", "v0.12.0", -1],
  ["v1.0", "v0.99.99", 1],
  ["v0.12.5-slim", "v0.12.4-slim", 1],
  ["main", "v0.12.4", undefined],
  ["main", "main", 0],
  ["", "v0.12.4", undefined],
])("%s beside %s", (a, b, order) => {
  const found = compareVersions(a, b);
  expect(found === undefined ? undefined : Math.sign(found)).toBe(order);
});

it("refuses what a newer chat wrote, and says how to go on", () => {
  expect(() => checkVersions("v0.13.0-slim", "v0.12.4-slim")).toThrow(
    /Open WebUI v0\.13\.0-slim, and v0\.12\.4-slim runs[\s\S]*config set images\.openWebui/,
  );
});

it("takes an older one's, and says that it is brought forward", () => {
  expect(checkVersions("v0.12.0-slim", "v0.12.4-slim")).toEqual([
    expect.stringMatching(/brings its database forward/),
  ]);
  expect(checkVersions("v0.12.4-slim", "v0.12.4-slim")).toEqual([]);
});
