import { execa } from "execa";
import { expect, it } from "vitest";
import { recoveryCommand } from "../../scripts/hub/recovery-command.ts";
import { consequence, requireWords, restoreWords } from "../../scripts/hub/restore.ts";

it("passes words on to the host so that a shell takes each as it is", async () => {
  const words = ["--", "notes/a b.txt", "it's", "$(touch x)", "`id`", "-x", "", "é\n*"];
  const { stdout } = await execa("bash", [
    "-c",
    `aihub-recovery() { for word; do printf '%s\\0' "$word"; done; }; ${recoveryCommand(words)}`,
  ]);
  expect(stdout.split("\0").slice(0, -1)).toEqual(words);
});

it("puts names after the options, as they may begin with a dash", () => {
  expect(
    restoreWords(["project", "--yes"], { point: "latest", json: true, yes: true, as: "-b" }),
  ).toEqual(["restore", "--point=latest", "--as=-b", "--json", "--", "project", "--yes"]);
});

it("says what a yes does", () => {
  expect(consequence(["hub"], {})).toMatch(
    /all chats, files, projects.* point latest;.*point of the present is taken first/,
  );
  expect(consequence(["project", "notes"], { as: "notes-old", point: "abc123" })).toMatch(
    /project notes-old .* by notes of the point abc123/,
  );
  expect(consequence(["hub"], { "without-safety-copy": true })).toMatch(/WITHOUT/);
});

it.each([
  [[], {}, /^Restore what\?\n.*hub\|chats\|project NAME/],
  [["everything"], {}, /"everything" is nothing that can be restored/],
  [["project"], {}, /^Which project\?/],
  [["file"], { yes: true }, /^Which file\?/],
  [["hub", "notes"], {}, /notes is too much/],
  [["file", "a", "b"], {}, /; b is too much/],
  // The host takes no notice of it there, so the yes would be to something else.
  [["project", "notes"], { fresh: true }, /--fresh is for the whole hub/],
  [["chats"], { fresh: true }, /--fresh is for the whole hub/],
])("refuses %j with %j before it asks", (words, values, message) => {
  expect(() => requireWords(words, values)).toThrow(message);
});

it("takes what the host takes", () => {
  for (const words of [["hub"], ["chats"], ["project", "notes"], ["file", "a/b.md"], ["look"]]) {
    expect(() => requireWords(words, {})).not.toThrow();
  }
  expect(() => requireWords(["hub"], { fresh: true })).not.toThrow();
});
