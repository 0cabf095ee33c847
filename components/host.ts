import * as digitalocean from "@pulumi/digitalocean";
import * as pulumi from "@pulumi/pulumi";
import { renderUserData } from "../render/cloud-init.ts";
import type { HostAccess } from "./host-access.ts";
import { quiesceBeforeResize } from "./quiesce-before-resize.ts";

export interface HostArgs {
  name: string;
  region: string;
  size: string;
  image: string;
  /** Raising it is the one way to replace the host. */
  generation: number;
  tags: pulumi.Input<string>[];
  vpcId: pulumi.Input<string>;
  volumeId: pulumi.Input<string>;
  access: HostAccess;
}

/** The droplet and the address that stays when the droplet goes. */
export class Host extends pulumi.ComponentResource {
  readonly droplet: digitalocean.Droplet;
  readonly address: digitalocean.ReservedIp;

  constructor(name: string, args: HostArgs, options?: pulumi.ComponentResourceOptions) {
    super("aihub:index:Host", name, {}, options);
    this.droplet = new digitalocean.Droplet(
      "host",
      {
        name: args.name,
        region: args.region,
        size: args.size,
        image: args.image,
        sshKeys: [args.access.sshKey.id],
        tags: args.tags,
        vpcUuid: args.vpcId,
        volumeIds: [args.volumeId],
        monitoring: true,
        gracefulShutdown: true,
        // A grown disk could never shrink again; the data is on the volume.
        resizeDisk: false,
        userData: pulumi
          .all([args.access.hostPrivateKey, args.access.hostPublicKey])
          .apply(([privateKey, publicKey]) => renderUserData({ privateKey, publicKey })),
      },
      {
        parent: this,
        // The volume can be attached to one host only, so the old one goes first.
        deleteBeforeReplace: true,
        ignoreChanges: ["image", "userData", "sshKeys"],
        replacementTrigger: args.generation,
        customTimeouts: { create: "15m", update: "15m", delete: "15m" },
        hooks: { beforeUpdate: [quiesceBeforeResize(args.access)] },
      },
    );
    this.address = new digitalocean.ReservedIp(
      "address",
      { region: args.region, dropletId: this.droplet.id.apply(Number) },
      { parent: this },
    );
    this.registerOutputs();
  }
}
