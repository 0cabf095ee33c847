/** A service's image in another version than the hub's own, for what needs two: an upgrade, above all. Not on the common disk. */
import type { Images } from "../../hub/images.ts";
import type { Progress } from "../../scripts/progress.ts";
import { withLock } from "../../scripts/toolchain/cache.ts";
import { ensureBase } from "./base.ts";
import { ensureArchive, type Image } from "./image.ts";
import { build, imageOf, type Recipe } from "./recipe.ts";
import { serviceRecipes } from "./recipes.ts";

/** Makes or finds it. @returns the image, and where its compressed archive lies in the cache */
export async function otherVersion(
  role: keyof Images,
  version: string,
  progress: Progress,
): Promise<{ image: Image; archive: string }> {
  const recipe: Recipe = { ...serviceRecipes[role], args: { VERSION: version } };
  const image = await imageOf(recipe);
  const archive = await withLock("rehearsal-images", () =>
    ensureArchive(progress, image, async () => {
      for (const { name } of Object.values(recipe.bases)) {
        await ensureBase(progress, name as Parameters<typeof ensureBase>[1]);
      }
      await progress.step(`Building ${role} ${version}`, (log) => build(recipe, log));
    }),
  );
  return { image, archive };
}
