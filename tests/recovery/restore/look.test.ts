import { readdir } from "node:fs/promises";
import { expect, it } from "vitest";
import { useHostFolders } from "../host-folders.ts";

const host = useHostFolders();

/** Looks at a point that has a small file and one that fits nowhere. @returns what was fetched of it */
async function look(paths: string[]): Promise<string[]> {
  await host.put("data/hub/recovery/standing.json", "{}");
  const fetched: string[] = [];
  const repository = {
    async *ls() {
      for (const [name, size] of Object.entries({ "plan.md": 3, "plan.md.mov": 2 ** 60 })) {
        const path = host.at(`data/workspace/notes/${name}`);
        yield { path, type: "file", size, mtime: "2026-11-25T02:00:00Z" };
      }
    },
    async restore({ include }: { include: string[] }) {
      fetched.push(...include);
      return { filesRestored: 1, filesSkipped: 0, bytes: 3 };
    },
  };
  const { look } = await import("../../../recovery/restore/look.ts");
  const opened = { snapshot: "s", point: { name: "2026-11-25T02-00-00Z-nightly" } };
  await look({ repository } as never, opened as never, { paths });
  return fetched;
}

it("fetches what there is room for", async () => {
  expect(await look(["notes/plan.md"])).toEqual(["/workspace/notes/plan.md"]);
});

it("does not fill the volume up under the hub", async () => {
  await expect(look([])).rejects.toThrow(
    /needs 1099511627\d{3} MiB, and .* free; nothing was changed/,
  );
  const looks = host.at("data/hub/recovery/looks/2026-11-25T02-00-00Z-nightly");
  expect(await readdir(looks)).toEqual([]);
});

it("names what the point does not have", async () => {
  await expect(look(["notes/plan.md", "notes/plan.txt"])).rejects.toThrow(
    /has none of workspace\/notes\/plan\.txt\. The rest lies in .*looks\/2026-11-25T02-00-00Z-nightly\.\n {2}fix: /,
  );
});
