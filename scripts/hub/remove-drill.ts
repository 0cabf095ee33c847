/** Removes a drill's stack with all that it made, its volume and passwords too: they are copies. */
import { rm } from "node:fs/promises";
import { ConcurrentUpdateError } from "@pulumi/pulumi/automation/index.js";
import { heal } from "./heal.ts";
import { type OpenStack, stackFile } from "./stack.ts";
import { runOperation } from "./update.ts";

interface Resource {
  protect?: boolean;
  retainOnDelete?: boolean;
}

/** Safe to repeat, and after a drill that was killed. */
export async function removeDrill(open: OpenStack): Promise<void> {
  await open.progress.step("Removing all that the drill made", async () => {
    try {
      await remove(open);
    } catch (error) {
      // Of a backend that is no folder here, heal cannot see whose the lock is. A drill holds none for most of its time, so
      // leaving it alone would spare no other drill, and keep this one's host.
      if (!(error instanceof ConcurrentUpdateError)) throw error;
      open.progress.note("taking off the lock of a drill that was killed");
      await open.stack.cancel();
      await remove(open);
    }
  });
}

async function remove(open: OpenStack): Promise<void> {
  const refresh = await heal(open);
  const exported = await open.stack.exportStack();
  const { resources = [] } = (exported.deployment ?? {}) as { resources?: Resource[] };
  if (resources.length > 0) {
    for (const resource of resources) {
      resource.protect = false;
      resource.retainOnDelete = false;
    }
    await open.stack.importStack(exported);
    await runOperation(open, (options) => open.stack.destroy({ ...options, refresh }));
  }
  const { path } = await stackFile(open);
  await open.stack.workspace.removeStack(open.stack.name);
  await rm(path, { force: true });
}
