import { UserError } from "../../hub/user-error.ts";
import { passThrough, withHost } from "./host.ts";
import { defineVerb } from "./verb.ts";

export const verb = defineVerb({
  name: "token",
  summary:
    "Makes, lists and revokes tokens for MCP clients: create NAME [--scopes read,write] [--projects a,b] [--expires 30d], list, revoke NAME",
  arguments: "create|list|revoke [NAME]",
  passThrough: true,
  async run(values, args) {
    // Reaches the server's own command line through a shell: only words that mean themselves there.
    const odd = args.find((word) => !/^[\p{L}\p{N}_.,:=@-]+$/u.test(word));
    if (odd !== undefined)
      throw new UserError(
        `"${odd}" holds characters that no token command needs; letters, digits and _ . , : = @ - are taken.`,
      );
    return withHost(values, (host) =>
      passThrough(
        host,
        `docker exec aihub-mcp-server-1 node /opt/mcp-server/main.mjs token ${args.join(" ")}`,
      ),
    );
  },
});
