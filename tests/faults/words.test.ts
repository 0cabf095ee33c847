import { expect, it } from "vitest";
import { isClear, plain } from "../../rehearsal/faults/words.ts";

it.each([
  '"a.txt" does not fit: the disk is full. Delete files that are no longer needed, then try again.',
  "502 Bad Gateway",
  "One moment",
])("%s is clear", (words) => {
  expect(isClear(words)).toBe(true);
});

it.each([
  "",
  "500",
  "Internal Server Error",
  "Something went wrong :/",
  '"Internal Server Error"',
  "[object Object]",
  'write_code failed on "a" by a defect of the server; its log has the details.',
  'Traceback (most recent call last):\n  File "/app/main.py", line 3',
  "Error: no\n    at write (file:///opt/main.mjs:3:14)",
])("%j is not", (words) => {
  expect(isClear(words)).toBe(false);
});

it("takes the words out of pages and of JSON", () => {
  expect(plain("<html><head><title>502 Bad Gateway</title></head><body>x</body></html>")).toBe(
    "502 Bad Gateway",
  );
  expect(plain("<title>Hub</title><h1>One <b>moment</b></h1>")).toBe("One moment");
  expect(plain('{"detail":"The database is away"}')).toBe("The database is away");
  expect(plain("x".repeat(500))).toHaveLength(160);
});
