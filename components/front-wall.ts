import * as digitalocean from "@pulumi/digitalocean";
import * as pulumi from "@pulumi/pulumi";

export interface FrontWallArgs {
  name: string;
  /** Hosts with this tag are behind the wall from their first second. */
  tag: pulumi.Input<string>;
  /** Address ranges that may use SSH. */
  adminCidrs: string[];
}

const ANYWHERE = ["0.0.0.0/0", "::/0"];

/** The cloud firewall: the web for everybody, SSH for the administrators' addresses, everything out. */
export class FrontWall extends pulumi.ComponentResource {
  readonly firewall: digitalocean.Firewall;

  constructor(name: string, args: FrontWallArgs, options?: pulumi.ComponentResourceOptions) {
    super("aihub:index:FrontWall", name, {}, options);
    this.firewall = new digitalocean.Firewall(
      "wall",
      {
        name: args.name,
        tags: [args.tag],
        inboundRules: [
          { protocol: "tcp", portRange: "22", sourceAddresses: args.adminCidrs },
          { protocol: "tcp", portRange: "80", sourceAddresses: ANYWHERE },
          { protocol: "tcp", portRange: "443", sourceAddresses: ANYWHERE },
        ],
        // Without a rule nothing leaves the host.
        outboundRules: [
          { protocol: "tcp", portRange: "1-65535", destinationAddresses: ANYWHERE },
          { protocol: "udp", portRange: "1-65535", destinationAddresses: ANYWHERE },
          { protocol: "icmp", destinationAddresses: ANYWHERE },
        ],
      },
      { parent: this },
    );
    this.registerOutputs();
  }
}
