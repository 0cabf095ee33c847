import { expect, it } from "vitest";
import { fewer } from "../../../recovery/restore/restored-database.ts";

it("rows that were lost are told, and not what people wrote while the restore was looked at", () => {
  const promised = { "public.chat": 366, "public.file": 2, "public.note": 1 };
  expect(fewer(promised, { "public.chat": 393, "public.file": 2, "public.note": 1 })).toEqual([]);
  expect(fewer(promised, { "public.chat": 393, "public.file": 1 })).toEqual([
    "1 rows in public.file instead of 2",
    "0 rows in public.note instead of 1",
  ]);
});
