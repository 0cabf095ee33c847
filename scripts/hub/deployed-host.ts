/** The host as the stack's state knows it. */
import type { OpenStack } from "./stack.ts";

export interface DeployedHost {
  /** Of the droplet. */
  id: string;
  size: string;
  /** GB of its own disk. */
  disk: number;
  /** Its `hostGeneration`; undefined when the state does not say. */
  generation: number | undefined;
}

interface State {
  type: string;
  id?: string;
  delete?: boolean;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
  replacementTrigger?: unknown;
}

/** Undefined: there is none, or it is gone already and its replacement was not made. */
export async function deployedHost(
  open: Pick<OpenStack, "stack">,
): Promise<DeployedHost | undefined> {
  const { deployment } = (await open.stack.exportStack()) as {
    deployment?: { resources?: State[] };
  };
  const found = deployment?.resources?.find(
    (each) => each.type === "digitalocean:index/droplet:Droplet" && !each.delete,
  );
  if (!found?.id) return undefined;
  const generation = Number(found.replacementTrigger);
  return {
    id: found.id,
    size: String(found.inputs?.size ?? ""),
    disk: Number(found.outputs?.disk ?? 0),
    generation: Number.isFinite(generation) ? generation : undefined,
  };
}

/**
 * The generation that a replacement ends with. One that was asked for and not reached is an act that was begun: it goes
 * on, so that running the verb again never replaces twice.
 */
export function nextGeneration(
  wanted: number,
  deployed: number | undefined,
): { generation: number; begun: boolean } {
  if (deployed === undefined || wanted !== deployed) return { generation: wanted, begun: true };
  return { generation: deployed + 1, begun: false };
}
