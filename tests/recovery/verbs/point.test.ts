import { expect, it, vi } from "vitest";
import { useHostFolders } from "../host-folders.ts";

const host = useHostFolders();

it.each(["point", "nightly"])(
  "the %s that an unfinished restore stands in the way of is told",
  async (name) => {
    await host.put(
      "data/hub/recovery/operation.json",
      JSON.stringify({
        ...{ kind: "restore-files", id: "2026-11-25T02-00-00Z-restore-files", step: "swap" },
        ...{ startedAt: "2026-11-25T02:00:00.000Z", params: { of: "another release" } },
      }),
    );
    vi.spyOn(process.stderr, "write").mockReturnValue(true);
    const { runVerb } = await import("../../../recovery/verbs.ts");
    await expect(runVerb(name, [])).rejects.toThrow(/that this release does not know/);
    vi.restoreAllMocks();
    const { standing } = await import("../../../recovery/report.ts");
    expect((await standing()).pointProblem?.what).toMatch(/that this release does not know/);
  },
);
