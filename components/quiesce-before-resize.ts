import * as pulumi from "@pulumi/pulumi";
import { quiesceForRestart } from "../remote/quiesce-host.ts";
import type { HostAccess } from "./host-access.ts";
import { connectToHost } from "./host-connection.ts";

/** Tries, five seconds apart: a host that has just started may not answer at once. */
const TRIES = 6;

/**
 * Runs in the graph, right before the droplet gets another size: DigitalOcean cuts the power for that. So whoever changes
 * the size, `pulumi up` included, finds databases that were shut down in order.
 */
export function quiesceBeforeResize(access: HostAccess): pulumi.ResourceHook {
  const login = pulumi.all([access.privateKey, access.hostPublicKey]);
  return new pulumi.ResourceHook("quiesce-before-resize", async (change) => {
    if (change.newInputs?.size === change.oldInputs?.size) return;
    const address = String(change.oldOutputs?.ipv4Address);
    const [privateKey, hostKey] = await new Promise<string[]>((resolve) => {
      login.apply(resolve);
    });
    await runOnce(
      { address, privateKey: privateKey as string, hostKey: hostKey as string },
      quiesceForRestart(),
    );
  });
}

async function runOnce(login: Parameters<typeof connectToHost>[0], command: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      const client = await connectToHost(login);
      try {
        await new Promise<void>((resolve, reject) => {
          client.exec(command, (error, channel) => {
            if (error) return reject(error);
            channel.on("close", () => resolve());
            channel.resume();
            channel.stderr.resume();
          });
        });
      } finally {
        client.end();
      }
      return;
    } catch (error) {
      if (attempt === TRIES) {
        throw new Error(
          `The host at ${login.address} does not answer SSH (${(error as Error).message}), so its services cannot be stopped ` +
            "before the power is cut for another size.\n" +
            "  fix: see that this address is among aihub:adminCidrs and the droplet is on, then run again; " +
            "a host that is dead is replaced, which gives it the new size too: npm run hub -- replace-host",
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 5000));
    }
  }
}
