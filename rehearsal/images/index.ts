/** Everything a simulated droplet is made from: its own image, and a disk with the hub's service images. */
import { existsSync } from "node:fs";
import { execa } from "execa";
import { defaultImages, type Images } from "../../hub/images.ts";
import type { Progress } from "../../scripts/progress.ts";
import {
  cacheDir,
  cached,
  type Entry,
  entryPath,
  has,
  keyOf,
  withLock,
} from "../../scripts/toolchain/cache.ts";
import { requireDiskSpace } from "../../scripts/toolchain/disk-space.ts";
import { atMost } from "./at-most.ts";
import { ensureBase } from "./base.ts";
import { type DockerDisk, diskRecipe, openDisk } from "./docker-disk.ts";
import { ensureArchive, ensureImage, onEngine, reference } from "./image.ts";
import { build, imageOf, type Recipe } from "./recipe.ts";
import { type DropletSlug, dropletRecipes, serviceRecipes } from "./recipes.ts";

export interface ImageSet {
  /** Image reference on this machine's engine, by the slug of the simulated cloud. */
  droplets: Record<DropletSlug, string>;
  /** Path of a sparse ext4 image that holds a /var/lib/docker with all service images loaded; copy it, never write to it. */
  dockerDisk: string;
}

/** Others wait for these: the bases, and the droplet that fills the disk. */
const FIRST = 1000;

/** Roughly how long each takes to build. The long ones begin first, so that none is left alone at the end. */
const buildSeconds: Record<keyof Images, number> = {
  codeServer: 160,
  files: 120,
  openWebui: 60,
  postgres: 20,
  nginx: 10,
  valkey: 10,
  certbot: 20,
  restic: 30,
  node: 10,
};

const FREE_GIB = 15;
const PROBE_TIMEOUT_MS = 10_000;

/**
 * Makes or finds all images. Where an image registry answers, the services' public images are taken; else they
 * are built from package registries, which takes some minutes once per machine. Needs root, a running Docker
 * engine and debootstrap (`ensureDocker`). Throws a UserError when the disk has no room for it.
 */
export async function ensureImages(progress: Progress): Promise<ImageSet> {
  const slugs = Object.keys(dropletRecipes) as DropletSlug[];
  const images = await Promise.all(slugs.map((slug) => imageOf(dropletRecipes[slug])));
  const droplets = Object.fromEntries(
    slugs.map((slug, index) => [slug, reference(images[index] as (typeof images)[number])]),
  ) as ImageSet["droplets"];
  const disks = await possibleDisks();

  const ready = async (): Promise<ImageSet | undefined> => {
    const disk = [disks.pulled, disks.built].find((entry) => existsSync(entryPath(entry)));
    if (!disk || !(await Promise.all(images.map(onEngine))).every(Boolean)) return undefined;
    await has(disk);
    return { droplets, dockerDisk: entryPath(disk) };
  };
  const found = await ready();
  if (found) return found;
  return withLock("rehearsal-images", async () => {
    const meanwhile = await ready();
    if (meanwhile) return meanwhile;
    const dockerDisk = await make(progress, disks);
    return { droplets, dockerDisk };
  });
}

/** The disk with public images and the one with images built here: they are not the same thing. */
async function possibleDisks(): Promise<{ pulled: Entry; built: Entry }> {
  const docker = await imageOf(dropletRecipes["docker-20-04"]);
  const services = await Promise.all(
    Object.values(serviceRecipes).map(async (recipe) => (await imageOf(recipe)).key),
  );
  const inputs = [diskRecipe, docker.key, JSON.stringify(defaultImages), ...services];
  const disk = { kind: "disks", extension: ".ext4" };
  return {
    pulled: { ...disk, name: "pulled", key: keyOf(["pulled", ...inputs]) },
    built: { ...disk, name: "built", key: keyOf(["built", ...inputs]) },
  };
}

async function make(progress: Progress, disks: { pulled: Entry; built: Entry }): Promise<string> {
  const tools = workshop(progress);
  const existing = [disks.pulled, disks.built].find((entry) => existsSync(entryPath(entry)));
  const disk = existing ? entryPath(existing) : await makeDisk(progress, tools, disks);
  // The engine may have lost what the cache still knows.
  await tools.ubuntu();
  await tools.docker();
  return disk;
}

async function makeDisk(
  progress: Progress,
  { docker, service, slot }: Workshop,
  disks: { pulled: Entry; built: Entry },
): Promise<string> {
  const engine = await execa("docker", ["info", "--format", "{{.DockerRootDir}}"]);
  await requireDiskSpace([engine.stdout.trim(), cacheDir()], FREE_GIB);

  const pulling = await registryAnswers();
  progress.note(
    pulling
      ? "An image registry answers: the public images are pulled"
      : "No image registry answers: the services' images are built from package registries",
  );
  const roles = Object.keys(buildSeconds) as (keyof Images)[];
  return cached(pulling ? disks.pulled : disks.built, async (target) => {
    const opened = docker().then((image) =>
      progress.step("Starting a droplet on the new Docker disk", (log) =>
        openDisk(target, image, log),
      ),
    );
    // A failure shows when it is awaited; until then it must not end the process.
    opened.catch(() => {});
    const outcomes = await Promise.allSettled(
      roles.map(async (role) => {
        if (pulling && (await pulled(progress, await opened, defaultImages[role]))) return;
        const archive = await service(role);
        const image = await imageOf(serviceRecipes[role]);
        const disk = await opened;
        await slot(0, () =>
          progress.step(`Loading ${defaultImages[role]} into the disk`, () =>
            disk.load(image, archive, defaultImages[role]),
          ),
        );
      }),
    );
    const disk = await opened;
    try {
      for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
      await progress.step("Closing the Docker disk", (log) => disk.close(log));
    } catch (error) {
      await disk.abandon();
      throw error;
    }
    await tidyEngine();
  });
}

type Workshop = ReturnType<typeof workshop>;

/** Makers of single images; each does its work once, on what it needs, two builds at a time. */
function workshop(progress: Progress) {
  const slot = atMost(2);
  const ubuntu = once(() => droplet("ubuntu-24-04-x64"));
  const bases: Record<string, () => Promise<string>> = {
    trixie: once(() => slot(FIRST, () => ensureBase(progress, "trixie"))),
    bookworm: once(() => slot(FIRST, () => ensureBase(progress, "bookworm"))),
    "ubuntu-24-04-x64": ubuntu,
  };
  const making = (recipe: Recipe, weight: number) => async () => {
    for (const base of Object.values(recipe.bases)) await bases[base.name]?.();
    await slot(weight, () =>
      progress.step(`Building image ${recipe.name}`, (log) => build(recipe, log)),
    );
  };
  const droplet = async (slug: DropletSlug) => {
    const recipe = dropletRecipes[slug];
    return ensureImage(progress, await imageOf(recipe), making(recipe, FIRST));
  };
  return {
    slot,
    ubuntu,
    docker: once(() => droplet("docker-20-04")),
    service: async (role: keyof Images) => {
      const recipe = serviceRecipes[role];
      return ensureArchive(progress, await imageOf(recipe), making(recipe, buildSeconds[role]));
    },
  };
}

function once<T>(run: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= run();
    return result;
  };
}

async function registryAnswers(): Promise<boolean> {
  const pull = execa("docker", ["pull", "--quiet", "hello-world"], {
    reject: false,
    timeout: PROBE_TIMEOUT_MS,
  });
  return (await pull).exitCode === 0;
}

async function pulled(progress: Progress, disk: DockerDisk, name: string): Promise<boolean> {
  try {
    await progress.step(`Pulling ${name}`, (log) => disk.pull(name, log));
    return true;
  } catch {
    progress.note(`${name} cannot be pulled, so its stand-in is built`);
    return false;
  }
}

/** Service images live in the disk and in the cache; on the machine's own engine they only take room. */
async function tidyEngine(): Promise<void> {
  for (const recipe of Object.values(serviceRecipes)) {
    const image = reference(await imageOf(recipe));
    await execa("docker", ["image", "rm", image], { reject: false });
  }
  const stages = ["image", "prune", "--force", "--filter", "label=aihub.rehearsal=stage"];
  await execa("docker", stages, { reject: false });
}
