/** What a rollout has to say although it went well, such as for how long an upgrade kept the chat away. */
import { z } from "zod";
import { openHost } from "./host.ts";
import type { OpenStack } from "./stack.ts";

const record = z.object({ digest: z.string(), outcome: z.string(), reason: z.string() });

/** @returns undefined when it says nothing; the hub runs, so a host that cannot be asked is no error */
export async function rolloutNote(open: OpenStack, release: string): Promise<string | undefined> {
  try {
    const host = await openHost(open);
    try {
      const { stdout } = await host.run("tail -n 1 /data/hub/releases.jsonl");
      const { digest, outcome, reason } = record.parse(JSON.parse(stdout));
      return digest === release && outcome === "taken" && reason !== "" ? reason : undefined;
    } finally {
      host.close();
    }
  } catch {
    return undefined;
  }
}
