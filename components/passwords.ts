import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

/** The secrets that the hub makes for itself, once, on its first run. */
export class Passwords extends pulumi.ComponentResource {
  readonly adminPassword: pulumi.Output<string>;
  readonly mcpToken: pulumi.Output<string>;
  readonly webuiSecretKey: pulumi.Output<string>;
  readonly postgresPassword: pulumi.Output<string>;
  readonly valkeyPassword: pulumi.Output<string>;

  constructor(name: string, options?: pulumi.ComponentResourceOptions) {
    super("aihub:index:Passwords", name, {}, options);
    const make = (key: string, length: number) =>
      // Letters and digits only: they survive URLs, env files and being typed.
      new random.RandomPassword(
        key,
        { length, special: false },
        // The data on the volume is locked with them: they live as long as it does.
        { parent: this, protect: true },
      ).result;
    this.adminPassword = make("admin", 24);
    this.mcpToken = make("mcp-token", 48);
    this.webuiSecretKey = make("webui-secret-key", 64);
    this.postgresPassword = make("postgres", 40);
    this.valkeyPassword = make("valkey", 40);
    this.registerOutputs();
  }
}
