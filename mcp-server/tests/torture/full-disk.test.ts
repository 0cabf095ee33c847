/** What happens when the disk is full, and when it is read-only: a clear error, and nothing else. */
import { mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { explain } from "../../src/tools/tool-error.ts";
import { STATE } from "../../src/workspace/paths.ts";
import { Workspace } from "../../src/workspace/workspace.ts";
import { authorOf, hashOf } from "./plan.ts";
import { amount, report } from "./scale.ts";
import { type SmallDisk, smallDisk, whyNot } from "./small-disk.ts";

let disk: SmallDisk | undefined;
let workspace: Workspace | undefined;
afterEach(async () => {
  await workspace?.close().catch(() => {});
  workspace = undefined;
  disk?.remove();
  disk = undefined;
});

function messageOf(error: unknown): string {
  const explained = explain(error, "p/file");
  if (!explained) throw new Error("not an error for a caller", { cause: error });
  return explained.message;
}

/** Sizes from a few bytes to some hundred kilobytes, so that it gets full at every stage of a write. */
function contentOf(turn: number): Buffer {
  const size = [10, 30_000, 300, 5_000, 120_000, 400_000, 1_000][turn % 7] as number;
  return Buffer.from(`turn ${turn}\n`.repeat(Math.ceil(size / 8)).slice(0, size + (turn % 97)));
}

describe.for(["tmpfs", "ext4"] as const)("on a small %s", (kind) => {
  const problem = whyNot(kind);
  if (problem !== undefined) report(`NOT TESTED: a full disk, since ${problem}`);

  // Of different sizes, so that it gets full while this is done, and while that is.
  test.skipIf(problem !== undefined).for([2_600_000, 2_674_000, 2_785_000, 2_859_000])(
    "a full disk is a clear error, keeps all there was, and is over when there is room again (%i bytes)",
    { timeout: 300_000 },
    async (ballastSize) => {
      // Of ext4's own journal are four megabytes.
      disk = smallDisk(kind, kind === "ext4" ? 12 : 8);
      const root = join(disk.folder, "workspace");
      mkdirSync(join(root, "p"), { recursive: true });
      const ballast = join(disk.folder, "ballast");
      writeFileSync(ballast, Buffer.alloc(ballastSize, "b"));
      workspace = await Workspace.open(root);
      const written = new Map<string, string[]>();
      const messages = new Map<string, number>();
      let [turn, failed] = [0, 0];
      const attempt = async () => {
        turn++;
        // Long enough that what is done is written down at times, short enough that at times it is not.
        await sleep(8);
        const places =
          turn % 5 === 0 ? ["p/f1", "p/new/f2", `p/n${turn % 50}`] : [`p/f${turn % 4}`];
        const bytes = contentOf(turn);
        await (workspace as Workspace).change(authorOf(0, turn), places, (change) => {
          for (const [index, place] of places.entries())
            change.write(place, Buffer.concat([bytes, Buffer.from(`${index}`)]), { parents: true });
        });
        for (const [index, place] of places.entries()) {
          const hash = hashOf(Buffer.concat([bytes, Buffer.from(`${index}`)]));
          written.set(place, [...(written.get(place) ?? []), hash]);
        }
      };
      const look = () => {
        const { files } = present(root);
        expect(Object.fromEntries(files)).toEqual(
          Object.fromEntries([...written].map(([place, hashes]) => [place, hashes.at(-1)])),
        );
      };
      for (let full = 0; full < amount(60, 400); ) {
        try {
          await attempt();
        } catch (error) {
          const message = messageOf(error);
          expect(message).toMatch(/full|space/i);
          messages.set(message, (messages.get(message) ?? 0) + 1);
          full++;
          failed++;
          if (full % 10 === 1) look();
        }
      }
      look();
      expect(turn - failed).toBeGreaterThan(5);
      expect(readdirSync(join(root, STATE, "unfinished"))).toEqual([]);
      for (const [place, hashes] of written) {
        const { versions } = workspace.history.of(place, { limit: 500 });
        expect(versions.map(({ etag }) => etag)).toEqual(hashes.toReversed());
        const [newest] = versions;
        if (newest)
          expect(hashOf(workspace.history.content(place, newest.version).bytes)).toBe(newest.etag);
      }
      // Who opens it now finds the same.
      await workspace.close();
      workspace = await Workspace.open(root);
      look();
      const free = statfsSync(root);
      report(
        `${kind}: ${failed} changes refused on a full disk (${free.bavail * free.bsize} bytes left), ${turn - failed} done; ${[...messages.keys()].length} wordings`,
      );
      rmSync(ballast);
      for (let more = 0; more < 5; more++) {
        while (contentOf(turn + 1).length > 50_000) turn++;
        await attempt();
      }
      look();
      await workspace.close();
      workspace = await Workspace.open(root);
      look();
    },
  );

  test.skipIf(problem !== undefined)("a disk that turns read-only is a clear error", async () => {
    disk = smallDisk(kind, 8);
    const root = join(disk.folder, "workspace");
    mkdirSync(join(root, "p"), { recursive: true });
    workspace = await Workspace.open(root);
    const write = (text: string) =>
      (workspace as Workspace).change(authorOf(0, 1), ["p/a"], (change) =>
        change.write("p/a", Buffer.from(text)),
      );
    await write("before");
    await workspace.close();
    disk.remount("ro");
    await expect(Workspace.open(root)).rejects.toThrow(/cannot be (used|written)|read-only/i);
    disk.remount("rw");
    workspace = await Workspace.open(root);
    expect(workspace.read("p/a").bytes.toString()).toBe("before");
    await write("after");
    expect(workspace.read("p/a").bytes.toString()).toBe("after");
  });
});

function present(root: string): { files: Map<string, string> } {
  const files = new Map<string, string>();
  for (const entry of readdirSync(join(root, "p"), { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) files.set(path.slice(root.length + 1), hashOf(readFileSync(path)));
  }
  return { files };
}
