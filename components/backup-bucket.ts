import * as digitalocean from "@pulumi/digitalocean";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { bucketName, spacesEndpoint, spacesRegion } from "../hub/spaces.ts";
import { spacesKeyWorks } from "./spaces-key-works.ts";

export interface BackupBucketArgs {
  /** Prefix of the names of bucket and keys. */
  name: string;
  /** The hub's; the bucket goes to the nearest one that has object storage. */
  region: string;
}

/** Days that what backups delete or overwrite can still be had back. */
const KEPT_VERSIONS_DAYS = 30;
const UNFINISHED_UPLOADS_DAYS = 7;

/**
 * A bucket in Spaces for the backups and a key of the host's that opens nothing else. The bucket outlives the hub and the
 * stack, like the volume does, with the key that it is managed by; the host's key goes with the hub.
 */
export class BackupBucket extends pulumi.ComponentResource {
  /** Restic's name of the place: "s3:https://ENDPOINT/BUCKET". */
  readonly location: pulumi.Output<string>;
  readonly accessKey: pulumi.Output<string>;
  readonly secretKey: pulumi.Output<string>;

  constructor(name: string, args: BackupBucketArgs, options?: pulumi.ComponentResourceOptions) {
    super("aihub:index:BackupBucket", name, {}, options);
    const region = spacesRegion(args.region);
    const endpointOf = (of: string) => spacesEndpoint(of, process.env.SPACES_ENDPOINT_URL);
    const kept = { parent: this, protect: true };

    // Names of buckets are taken for everybody in the world.
    const suffix = new random.RandomString(
      "backup-bucket",
      { length: 10, special: false, upper: false },
      kept,
    ).result;
    // Only a key with all rights makes a bucket.
    const managing = new digitalocean.SpacesKey(
      "backup-bucket",
      { name: `${args.name}-backup-bucket`, grants: [{ bucket: "", permission: "fullaccess" }] },
      kept,
    );
    const provider = new digitalocean.Provider(
      "spaces",
      {
        spacesAccessId: managing.accessKey,
        spacesSecretKey: working(managing, endpointOf(region)).secretKey,
      },
      { parent: this },
    );
    const bucket = new digitalocean.SpacesBucket(
      "backups",
      {
        name: suffix.apply((letters) => bucketName(`${args.name}-backups`, letters)),
        region,
        acl: "private",
        versioning: { enabled: true },
        lifecycleRules: [
          {
            id: "old-versions",
            enabled: true,
            noncurrentVersionExpiration: { days: KEPT_VERSIONS_DAYS },
            abortIncompleteMultipartUploadDays: UNFINISHED_UPLOADS_DAYS,
          },
        ],
      },
      {
        ...kept,
        provider,
        retainOnDelete: true,
        // Each of these would replace the bucket, which is to lose it.
        ignoreChanges: ["name", "region"],
      },
    );
    const host = new digitalocean.SpacesKey(
      "backups-of-host",
      {
        name: `${args.name}-backups`,
        grants: [{ bucket: bucket.name, permission: "readwrite" }],
      },
      { parent: this },
    );
    const endpoint = bucket.region.apply((of) => endpointOf(of ?? region));
    const key = working(host, endpoint, bucket.name);
    this.location = pulumi.interpolate`s3:${endpoint}/${bucket.name}`;
    this.accessKey = key.accessKey;
    this.secretKey = key.secretKey;
    this.registerOutputs();
  }
}

/** The key, known once it works; what it opens is then known to be open. */
function working(
  key: digitalocean.SpacesKey,
  endpoint: pulumi.Input<string>,
  bucket?: pulumi.Output<string>,
): { accessKey: pulumi.Output<string>; secretKey: pulumi.Output<string> } {
  const works = pulumi
    .all([key.accessKey, key.secretKey, key.createdAt, endpoint, bucket])
    .apply(async ([accessKey, secretKey, createdAt, at, name]) => {
      await spacesKeyWorks({
        ...{ endpoint: at, accessKey, secretKey, createdAt },
        ...(name === undefined ? {} : { bucket: name }),
      });
      return { accessKey, secretKey };
    });
  return {
    accessKey: pulumi.unsecret(works.accessKey),
    secretKey: pulumi.secret(works.secretKey),
  };
}
