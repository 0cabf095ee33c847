import { rm } from "node:fs/promises";
import { UserError } from "../../hub/user-error.ts";
import { leftovers, purge } from "../../rehearsal/cloud/purge.ts";
import { currentInstance, type Instance } from "../../rehearsal/instance.ts";
import { stopCloud } from "../../rehearsal/running-cloud.ts";
import { lineProgress, type Progress } from "../progress.ts";
import { ask } from "./ask.ts";
import { digitalOcean } from "./digitalocean.ts";
import { heal } from "./heal.ts";
import { makeRemovable } from "./removable.ts";
import { type OpenStack, openStack, REHEARSAL } from "./stack.ts";
import { runOperation } from "./update.ts";
import { defineVerb } from "./verb.ts";

export const verb = defineVerb({
  name: "destroy",
  summary: "Removes the hub; its data volume and backups stay, unless --purge",
  options: {
    purge: {
      type: "boolean",
      help: "remove the data volume, the backups in Spaces and everything else as well",
    },
    yes: { type: "boolean", help: "do not ask" },
  },
  async run(values) {
    const cloud = typeof values.stack === "string" && values.stack !== REHEARSAL;
    if (!values.yes) await confirm(values.purge === true, cloud ? String(values.stack) : REHEARSAL);
    const progress = lineProgress();
    if (values.purge && !cloud) {
      // Its own instance goes whole, whatever state it is in; nothing has to be asked of it first.
      await purgeRehearsal(currentInstance(), progress);
      process.stdout.write("Everything of the rehearsal is removed.\n");
      return 0;
    }
    const open = await openStack(values);
    try {
      const refresh = await heal(open);
      const volume = await remembered(open, "digitalocean:index/volume:Volume");
      const bucket = await remembered(open, "digitalocean:index/spacesBucket:SpacesBucket");
      const lines = await progress.step("Destroying", () =>
        runOperation(open, (options) =>
          open.stack.destroy({ ...options, refresh, excludeProtected: true }),
        ),
      );
      if (values.purge) {
        await purgeCloud(open, volume);
        const also = bucket ? "the data volume and the backups" : "the data volume";
        process.stdout.write(`${lines.changed} removed, ${also} as well.\n`);
      } else if (volume) {
        process.stdout.write(
          `${lines.changed} removed. The data volume ${volume.name} stays, with the passwords of what is on it (they are protected), and goes on costing; ` +
            "the next up finds it again with everything on it.\n" +
            (bucket ? `The bucket ${bucket.name} stays too, with all backups.\n` : "") +
            `  To remove ${bucket ? "both" : "it"} too: npm run hub -- destroy${cloud ? ` --stack ${values.stack}` : ""} --purge\n`,
        );
      }
      return 0;
    } finally {
      await open.close();
    }
  },
});

async function confirm(all: boolean, stack: string): Promise<void> {
  const what = all
    ? "and ALL ITS DATA, BACKUPS INCLUDED"
    : "(the data volume and the backups stay)";
  if (!process.stdin.isTTY) {
    throw new UserError(
      `destroy asks first, and nobody can answer here; add --yes to destroy stack ${stack} ${what}`,
    );
  }
  if ((await ask(`Destroy stack ${stack} ${what}? Type its name: `)) !== stack)
    throw new UserError("Not destroyed: the name was not given");
}

interface Kept {
  urn: string;
  id: string;
  name: string;
}

/** The one resource of this type that the state has. */
async function remembered(open: OpenStack, type: string): Promise<Kept | undefined> {
  const { deployment } = (await open.stack.exportStack()) as {
    deployment?: {
      resources?: { urn: string; type: string; id?: string; inputs?: { name?: string } }[];
    };
  };
  const found = deployment?.resources?.find((resource) => resource.type === type);
  return found?.id
    ? { urn: found.urn, id: found.id, name: found.inputs?.name ?? found.id }
    : undefined;
}

/** Pulumi is told to keep the volume whatever happens, so the API is asked to remove it; a bucket has to be emptied by the provider. */
async function purgeCloud(open: OpenStack, volume: Kept | undefined): Promise<void> {
  if (volume) await digitalOcean().remove(`/v2/volumes/${volume.id}`);
  const exported = await open.stack.exportStack();
  makeRemovable(exported.deployment);
  await open.stack.importStack(exported);
  await runOperation(open, (options) => open.stack.destroy(options));
}

async function purgeRehearsal(instance: Instance, progress: Progress): Promise<void> {
  await progress.step(`Removing all of rehearsal "${instance.name}"`, async () => {
    await stopCloud(instance);
    await purge({ instance: instance.name, stateDir: instance.cloudDir });
    await rm(instance.stateDir, { recursive: true, force: true });
  });
  const left = await leftovers({ instance: instance.name, stateDir: instance.cloudDir });
  if (left.length > 0) throw new UserError(`Left behind:\n  ${left.join("\n  ")}`);
}
