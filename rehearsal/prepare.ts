/** Gets what every rehearsal needs: the engine, beside a Docker engine and the images. Once per machine, then cached. */
import type { Progress } from "../scripts/progress.ts";
import { ensureDocker, ensurePulumi, type Pulumi } from "../scripts/toolchain/index.ts";
import { ensureVersitygw } from "../scripts/toolchain/versitygw.ts";
import { ensureImages, type ImageSet } from "./images/index.ts";

export async function prepareRehearsal(
  progress: Progress,
): Promise<{ pulumi: Pulumi; images: ImageSet; s3Server: string }> {
  // Where the machine has no Go, the engine is built in a container.
  await ensureDocker(progress, { interactive: Boolean(process.stdin.isTTY) });
  const [pulumi, images, s3Server] = await Promise.all([
    ensurePulumi(progress),
    ensureImages(progress),
    ensureVersitygw(progress),
  ]);
  return { pulumi, images, s3Server };
}
