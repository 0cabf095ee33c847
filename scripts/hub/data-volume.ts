/** The data volume, as the state and the cloud know it: whatever the state says, it may have been removed there. */
import { UserError } from "../../hub/user-error.ts";
import { type DigitalOcean, digitalOcean } from "./digitalocean.ts";
import { type OpenStack, REHEARSAL } from "./stack.ts";
import { stateResource } from "./state-resource.ts";

type Stack = Pick<OpenStack, "stack">;

/** Undefined: there is none that the state knows. */
export async function volumeId(open: Stack): Promise<string | undefined> {
  return (await stateResource(open, "digitalocean:index/volume:Volume"))?.id;
}

/**
 * An act that found out later would have taken the host away for a volume that its replacement cannot have.
 * @returns the volume's id; undefined when the state knows of none
 * @throws UserError when the stack's volume is gone, with the way to another one
 */
export async function requireVolume(
  open: Stack,
  api: Pick<DigitalOcean, "get"> = digitalOcean(),
): Promise<string | undefined> {
  const id = await volumeId(open);
  if (!id || (await api.get(`/v2/volumes/${id}`, "volume")) !== undefined) return id;
  const { stack } = open;
  throw new UserError(
    `The data volume ${id} of stack ${stack.name} is not in this DigitalOcean account; nothing was done.\n` +
      "  Is the token of the right account? Where the volume is lost, what was on it comes back from the recovery points:\n" +
      `  fix: npm start -- --refresh${named(stack.name)} makes an empty one, and says how to go on`,
  );
}

/** For one that was made beside a host that is older, and knows nothing of it. */
export function newVolumeText({ stack }: Stack): string {
  const more = named(stack.name);
  return (
    "The data volume is a new one, and empty: no service of the host starts on it.\n" +
    `  fix: npm run hub -- replace-host --force${more} makes a host that has it;\n` +
    `    npm run hub -- points${more}, then npm run hub -- restore hub --fresh --point POINT${more}`
  );
}

function named(stack: string): string {
  return stack === REHEARSAL ? "" : ` --stack ${stack}`;
}
