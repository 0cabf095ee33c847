/** The data volume, as the cloud knows it: whatever the state says, it may have been removed there. */
import { UserError } from "../../hub/user-error.ts";
import { type DigitalOcean, digitalOcean } from "./digitalocean.ts";
import { type OpenStack, REHEARSAL } from "./stack.ts";

interface State {
  type: string;
  id?: string;
  delete?: boolean;
}

/**
 * An act that found out later would have taken the host away for a volume that its replacement cannot have.
 * @throws UserError when the stack's volume is gone, with the way to another one
 */
export async function requireVolume(
  { stack }: Pick<OpenStack, "stack">,
  api: Pick<DigitalOcean, "get"> = digitalOcean(),
): Promise<void> {
  const { deployment } = (await stack.exportStack()) as { deployment?: { resources?: State[] } };
  const volume = deployment?.resources?.find(
    (each) => each.type === "digitalocean:index/volume:Volume" && !each.delete,
  );
  if (!volume?.id || (await api.get(`/v2/volumes/${volume.id}`, "volume")) !== undefined) return;
  const named = stack.name === REHEARSAL ? "" : ` --stack ${stack.name}`;
  throw new UserError(
    `The data volume ${volume.id} of stack ${stack.name} is not in this DigitalOcean account; nothing was done.\n` +
      "  Is the token of the right account? Where the volume is lost, what was on it comes back from the recovery points:\n" +
      `  fix: npm start -- --refresh${named} makes an empty one; npm run hub -- replace-host --force${named} a host that has it;\n` +
      `    npm run hub -- points${named}, then npm run hub -- restore hub --fresh --point POINT${named}`,
  );
}
