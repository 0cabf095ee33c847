import * as pulumi from "@pulumi/pulumi";
import { UserError } from "../hub/user-error.ts";

/** Without a token a preview calls the API not at all when nothing changed, and passes; so its presence is checked apart. */
export function requireToken(): void {
  const token =
    process.env.DIGITALOCEAN_TOKEN ||
    process.env.DIGITALOCEAN_ACCESS_TOKEN ||
    new pulumi.Config("digitalocean").getSecret("token") !== undefined;
  if (!token) {
    throw new UserError(
      "No DigitalOcean token.\n" +
        "  Make one with read and write scopes at https://cloud.digitalocean.com/account/api/tokens\n" +
        "  and set it for this shell: export DIGITALOCEAN_TOKEN=...",
    );
  }
}
