import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { HubPasswords } from "../hub/passwords.ts";

/**
 * The secrets that the hub makes for itself, once, on its first run. Those of a hub that is gone take their place when
 * they are given; the random ones are made all the same, so that nothing is replaced should that end.
 */
export class Passwords extends pulumi.ComponentResource {
  /** Secret, all of them. */
  readonly all: pulumi.Output<HubPasswords>;
  /** Shown by the stack's outputs. */
  readonly adminPassword: pulumi.Output<string>;
  readonly mcpToken: pulumi.Output<string>;

  constructor(
    name: string,
    args: { recovered?: HubPasswords | undefined } = {},
    options?: pulumi.ComponentResourceOptions,
  ) {
    super("aihub:index:Passwords", name, {}, options);
    const make = (key: string, length: number, recovered: string | undefined) => {
      // Letters and digits only: they survive URLs, env files and being typed.
      const made = new random.RandomPassword(
        key,
        { length, special: false },
        // The data on the volume is locked with them: they live as long as it does.
        { parent: this, protect: true },
      );
      return recovered === undefined ? made.result : pulumi.secret(recovered);
    };
    const { recovered } = args;
    this.adminPassword = make("admin", 24, recovered?.adminPassword);
    this.mcpToken = make("mcp-token", 48, recovered?.mcpToken);
    this.all = pulumi.secret({
      adminPassword: this.adminPassword,
      mcpToken: this.mcpToken,
      webuiSecretKey: make("webui-secret-key", 64, recovered?.webuiSecretKey),
      postgresPassword: make("postgres", 40, recovered?.postgresPassword),
      valkeyPassword: make("valkey", 40, recovered?.valkeyPassword),
      backupPassword: make("backup", 40, recovered?.backupPassword),
    });
    this.registerOutputs();
  }
}
