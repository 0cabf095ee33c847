/** The two Debian releases all other images are made on, from the package archive alone. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import type { Progress } from "../../scripts/progress.ts";
import { keyOf } from "../../scripts/toolchain/cache.ts";
import { ensureImage, type Image, reference } from "./image.ts";

/** bookworm is there for its Python 3.11; everything else runs on trixie. */
export type Suite = "trixie" | "bookworm";

const script = join(import.meta.dirname, "base", "debootstrap.sh");

/** The image of a release; its key does not follow the archive's updates. */
export async function baseImage(suite: Suite): Promise<Image> {
  return { name: suite, key: keyOf([suite, process.arch, await readFile(script)]) };
}

/** Puts a release's image on the engine and returns its reference. Needs root and debootstrap. */
export async function ensureBase(progress: Progress, suite: Suite): Promise<string> {
  const image = await baseImage(suite);
  return ensureImage(progress, image, () =>
    progress.step(`Making the base image (Debian ${suite})`, async (log) => {
      const folder = await mkdtemp(join(tmpdir(), "aihub-base-"));
      try {
        const maker = execa(script, [suite, folder], { buffer: { stdout: false } });
        maker.stderr.setEncoding("utf8");
        maker.stderr.on("data", (text: string) => log(text.trimEnd()));
        await maker.pipe("docker", ["import", "--change", 'CMD ["bash"]', "-", reference(image)]);
      } finally {
        await rm(folder, { recursive: true, force: true, maxRetries: 3 });
      }
    }),
  );
}
