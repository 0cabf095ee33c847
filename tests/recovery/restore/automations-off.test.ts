import { expect, it, vi } from "vitest";
import { switchAutomationsOff } from "../../../recovery/restore/automations-off.ts";

it("switches automations off in the copy alone, where the chat has any", async () => {
  const sql = vi.fn(async () => "");
  await switchAutomationsOff({ sql }, "hub_restored");
  expect(sql.mock.calls).toEqual([
    [
      expect.stringMatching(/IF to_regclass\('public\.automation'\).*is_active = false/),
      { database: "hub_restored" },
    ],
  ]);
});
