/** The host as the stack's state knows it. */
import { UserError } from "../../hub/user-error.ts";
import { type DigitalOcean, digitalOcean } from "./digitalocean.ts";
import { DROPLET } from "./planned-changes.ts";
import type { OpenStack } from "./stack.ts";
import { stateResource } from "./state-resource.ts";

export interface DeployedHost {
  /** Of the droplet. */
  id: string;
  size: string;
  /** GB of its own disk. */
  disk: number;
  /** Its `hostGeneration`; undefined when the state does not say. */
  generation: number | undefined;
  /** It is deleted, and what replaces it was not made. */
  pendingReplacement: boolean;
}

/** Undefined: there is none that the state knows. */
export async function deployedHost(
  open: Pick<OpenStack, "stack">,
): Promise<DeployedHost | undefined> {
  const found = await stateResource(open, DROPLET);
  if (!found?.id) return undefined;
  const generation = Number(found.replacementTrigger);
  return {
    id: found.id,
    size: String(found.inputs?.size ?? ""),
    disk: Number(found.outputs?.disk ?? 0),
    generation: Number.isFinite(generation) ? generation : undefined,
    pendingReplacement: found.pendingReplacement === true,
  };
}

/** Whether it is there no more, whatever the state says of it. */
export async function isGone(
  host: DeployedHost | undefined,
  api: Pick<DigitalOcean, "get"> = digitalOcean(),
): Promise<boolean> {
  if (!host || host.pendingReplacement) return true;
  return (await api.get(`/v2/droplets/${host.id}`, "droplet")) === undefined;
}

/**
 * The generation that a replacement ends with. One that was asked for and not reached is an act that was begun: it goes
 * on, so that running the verb again never replaces twice. So does one that made the droplet and came no further: `intended`
 * is the generation of an act whose end nobody saw. Settings that are behind ask for nothing: they are of a checkout
 * from before another's replacement.
 */
export function nextGeneration(
  wanted: number,
  deployed: number | undefined,
  intended?: number,
): { generation: number; begun: boolean } {
  if (deployed === undefined || wanted > deployed) return { generation: wanted, begun: true };
  if (wanted === deployed && intended === deployed) return { generation: deployed, begun: true };
  return { generation: deployed + 1, begun: false };
}

/**
 * Any other number replaces the host, a smaller one too: a checkout without the last replacement would undo it, unasked. A
 * rehearsal has no second checkout, its settings lie beside its state.
 * @throws UserError when the stack's settings are behind the host
 */
export async function requireNotBehind(
  open: Pick<OpenStack, "stack" | "instance">,
  wanted: number,
): Promise<void> {
  if (open.instance) return;
  const deployed = (await deployedHost(open))?.generation;
  if (deployed === undefined || wanted >= deployed) return;
  const file = `Pulumi.${open.stack.name}.yaml`;
  throw new UserError(
    `hostGeneration is ${wanted} in ${file}, and the host of ${open.stack.name} is generation ${deployed} already: it was replaced from another checkout, and this one would replace it again.\n` +
      `  fix: pull the ${file} that says ${deployed}; if it was never committed: npm run hub -- config set hostGeneration ${deployed} --stack ${open.stack.name}, and commit it`,
  );
}
