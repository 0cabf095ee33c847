import * as digitalocean from "@pulumi/digitalocean";
import * as pulumi from "@pulumi/pulumi";

export interface DataVolumeArgs {
  name: string;
  region: string;
  sizeGib: number;
  tags: pulumi.Input<string>[];
}

/** Label the host mounts the volume by. */
export const VOLUME_LABEL = "aihub-data";

/** The block volume that holds everything worth keeping; it outlives every host and the stack itself. */
export class DataVolume extends pulumi.ComponentResource {
  readonly volume: digitalocean.Volume;

  constructor(name: string, args: DataVolumeArgs, options?: pulumi.ComponentResourceOptions) {
    super("aihub:index:DataVolume", name, {}, options);
    this.volume = new digitalocean.Volume(
      "data",
      {
        name: args.name,
        region: args.region,
        size: args.sizeGib,
        initialFilesystemType: "ext4",
        initialFilesystemLabel: VOLUME_LABEL,
        description: "AI Hub: chats, files and databases",
        tags: args.tags,
      },
      {
        parent: this,
        protect: true,
        retainOnDelete: true,
        // Each of these would replace the volume, which is to lose it.
        ignoreChanges: [
          "description",
          "initialFilesystemLabel",
          "initialFilesystemType",
          "snapshotId",
        ],
      },
    );
    this.registerOutputs();
  }
}
