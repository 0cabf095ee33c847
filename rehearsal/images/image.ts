/** One image of the rehearsal on this machine's engine, kept in the cache as well. */
import { createReadStream, createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { constants, createZstdCompress, createZstdDecompress } from "node:zlib";
import { execa } from "execa";
import type { Progress } from "../../scripts/progress.ts";
import { cached, type Entry, entryPath, has } from "../../scripts/toolchain/cache.ts";

/** An image is its name and the hash of all it is made from. */
export interface Image {
  name: string;
  key: string;
}

/** The reference of the image on this machine's engine. */
export function reference({ name, key }: Image): string {
  return `aihub-rehearsal/${name}:${key}`;
}

/** Where the image is kept in the cache: what `docker save` writes, compressed. */
export function archive({ name, key }: Image): Entry {
  return { kind: "images", name, key, extension: ".tar.zst" };
}

/** True when the engine of this machine has the image. */
export async function onEngine(image: Image): Promise<boolean> {
  const { exitCode } = await execa("docker", ["image", "inspect", reference(image)], {
    reject: false,
  });
  return exitCode === 0;
}

/**
 * Puts the image on the engine: it is there, or it is loaded from the cache, or `make` makes it under
 * its reference and it is kept in the cache. Returns the reference.
 */
export async function ensureImage(
  progress: Progress,
  image: Image,
  make: () => Promise<void>,
): Promise<string> {
  const kept = archive(image);
  if (await onEngine(image)) return reference(image);
  if (await has(kept)) {
    await progress.step(`Loading image ${image.name} from the cache`, () => load(image));
    return reference(image);
  }
  await make();
  await progress.step(`Keeping image ${image.name} in the cache`, async () => {
    await cached(kept, (target) => save(image, target));
  });
  return reference(image);
}

/** Makes sure that the cache has the image, without putting it on the engine when it does. */
export async function ensureArchive(
  progress: Progress,
  image: Image,
  make: () => Promise<void>,
): Promise<string> {
  const kept = archive(image);
  if (!(await has(kept))) {
    await ensureImage(progress, image, make);
    // An engine may still have an image whose archive was deleted.
    await cached(kept, (target) => save(image, target));
  }
  return entryPath(kept);
}

async function save(image: Image, target: string): Promise<void> {
  const child = execa("docker", ["save", reference(image)], { buffer: { stdout: false } });
  // The fastest level: the archive is read about as often as it is written.
  const compress = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 1 } });
  await Promise.all([child, pipeline(child.stdout, compress, createWriteStream(target))]);
}

async function load(image: Image): Promise<void> {
  await loadInto(["docker", "load"], entryPath(archive(image)));
}

/** Streams an archive into a command that takes what `docker save` wrote on its standard input. */
export async function loadInto(command: readonly string[], path: string): Promise<void> {
  const [program = "", ...args] = command;
  const child = execa(program, args, { stdin: "pipe" });
  await Promise.all([child, pipeline(createReadStream(path), createZstdDecompress(), child.stdin)]);
}
