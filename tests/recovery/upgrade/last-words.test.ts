import { expect, it } from "vitest";
import { lastWordsOf } from "../../../recovery/upgrade/last-words.ts";

const statement = Array.from({ length: 12 }, (_, index) => `\tcolumn_${index} TEXT,`);

it("names the error, however long the statement is that follows it", () => {
  const error =
    'sqlalchemy.exc.ProgrammingError: (psycopg.errors.DuplicateTable) relation "app" already exists';
  const said = lastWordsOf(["Traceback (most recent call last):", error, ...statement].join("\n"));
  expect(said).toContain(error);
  expect(said).toContain("column_11");
  expect(said).not.toContain("column_3 ");
});

it("shows the end where there is no such line, and nothing of nothing", () => {
  expect(lastWordsOf("one\n\ntwo\n")).toBe("\n  its last words:\n    one\n    two");
  expect(lastWordsOf("\n")).toBe("");
});
