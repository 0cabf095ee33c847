import * as digitalocean from "@pulumi/digitalocean";
import * as pulumi from "@pulumi/pulumi";

export interface DnsArgs {
  /** Zone that exists already; it is looked up, never owned, so that destroying the hub leaves it alone. */
  zone: string;
  /** "" for the zone's own name. */
  subdomain: string;
  address: pulumi.Input<string>;
}

/** The hub's name in a zone kept by DigitalOcean. */
export class Dns extends pulumi.ComponentResource {
  readonly record: digitalocean.DnsRecord;

  constructor(name: string, args: DnsArgs, options?: pulumi.ComponentResourceOptions) {
    super("aihub:index:Dns", name, {}, options);
    const zone = digitalocean.getDomainOutput({ name: args.zone }, { parent: this });
    this.record = new digitalocean.DnsRecord(
      "name",
      {
        domain: zone.name,
        type: "A",
        name: args.subdomain === "" ? "@" : args.subdomain,
        value: args.address,
        ttl: 300,
      },
      { parent: this },
    );
    this.registerOutputs();
  }
}
