/** A file system of a few megabytes of its own, for filling it. Needs root and the right to mount. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface SmallDisk {
  /** Where it is mounted. */
  folder: string;
  remount(mode: "ro" | "rw"): void;
  remove(): void;
}

export type Kind = "tmpfs" | "ext4";

/** Throws when mounting is not allowed here. */
export function smallDisk(kind: Kind, megabytes: number): SmallDisk {
  const base = mkdtempSync(join(tmpdir(), "aihub-disk-"));
  const folder = join(base, "disk");
  mkdirSync(folder);
  const run = (command: string, ...args: string[]) =>
    execFileSync(command, args, { stdio: ["ignore", "ignore", "pipe"] });
  try {
    if (kind === "tmpfs") {
      run("mount", "-t", "tmpfs", "-o", `size=${megabytes}m,mode=700`, "tmpfs", folder);
    } else {
      const image = join(base, "image");
      run("truncate", "-s", `${megabytes}M`, image);
      // No blocks kept for root, who runs this. Blocks as large as on a disk of a usual size: with smaller ones a page of a
      // database's shared memory is partly a hole, and to touch it on a full disk kills the process.
      run("mkfs.ext4", "-q", "-m", "0", "-b", "4096", image);
      run("mount", "-o", "loop", image, folder);
    }
  } catch (error) {
    rmSync(base, { recursive: true, force: true });
    throw error;
  }
  return {
    folder,
    remount: (mode) => void run("mount", "-o", `remount,${mode}`, folder),
    remove() {
      // What a failed test still holds open goes with its process.
      run("umount", "--lazy", folder);
      rmSync(base, { recursive: true, force: true });
    },
  };
}

/** Why there is no such disk here; undefined when there is. */
export function whyNot(kind: Kind): string | undefined {
  try {
    smallDisk(kind, 8).remove();
    return undefined;
  } catch (error) {
    return `no ${kind} can be mounted here: ${(error as Error).message.trim().split("\n").at(-1)}`;
  }
}
