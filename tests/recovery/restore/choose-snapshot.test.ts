import { describe, expect, it } from "vitest";
import { chooseSnapshot } from "../../../recovery/restore/choose-snapshot.ts";

const snapshot = (id: string, time: string, reason: string) => ({
  id: id.repeat(64).slice(0, 64),
  time,
  tags: ["aihub", `reason:${reason}`],
});
const night = snapshot("a1", "2026-11-24T02:00:07.5Z", "nightly");
const noon = snapshot("a1b2", "2026-11-24T13:00:04+01:00", "scheduled");
const manual = snapshot("c3", "2026-11-24T15:00:01Z", "manual");
const before = snapshot("d4", "2026-11-24T15:10:00Z", "before-restore");
// Not in their order: copies are listed as they come.
const all = [manual, night, before, noon];

describe("a point is found", () => {
  it.each([
    ["latest", manual],
    [before.id, before],
    ["c3c3c3", manual],
    ["2026-11-24T02-00-00Z-nightly", night],
    ["2026-11-24T15-09-30Z-before-restore", before],
    ["2026-11-24T12:00:04Z", noon],
    ["2026-11-24T12:00:03Z", night],
    ["2026-11-24T14:00:00+01:00", noon],
    ["2099-01-01", before],
  ])("by %s", (wanted, expected) => {
    expect(chooseSnapshot(all, wanted)).toBe(expected);
  });

  it("by its name, whatever was sent meanwhile by another hub", () => {
    const named = (id: string, time: string, name: string) => {
      const one = snapshot(id, time, "scheduled");
      return { ...one, tags: [...one.tags, `point:${name}`] };
    };
    const ours = named("e5", "2026-11-24T18:00:30Z", "2026-11-24T18-00-00Z-scheduled");
    const theirs = named("f6", "2026-11-24T18:00:20Z", "2026-11-24T18-00-01Z-scheduled");
    const choose = (name: string) => chooseSnapshot([...all, ours, theirs], name);
    expect(choose("2026-11-24T18-00-00Z-scheduled")).toBe(ours);
    expect(choose("2026-11-24T18-00-01Z-scheduled")).toBe(theirs);
    const alike = named("ab12", "2026-11-24T18:00:40Z", "2026-11-24T18-00-00Z-scheduled");
    expect(() => chooseSnapshot([...all, ours, alike], "2026-11-24T18-00-00Z-scheduled")).toThrow(
      /name of several points/,
    );
  });

  it("that is a restore's own, when there is no other", () => {
    expect(chooseSnapshot([before], "latest")).toBe(before);
  });

  it("that does not lie ahead of the clock, unless all do", () => {
    const at = (time: string) => chooseSnapshot(all, "latest", new Date(time));
    expect(at("2026-11-24T13:30:00Z")).toBe(noon);
    expect(at("2026-11-24T14:30:00Z")).toBe(manual);
    expect(at("2026-11-20T00:00:00Z")).toBe(manual);
  });
});

describe("a point is refused", () => {
  it.each([
    ["a1", /no recovery point "a1"/],
    ["a1b2c3d4", /no recovery point/],
    ["2026-11-24T02-00-00Z-weekly", /no recovery point/],
    ["2026-11-24T15-30-00Z-manual", /no recovery point/],
    ["2026-11-23", /No recovery point is as old as 2026-11-23; the oldest is of 2026-11-24T02/],
    ["2026-99-99", /is no time/],
    ["yesterday", /no recovery point "yesterday"/],
  ])("for %s", (wanted, why) => {
    expect(() => chooseSnapshot(all, wanted)).toThrow(why);
  });

  it("when an id is of several", () => {
    const [one, two] = ["aaaaaa", "aaaaaa"].map((id, index) => ({
      ...night,
      id: (id + index).padEnd(64, "0"),
    }));
    expect(() => chooseSnapshot([one, two] as (typeof night)[], "aaaaaa")).toThrow(/several/);
  });

  it("when there is none", () => {
    expect(() => chooseSnapshot([], "latest")).toThrow(/no recovery point yet/);
  });
});
