/** A resource as the stack's state knows it. */
import type { OpenStack } from "./stack.ts";

export interface StateResource {
  type: string;
  id?: string;
  /** It was replaced, and is still to be deleted. */
  delete?: boolean;
  pendingReplacement?: boolean;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
  replacementTrigger?: unknown;
}

/** The one resource of this type, like digitalocean:index/volume:Volume. Undefined: there is none that the state knows. */
export async function stateResource(
  { stack }: Pick<OpenStack, "stack">,
  type: string,
): Promise<StateResource | undefined> {
  const { deployment } = (await stack.exportStack()) as {
    deployment?: { resources?: StateResource[] };
  };
  return deployment?.resources?.find((each) => each.type === type && !each.delete);
}
