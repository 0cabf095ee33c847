import { describe, expect, it } from "vitest";
import type { Past } from "../../../recovery/proof/floors.ts";
import { prove } from "../../../recovery/proof/prove.ts";
import { type Files, hub, type Made, repository, STAGING, snapshotOf, TOKEN } from "./snapshots.ts";

const now = new Date("2026-11-25T03:00:00Z");

/** What is wrong with a hub's snapshot. */
async function problemsOf(
  change: (made: Made) => void = () => {},
  after?: (files: Files) => void,
  broken: string[] = [],
) {
  const made = hub();
  change(made);
  const reader = repository(snapshotOf(made, after));
  for (const path of broken) reader.broken.add(path);
  const { proof, past } = await prove(reader, { now });
  expect(proof.good).toBe(proof.problems.length === 0);
  for (const { what, where, fix } of proof.problems) {
    for (const text of [what, where, fix]) expect(text).toMatch(/\w/);
  }
  return { ...proof, past, what: proof.problems.map(({ what }) => what) };
}

const edit = (path: string, change: (text: string) => string) => (files: Files) => {
  files.set(path, change(String(files.get(path))));
};
const SQL = `${STAGING}/database.sql`;
const POINT = `${STAGING}/point.json`;
const CANARY = "/data/workspace/hub-canary/canary.txt";

describe("a proof", () => {
  it("finds a good point good, and says what it read", async () => {
    const files = snapshotOf(hub());
    const { proof, past } = await prove(repository(files), { now });
    expect(proof).toEqual({
      time: "2026-11-25T03:00:00.000Z",
      snapshot: "s0",
      point: "2026-11-25T02-00-00Z-nightly",
      pointTime: "2026-11-25T02:00:00.000Z",
      good: true,
      problems: [],
      canary: true,
      notes: [],
      rows: {
        "public.user": 12,
        "public.auth": 12,
        "public.chat": 20,
        "public.file": 4,
        "public.config": 1,
      },
      bytes: [...files.values()].reduce((sum, { length }) => sum + length, 0),
      readSeconds: expect.any(Number),
    });
    expect(past.points).toEqual([{ snapshot: "s0", rows: proof.rows, bytes: proof.bytes }]);
  });

  it("looks at the newest snapshot of the hub, whatever the order and whatever else is there", async () => {
    const reader = repository(
      snapshotOf(hub({ chats: 5 })),
      snapshotOf(hub({ chats: 9 })),
      snapshotOf(hub({ chats: 7 })),
    );
    if (reader.stored[2]) reader.stored[2].snapshot.tags = ["someone's"];
    reader.stored.reverse();
    const { proof } = await prove(reader, { now });
    expect(proof).toMatchObject({ good: true, snapshot: "s1", rows: { "public.chat": 9 } });
  });

  it("looks at the point that is meant, and at no other when that one is not there", async () => {
    const reader = repository(snapshotOf(hub({ chats: 5 })), snapshotOf(hub({ chats: 9 })));
    const meant = await prove(reader, { now, snapshot: "s0" });
    expect(meant.proof).toMatchObject({ good: true, snapshot: "s0", rows: { "public.chat": 5 } });
    const { proof } = await prove(reader, { now, snapshot: "s2" });
    expect(proof).toMatchObject({ good: false, rows: {} });
    expect(proof).not.toHaveProperty("snapshot");
    expect(proof.problems.map(({ what }) => what)).toEqual([
      "The point just taken is not in the repository",
    ]);
  });

  it("passes over what lies ahead of the clock, and says so", async () => {
    const reader = repository(snapshotOf(hub({ chats: 5 })), snapshotOf(hub({ chats: 9 })));
    if (reader.stored[1]) reader.stored[1].snapshot.time = "2026-11-25T04:01:00Z";
    const { proof } = await prove(reader, { now });
    expect(proof).toMatchObject({ good: true, snapshot: "s0" });
    expect(proof.notes).toEqual([
      expect.stringMatching(/^1 recovery points lie ahead .*s1 of 2026-11-25T04/),
    ]);
    const behind = await prove(reader, { now: new Date("2026-10-01T00:00:00Z") });
    expect(behind.proof).toMatchObject({ good: true, snapshot: "s1" });
  });

  it("is not good without a point", async () => {
    const empty = await prove(repository(), { now });
    expect(empty.proof).toMatchObject({ good: false, bytes: 0 });
    expect(empty.proof.problems[0]?.what).toMatch(/no recovery point/);
  });

  it("is not good when the repository cannot be read, and says so in one line", async () => {
    const reader = repository(snapshotOf(hub()));
    reader.broken.add("list");
    const { proof } = await prove(reader, { now });
    expect(proof.good).toBe(false);
    expect(proof.problems.map(({ what }) => what)).toEqual([
      "The repository cannot be read: the place cannot be reached",
    ]);
  });

  it.each([POINT, SQL, CANARY, "ls"])("is not good when %s cannot be read", async (path) => {
    const { what, past } = await problemsOf(undefined, undefined, [path]);
    expect(what[0]).toMatch(/^Cannot be read back: /);
    // What was not read whole is nothing to compare with.
    expect(past.points).toHaveLength(path === SQL || path === "ls" ? 0 : 1);
  });

  it.each([POINT, SQL, CANARY])("is not good without %s", async (path) => {
    const { what } = await problemsOf(undefined, (files) => files.delete(path));
    expect(what[0]).toMatch(/not found in snapshot/);
  });

  it("finds a dump that was cut, also where its maker noted the same", async () => {
    const half = (text: string) => text.slice(0, text.indexOf("c5\t"));
    const { what, rows, past } = await problemsOf(undefined, edit(SQL, half));
    expect(what[0]).toBe("The dump of the database ends within the rows of public.chat");
    expect(what).toContainEqual(expect.stringMatching(/digest differs/));
    expect(what).toContainEqual(expect.stringMatching(/public.chat: 5 instead of 20/));
    expect(rows["public.chat"]).toBe(5);
    expect(past.points).toEqual([]);
  });

  it("finds one letter that is another", async () => {
    const { what } = await problemsOf(
      undefined,
      edit(SQL, (text) => text.replace("\tN\n", "\tM\n")),
    );
    expect(what).toEqual([expect.stringMatching(/digest differs/)]);
  });

  it("finds a dump of another day", async () => {
    const other = snapshotOf(hub({ chats: 19 })).get(SQL) as Buffer;
    const { what } = await problemsOf(undefined, (files) => files.set(SQL, other));
    expect(what).toEqual([
      expect.stringMatching(/digest differs/),
      "Rows of 1 tables are not as counted: public.chat: 19 instead of 20",
    ]);
  });

  it.each<[string, (made: Made) => void]>([
    ["is gone", ({ tables }) => tables[2]?.rows.pop()],
    ["has the token of another day", ({ tables }) => tables[2]?.rows.at(-1)?.splice(3, 1, "{}")],
    ["has another title", ({ tables }) => tables[2]?.rows.at(-1)?.splice(2, 1, "Hub canary 2")],
  ])("finds that the canary chat %s", async (_, change) => {
    const { what } = await problemsOf(change);
    expect(what).toEqual([expect.stringMatching(/canary chat/)]);
  });

  it("finds that the canary file is of another day", async () => {
    const { what } = await problemsOf((made) => made.files.set(CANARY, "canary-2026-11-24-0"));
    expect(what).toEqual([expect.stringMatching(/canary file/)]);
  });

  it("wants a canary, except of a hub that cannot write one", async () => {
    const made = hub();
    delete made.point.canary;
    const reader = repository(snapshotOf(made));
    expect((await prove(reader, { now })).proof.problems).toMatchObject([
      { what: expect.stringMatching(/no canary/) },
    ]);
    expect((await prove(reader, { now, canary: false })).proof.good).toBe(true);
  });

  it("finds uploads that are missing or empty", async () => {
    const { what, problems } = await problemsOf(({ files }) => {
      files.delete("/data/open-webui/uploads/f1_a.pdf");
      files.set("/data/open-webui/uploads/f2_b.txt", "");
    });
    expect(what).toEqual([expect.stringMatching(/^2 of 2 files/)]);
    expect(problems[0]?.where).toContain("/data/open-webui/uploads/f1_a.pdf (missing) and others");
  });

  it("looks for no upload that was gone when the point was made", async () => {
    const gone = "/data/open-webui/uploads/f1_a.pdf";
    const { good } = await problemsOf(({ files, point }) => {
      files.delete(gone);
      point.gone = [gone];
    });
    expect(good).toBe(true);
  });

  it.each(["cache.rdb", "history.db", "release/compose.yaml", "secrets/recovery.json"])(
    "misses %s",
    async (name) => {
      const { problems } = await problemsOf(({ files }) => files.delete(`${STAGING}/${name}`));
      expect(problems).toHaveLength(1);
      expect(problems[0]?.where).toContain(`${STAGING}/${name.split("/")[0]}`);
    },
  );

  it("misses neither cache nor history where the point has none", async () => {
    const { good } = await problemsOf(({ files, point }) => {
      files.delete(`${STAGING}/cache.rdb`);
      files.delete(`${STAGING}/history.db`);
      point.cache = false;
      point.history = false;
    });
    expect(good).toBe(true);
  });

  it("says that the database is another than it knows", async () => {
    const { what } = await problemsOf(({ tables }) => tables[3]?.columns.splice(2, 1, "location"));
    expect(what).toEqual([expect.stringMatching(/has no public\.file\.path/)]);
  });

  it("refuses a point of a newer hub, and reads the rest", async () => {
    const { what, rows } = await problemsOf(
      undefined,
      edit(POINT, (text) => text.replace(`"version":1`, `"version":9`)),
    );
    expect(what).toEqual([expect.stringMatching(/version 9/)]);
    expect(rows["public.chat"]).toBe(20);
  });

  it("never shows the token", async () => {
    const { problems } = await problemsOf((made) => made.tables[2]?.rows.pop());
    expect(JSON.stringify(problems)).not.toContain(TOKEN);
  });
});

describe("what was lost against the points before", () => {
  /** Proves one hub after the other. */
  async function life(hubs: Made[]) {
    let past: Past = { points: [] };
    const stored: Files[] = [];
    const problems: string[][] = [];
    for (const made of hubs) {
      stored.push(snapshotOf(made));
      const proven = await prove(repository(...stored), { now, past });
      past = proven.past;
      problems.push(proven.proof.problems.map(({ what }) => what));
    }
    return problems;
  }

  it("is told until the points before are as small", async () => {
    const hubs = [20, 20, 20, 9, 9, 9, 9].map((chats) => hub({ chats }));
    const told = [expect.stringMatching(/public\.chat has 9 rows.*had 20/)];
    expect(await life(hubs)).toEqual([[], [], [], told, told, told, []]);
  });

  it("is not told of half, and not of tables with few rows", async () => {
    const told = await life([hub({ chats: 20, users: 9 }), hub({ chats: 10, users: 1 })]);
    expect(told).toEqual([[], []]);
  });

  it("is told of a table that is no longer there", async () => {
    const without = hub();
    without.tables.shift();
    const told = await life([hub(), without]);
    expect(told[1]).toEqual([expect.stringMatching(/public\.user has 0 rows.*had 12/)]);
  });

  it("is told of files", async () => {
    const large = hub();
    large.files.set("/data/workspace/large", Buffer.alloc(40 * 1024 * 1024));
    const told = await life([large, hub()]);
    expect(told[1]).toEqual([expect.stringMatching(/The files have 0\.0 MiB.*40\.0 MiB/)]);
  });

  it("is told of uploads that went without their rows, and not of those that were gone before", async () => {
    const paths = ["/data/open-webui/uploads/f1_a.pdf", "/data/open-webui/uploads/f2_b.txt"];
    const without = (count: number, lost: number | undefined = count) => {
      const made = hub();
      made.point.gone = paths.slice(0, count);
      for (const path of made.point.gone) made.files.delete(path);
      if (lost !== undefined) made.point.lost = lost;
      return made;
    };
    const uncounted = hub();
    const told = [expect.stringMatching(/^2 files .* not on the volume; .* before 1 were not/)];
    expect(await life([uncounted, without(1), without(1), without(2)])).toEqual([[], [], [], told]);
    // Deleted in the chat while the point was made.
    expect(await life([without(0), without(1, 0)])).toEqual([[], []]);
    const all = await life([0, 0, 0, 2, 2, 2, 2, 2].map((count) => without(count)));
    expect(all.map(({ length }) => length)).toEqual([0, 0, 0, 1, 1, 1, 1, 0]);
  });

  it("does not compare a point with itself, and keeps seven", async () => {
    const reader = repository(snapshotOf(hub({ chats: 9 })));
    const seen = { rows: { "public.chat": 1000 }, bytes: 1 };
    const same = await prove(reader, { now, past: { points: [{ snapshot: "s0", ...seen }] } });
    expect(same.proof.good).toBe(true);
    expect(same.past.points).toMatchObject([{ snapshot: "s0", rows: { "public.chat": 9 } }]);
    const many = Array.from({ length: 9 }, (_, n) => ({ snapshot: `old${n}`, ...seen }));
    const { past } = await prove(reader, { now, past: { points: many } });
    expect(past.points.map(({ snapshot }) => snapshot)).toEqual([
      ...["old3", "old4", "old5", "old6", "old7", "old8", "s0"],
    ]);
  });
});
