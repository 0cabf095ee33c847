import { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openFolder } from "../../../recovery/restore/open-folder.ts";
import { inPinnedFolder } from "../../../recovery/restore/pinned-folder.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "aihub-pinned-"));
  await mkdir(join(root, "workspace/notes/deep"), { recursive: true });
  await mkdir(join(root, "outside"));
});
afterEach(() => rm(root, { recursive: true, force: true }));
const workspace = () => join(root, "workspace");

it("works in the folder that it opened, whatever its path leads to meanwhile", async () => {
  await inPinnedFolder(workspace(), ["notes", "deep"], async (folder) => {
    await rename(join(root, "workspace/notes"), join(root, "workspace/moved"));
    await symlink(join(root, "outside"), join(root, "workspace/notes"));
    await writeFile(`${folder}/file`, "x");
  });
  expect(await readdir(join(root, "outside"))).toEqual([]);
  expect(await readdir(join(root, "workspace/moved/deep"))).toEqual(["file"]);
});

it.each(["notes", "notes/deep"])("goes through no link at %s", async (place) => {
  await rename(join(workspace(), place), join(root, "away"));
  await symlink(join(root, "outside"), join(workspace(), place));
  const inDeep = (folder: string) => writeFile(`${folder}/file`, "x");
  await expect(inPinnedFolder(workspace(), ["notes", "deep"], inDeep)).rejects.toThrow(
    `${place} is a link or a file`,
  );
  await expect(openFolder(workspace(), ["notes", "deep", "new"])).rejects.toThrow(/is a link/);
  expect(await readdir(join(root, "outside"))).toEqual([]);
});

it("goes through no file", async () => {
  await writeFile(join(workspace(), "file"), "x");
  await expect(inPinnedFolder(workspace(), ["file"], async () => {})).rejects.toThrow(/or a file/);
});

it("makes what is missing on the way", async () => {
  await openFolder(workspace(), ["notes", "a", "b"]);
  await openFolder(workspace(), ["notes", "a", "b"]);
  expect(await readdir(join(workspace(), "notes/a"))).toEqual(["b"]);
});
