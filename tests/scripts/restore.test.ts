import { execa } from "execa";
import { expect, it } from "vitest";
import { recoveryCommand } from "../../scripts/hub/recovery-command.ts";
import { consequence, restoreWords } from "../../scripts/hub/restore.ts";

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
