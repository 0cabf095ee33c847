import { expect, it } from "vitest";
import { defaultImages } from "../../../hub/images.ts";
import { directionOf, nameOf, versionOf } from "../../../recovery/upgrade/version.ts";

const image = (tag: string) => `ghcr.io/open-webui/open-webui:${tag}`;

it("reads the version of the hub's own image", () => {
  expect(versionOf(defaultImages.openWebui)).toMatch(/^\d+\.\d+\.\d+$/);
});

it.each([
  [image("v0.12.4-slim"), "0.12.4"],
  [image("0.12.4"), "0.12.4"],
  [`${image("v0.12.4")}@sha256:${"0".repeat(64)}`, "0.12.4"],
  ["registry.example:5000/chat:v1.2-cuda", "1.2"],
  [image("main"), undefined],
  [`ghcr.io/open-webui/open-webui@sha256:${"0".repeat(64)}`, undefined],
  ["registry.example:5000/chat", undefined],
])("%s names %s", (reference, version) => {
  expect(versionOf(reference)).toBe(version);
});

it.each([
  ["v0.12.0", "v0.12.4", "newer"],
  ["v0.9.6", "v0.10.0", "newer"],
  ["v0.12", "v0.12.1", "newer"],
  ["v0.12.4", "v0.12.0", "older"],
  ["v1.0.0", "v0.99.9", "older"],
  ["v0.12.4-slim", "v0.12.4", "same"],
  ["main", "v0.12.4", "unknown"],
  ["v0.12.4", "main", "unknown"],
] as const)("from %s to %s is %s", (from, to, direction) => {
  expect(directionOf(image(from), image(to))).toBe(direction);
});

it("calls a reference without a version by its own words", () => {
  expect(nameOf(image("main"))).toBe(image("main"));
});
