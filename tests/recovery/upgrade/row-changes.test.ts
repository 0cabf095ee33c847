import { expect, it } from "vitest";
import { compareRows, describeChange } from "../../../recovery/upgrade/row-changes.ts";

it("says nothing of what is the same, was empty, or is new", () => {
  const before = { "public.chat": 3, "public.note": 0, "public.alembic_version": 1 };
  expect(compareRows(before, { ...before, "public.note": 2, "public.app": 1 })).toEqual([]);
});

it("calls lost what people made and no longer have, first of all", () => {
  const changes = compareRows(
    { "public.tag": 4, "public.user": 2, "public.chat": 5, "public.auth": 2 },
    { "public.user": 2, "public.chat": 4, "public.auth": 3 },
  );
  expect(changes.map((change) => [describeChange(change), change.lost])).toEqual([
    ["chat 5 → 4", true],
    ["auth 2 → 3", false],
    ["tag 4 → no such table", false],
  ]);
});

it("calls a table of people's that is gone lost", () => {
  expect(compareRows({ "public.memory": 1 }, {})).toMatchObject([{ lost: true, after: undefined }]);
});
