/** How one image is made: a folder with a Dockerfile, the images it builds on, and its arguments. */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Log } from "../../scripts/progress.ts";
import { keyOf, keyOfFolder } from "../../scripts/toolchain/cache.ts";
import { run } from "../../scripts/toolchain/run.ts";
import { type Image, reference } from "./image.ts";
import { copyAuthorities, proxyBuildArgs } from "./machine-trust.ts";

export interface Recipe {
  /** Name of the image and of its folder here. */
  name: string;
  /** Images named by an ARG of the Dockerfile: ARG name -> image. */
  bases: Record<string, Image>;
  /** Further ARGs, such as the version to install. */
  args?: Record<string, string>;
  /** Adds files to the build's context that are not in the folder; `key` stands for their content. */
  extra?: { key: string; put: (folder: string, log: Log) => Promise<void> };
}

/** The image that a recipe makes: another one as soon as anything it is made from changes. */
export async function imageOf(recipe: Recipe): Promise<Image> {
  const { name, bases, args = {}, extra } = recipe;
  const keys = Object.entries(bases).map(([arg, base]) => [arg, base.name, base.key]);
  const key = keyOf([
    await keyOfFolder(folderOf(recipe)),
    JSON.stringify([keys, Object.entries(args), extra?.key ?? ""]),
  ]);
  return { name, key };
}

function folderOf({ name }: Recipe): string {
  return join(import.meta.dirname, name);
}

/** Builds the image on this machine's engine, under its reference. Its bases must be there. */
export async function build(recipe: Recipe, log: Log): Promise<void> {
  const image = await imageOf(recipe);
  const bases = Object.entries(recipe.bases).map(([arg, base]) => [arg, reference(base)] as const);
  const context = await mkdtemp(join(tmpdir(), "aihub-build-"));
  try {
    await cp(folderOf(recipe), context, { recursive: true });
    await copyAuthorities(join(context, "authorities"));
    await recipe.extra?.put(context, log);
    const args = [...bases, ...Object.entries(recipe.args ?? {})];
    await run(
      log,
      "docker",
      [
        ...["build", "--network", "host", "--force-rm", "--tag", reference(image)],
        ...args.flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]),
        ...proxyBuildArgs(),
        context,
      ],
      // The newer builder is a plugin that Debian's engine does not bring along.
      { env: { DOCKER_BUILDKIT: "0" } },
    );
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}
