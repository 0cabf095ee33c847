import { expect, it } from "vitest";
import { databasesOf } from "../../../recovery/upgrade/databases.ts";

it.each(["hub", "x".repeat(63)])(
  "names databases beside %s that PostgreSQL tells apart",
  (name) => {
    const names = [name, ...Object.values(databasesOf({ name }))];
    expect(new Set(names).size).toBe(4);
    for (const each of names) expect(Buffer.byteLength(each)).toBeLessThanOrEqual(63);
  },
);
