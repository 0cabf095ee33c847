import * as digitalocean from "@pulumi/digitalocean";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

export interface HostAccessArgs {
  /** Name of the key in the account. */
  name: string;
}

/** The key that the program signs in with, and the key that the host proves itself with. */
export class HostAccess extends pulumi.ComponentResource {
  readonly sshKey: digitalocean.SshKey;
  /** OpenSSH private key of root on the host; secret. */
  readonly privateKey: pulumi.Output<string>;
  /** OpenSSH key pair of the host itself. */
  readonly hostPrivateKey: pulumi.Output<string>;
  readonly hostPublicKey: pulumi.Output<string>;

  constructor(name: string, args: HostAccessArgs, options?: pulumi.ComponentResourceOptions) {
    super("aihub:index:HostAccess", name, {}, options);
    const user = new tls.PrivateKey("login", { algorithm: "ED25519" }, { parent: this });
    const host = new tls.PrivateKey("host", { algorithm: "ED25519" }, { parent: this });
    this.sshKey = new digitalocean.SshKey(
      "login",
      { name: args.name, publicKey: user.publicKeyOpenssh.apply((key) => key.trim()) },
      { parent: this },
    );
    this.privateKey = pulumi.secret(user.privateKeyOpenssh);
    this.hostPrivateKey = pulumi.secret(host.privateKeyOpenssh);
    this.hostPublicKey = host.publicKeyOpenssh.apply((key) => key.trim());
    this.registerOutputs();
  }
}
