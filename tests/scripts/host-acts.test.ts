/** What decides whether the host may be replaced or resized, and how long it was away. */
import { describe, expect, it } from "vitest";
import { newVolumeText, requireVolume } from "../../scripts/hub/data-volume.ts";
import { isGone, nextGeneration, requireNotBehind } from "../../scripts/hub/deployed-host.ts";
import { gapOf } from "../../scripts/hub/gap-watch.ts";
import { DROPLET, dropletChange, requireKept } from "../../scripts/hub/planned-changes.ts";
import { hindrances } from "../../scripts/hub/readiness.ts";
import { goesOnUnasked } from "../../scripts/hub/replacement-intent.ts";

const now = Date.parse("2026-11-25T12:00:00Z");
const hoursAgo = (hours: number) => new Date(now - hours * 3_600_000).toISOString();
const good = { now, enabled: true, lastPoint: hoursAgo(25), lastGoodDrill: hoursAgo(7 * 24) };

describe("readiness", () => {
  it("has nothing against it with a fresh point and a fresh drill", () => {
    expect(hindrances(good)).toEqual([]);
  });

  it.each([
    ["a point of 27 hours", { ...good, lastPoint: hoursAgo(27) }, /27 hours old/],
    ["no point", { ...good, lastPoint: undefined }, /no recovery point yet/],
    ["a point of a time that is none", { ...good, lastPoint: "yesterday" }, /hours old/],
    ["a drill of nine days", { ...good, lastGoodDrill: hoursAgo(9 * 24) }, /9 days ago/],
    ["no drill that anybody knows of", { ...good, lastGoodDrill: undefined }, /no good fire drill/],
    ["a point that lies ahead", { ...good, lastPoint: hoursAgo(-2) }, /point is of .* lies ahead/],
    [
      "a drill that lies ahead",
      { ...good, lastGoodDrill: hoursAgo(-2) },
      /drill is of .* lies ahead/,
    ],
    ["backups that are off", { ...good, enabled: false }, /Backups are off/],
  ])("speaks against it: %s", (_what, evidence, message) => {
    const found = hindrances(evidence);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(message);
    expect(found[0]).toMatch(/fix: /);
  });

  it("gives a young hub eight days for its first drill", () => {
    const young = { ...good, lastGoodDrill: undefined };
    expect(hindrances({ ...young, since: hoursAgo(100) })).toEqual([]);
    expect(hindrances({ ...young, since: hoursAgo(200) })).toHaveLength(1);
  });
});

describe("the plan", () => {
  const change = (op: string, type: string) => ({
    op,
    type,
    urn: `urn:pulumi:x::aihub::${type}::it`,
  });
  const host = ["delete-replaced", "replace", "create-replacement"].map((op) =>
    change(op, DROPLET),
  );

  it("may replace the droplet, and take away what belongs to it", () => {
    const plan = [...host, change("delete", "command:remote:Command")];
    expect(() => requireKept(plan)).not.toThrow();
    expect(dropletChange(plan)).toBe("replaced");
    expect(dropletChange([change("update", DROPLET)])).toBe("changed");
    expect(dropletChange([])).toBe("none");
  });

  it.each([
    ["digitalocean:index/volume:Volume", "replace"],
    ["digitalocean:index/volume:Volume", "delete"],
    ["digitalocean:index/reservedIp:ReservedIp", "create-replacement"],
    ["digitalocean:index/spacesBucket:SpacesBucket", "discard"],
    ["random:index/randomPassword:RandomPassword", "delete-replaced"],
  ])("never may lose %s (%s)", (type, op) => {
    expect(() => requireKept([...host, change(op, type)])).toThrow(/take away/);
  });

  it("may change what must stay", () => {
    expect(() =>
      requireKept([change("update", "digitalocean:index/reservedIp:ReservedIp")]),
    ).not.toThrow();
  });
});

describe("the generation", () => {
  it("is raised once for one act, however often it is run", () => {
    expect(nextGeneration(1, 1)).toEqual({ generation: 2, begun: false });
    // Killed after the setting was changed, before the droplet was.
    expect(nextGeneration(2, 1)).toEqual({ generation: 2, begun: true });
    // Killed between the old droplet's end and the new one's begin.
    expect(nextGeneration(2, undefined)).toEqual({ generation: 2, begun: true });
    expect(nextGeneration(2, 2)).toEqual({ generation: 3, begun: false });
    // Killed when the new droplet was there and had neither the address nor a release.
    expect(nextGeneration(2, 2, 2)).toEqual({ generation: 2, begun: true });
    expect(nextGeneration(3, 3, 2)).toEqual({ generation: 4, begun: false });
  });

  it("never goes back to that of a checkout that is behind", () => {
    expect(nextGeneration(1, 2)).toEqual({ generation: 3, begun: false });
  });

  const stack = (replacementTrigger: unknown, instance?: object) =>
    ({
      instance,
      stack: {
        name: "prod",
        exportStack: async () => ({
          deployment: { resources: [{ type: DROPLET, id: "7", replacementTrigger }] },
        }),
      },
    }) as unknown as Parameters<typeof requireNotBehind>[0];

  it("of settings that are behind is refused, with the file that has to be had", async () => {
    await expect(requireNotBehind(stack(3), 2)).rejects.toThrow(
      /is 2 in Pulumi\.prod\.yaml.* generation 3 already[\s\S]*fix: pull the Pulumi\.prod\.yaml/,
    );
    await requireNotBehind(stack(3), 3);
    await requireNotBehind(stack(3), 4);
    await requireNotBehind(stack(undefined), 1);
  });

  it("may be any in a rehearsal", async () => {
    await requireNotBehind(stack(90, {}), 11);
  });
});

describe("a replacement that was begun", () => {
  const intent = (hours: number) => ({ generation: 2, time: hoursAgo(hours) });
  const there = { hostGone: false, now };

  it("goes on unasked when its run was killed just now", () => {
    expect(goesOnUnasked(intent(0.5), there)).toBe(2);
  });

  it("is made safe anew when the old host went on for long", () => {
    expect(goesOnUnasked(intent(2), there)).toBeUndefined();
    // A clock that was set back says nothing of its age.
    expect(goesOnUnasked(intent(-2), there)).toBeUndefined();
    expect(goesOnUnasked({ generation: 2, time: "then" }, there)).toBeUndefined();
  });

  it("goes on, however long ago it was, when the old host is gone", () => {
    expect(goesOnUnasked(intent(2000), { ...there, hostGone: true })).toBe(2);
  });

  it("is nobody's when nobody agreed to one", () => {
    expect(goesOnUnasked(undefined, { ...there, hostGone: true })).toBeUndefined();
  });

  it("has no old host when the state or the cloud says so", async () => {
    const host = { id: "7", size: "", disk: 0, generation: 1, pendingReplacement: false };
    const cloud = (droplet: unknown) => ({ get: async () => droplet as never });
    expect(await isGone(host, cloud({ id: 7 }))).toBe(false);
    expect(await isGone(host, cloud(undefined))).toBe(true);
    expect(await isGone({ ...host, pendingReplacement: true }, cloud({ id: 7 }))).toBe(true);
    expect(await isGone(undefined, cloud(undefined))).toBe(true);
  });
});

describe("the gap", () => {
  const samples = (text: string) =>
    [...text].map((each, index) => ({ at: index * 250, ok: each === "+" }));

  it.each([
    ["++++", { longest: 0, total: 0, outages: 0 }],
    ["++--++", { longest: 0.75, total: 0.75, outages: 1 }],
    ["+-+---+", { longest: 1, total: 1.5, outages: 2 }],
    // Not back when it was last asked: as long as was seen.
    ["++---", { longest: 0.75, total: 0.75, outages: 1 }],
    // A host that was dead before anybody looked.
    ["----+", { longest: 1, total: 1, outages: 1 }],
    ["---", { longest: 0.5, total: 0.5, outages: 1 }],
    ["", { longest: 0, total: 0, outages: 0 }],
  ])("%s", (text, gap) => {
    expect(gapOf(samples(text))).toEqual(gap);
  });
});

describe("the data volume", () => {
  const stack = (resources: object[]) =>
    ({
      stack: { name: "prod", exportStack: async () => ({ deployment: { resources } }) },
    }) as never;
  const volume = { type: "digitalocean:index/volume:Volume", id: "v1" };
  const cloud = (there: boolean) => ({
    get: async <T>(path: string) =>
      (there && path === "/v2/volumes/v1" ? { id: "v1" } : undefined) as T | undefined,
  });

  it("is there, or was never made", async () => {
    await expect(requireVolume(stack([volume]), cloud(true))).resolves.toBe("v1");
    await expect(requireVolume(stack([]), cloud(false))).resolves.toBeUndefined();
  });

  it("is gone, and no host goes for it", async () => {
    await expect(requireVolume(stack([volume]), cloud(false))).rejects.toThrow(
      /volume v1 of stack prod is not in this DigitalOcean account; nothing was done[\s\S]*npm start -- --refresh --stack prod /,
    );
    expect(newVolumeText(stack([]))).toMatch(
      /replace-host --force --stack prod [\s\S]*--fresh --point POINT --stack prod$/,
    );
  });
});
