import { describe, expect, it } from "vitest";
import { UserError } from "../../../hub/user-error.ts";
import { type Point, pointName, readPoint } from "../../../recovery/point/point.ts";

const point: Point = {
  version: 1,
  name: "2026-11-25T02-00-00Z-nightly",
  time: "2026-11-25T02:00:00.123Z",
  reason: "nightly",
  hub: { url: "https://hub.example.com", release: "0123abcd" },
  images: { nginx: { reference: "nginx:1.28", id: "sha256:ab" } },
  openWebui: "0.12.4",
  database: {
    kind: "embedded",
    bytes: 12,
    sha256: "a".repeat(64),
    tables: { "public.chat": 3 },
  },
  files: {},
  cache: true,
  history: true,
};

describe("point.json", () => {
  it("is read as it was written", () => {
    expect(readPoint(JSON.stringify(point), "x")).toEqual(point);
  });

  it.each([
    [
      "a newer version",
      { ...point, version: 2, database: "moved" },
      /version 2; this program reads up to 1.*newer AI Hub/,
    ],
    ["a wrong reason", { ...point, reason: "fun" }, /reason/],
    ["no digest", { ...point, database: { ...point.database, sha256: "" } }, /database\.sha256/],
    ["no version", {}, /version/],
  ])("with %s is refused, saying whose it is", (_, json, message) => {
    const reading = () => readPoint(JSON.stringify(json), "snapshot 12ab");
    expect(reading).toThrow(UserError);
    expect(reading).toThrow(message);
    expect(reading).toThrow("snapshot 12ab");
  });

  it("that was cut is refused", () => {
    expect(() => readPoint(JSON.stringify(point).slice(0, 50), "x")).toThrow(/no JSON/);
  });
});

it("a point is named by time and reason", () => {
  expect(pointName(new Date("2026-11-25T02:00:00.999Z"), "before-upgrade")).toBe(
    "2026-11-25T02-00-00Z-before-upgrade",
  );
});
