import { secretsSchema } from "../../config/schema.ts";
import {
  type EscrowContents,
  type EscrowOutput,
  escrowOutputSchema,
} from "../../escrow/contents.ts";
import { UserError } from "../../hub/user-error.ts";
import type { OpenStack } from "./stack.ts";

/**
 * What the stack's escrow holds as of now.
 * @throws UserError when there is no hub yet, or its backups are off
 */
export async function gatherEscrow({ stack }: Pick<OpenStack, "stack">): Promise<EscrowContents> {
  const outputs = await stack.outputs();
  const again = `npm start${stack.name === "rehearsal" ? "" : ` -- --stack ${stack.name}`}`;
  if (!outputs.url) {
    throw new UserError(`Stack ${stack.name} has no hub yet; ${again} makes it first`);
  }
  if (!outputs.escrow) {
    throw new UserError(
      `The hub of stack ${stack.name} was rolled out before there were escrows; run ${again} once`,
    );
  }
  const { repository, ...output } = escrowOutput(outputs.escrow.value);
  if (!repository) {
    throw new UserError(
      "Backups are off, so there is nothing that an escrow could open; npm run hub -- config get backup shows where they would go",
    );
  }
  const settings: Record<string, string> = {};
  const secrets: Record<string, string> = {};
  for (const [name, { value, secret }] of Object.entries(await stack.getAllConfig())) {
    const key = name.startsWith("aihub:") ? name.slice("aihub:".length) : undefined;
    // Empty is how Pulumi.yaml declares what is not set; only a subdomain may really be empty.
    if (key === undefined || (["", "[]", "{}"].includes(value) && key !== "subdomain")) continue;
    // What was recovered once is among the passwords.
    if (key === "recovered") continue;
    if (secret || key in secretsSchema.shape) secrets[key] = value;
    else settings[key] = value;
  }
  return {
    version: 1,
    made: new Date().toISOString(),
    stack: stack.name,
    url: String(outputs.url.value),
    settings,
    secrets,
    repository,
    ...output,
  };
}

function escrowOutput(value: unknown): EscrowOutput {
  const parsed = escrowOutputSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new UserError(
    `The stack's output escrow is not what this checkout makes; wrong in it: ${parsed.error.issues
      .map((issue) => issue.path.map(String).join("."))
      .join(", ")}. Roll out with this checkout first`,
  );
}
