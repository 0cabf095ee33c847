import { expect, test } from "vitest";
import { asSystemError } from "../../src/history/database.ts";
import { explain } from "../../src/tools/tool-error.ts";

test.each([
  ["the file system", Object.assign(new Error("EIO: i/o error, open"), { code: "EIO" })],
  [
    "SQLite, which reads nonsense from it",
    asSystemError(Object.assign(new Error("database disk image is malformed"), { errcode: 11 })),
  ],
  ["SQLite", asSystemError(Object.assign(new Error("disk I/O error"), { errcode: 266 }))],
])("a disk that does not answer is said to be one, by %s", (_, error) => {
  expect(explain(error, "blog/a")?.message).toMatch(
    /^"blog\/a" could not be .*the disk does not answer/,
  );
});
