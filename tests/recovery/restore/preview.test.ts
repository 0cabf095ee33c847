import { mkdir, symlink } from "node:fs/promises";
import { expect, it } from "vitest";
import { useHostFolders } from "../host-folders.ts";

const host = useHostFolders();

it("a link alone stays what it is, and what it leads to does not go", async () => {
  await host.put("elsewhere/secret", "x");
  await mkdir(host.at("data/workspace/notes"), { recursive: true });
  const link = host.at("data/workspace/notes/link");
  await symlink(host.at("elsewhere"), link);
  const repository = {
    async *ls() {
      yield { path: link, type: "symlink", size: 0, mtime: "2026-11-25T02:00:00Z" };
    },
  };
  const { previewFiles } = await import("../../../recovery/restore/preview.ts");
  const opened = { snapshot: "s", point: { name: "n", time: "2026-11-25T02:00:00.000Z" } };
  const path = "notes/link";
  const found = await previewFiles({ repository } as never, opened as never, {
    from: path,
    to: path,
  });
  expect(found.files).toEqual({});
});
