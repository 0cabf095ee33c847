import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, it } from "vitest";

interface Registered {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
  provider: string | undefined;
}

const registered: Registered[] = [];
const outputs: Record<string, string> = {};
const secret: Record<string, boolean> = {};

beforeAll(async () => {
  delete process.env.SPACES_ENDPOINT_URL;
  await pulumi.runtime.setMocks(
    {
      newResource({ type, name, inputs, provider }) {
        registered.push({ type, name, inputs, provider });
        const key = { accessKey: `access of ${name}`, secretKey: `secret of ${name}` };
        const made = {
          // Of long ago: nothing is asked of a key that has been at work.
          "digitalocean:index/spacesKey:SpacesKey": { ...key, createdAt: "2025-01-01T00:00:00Z" },
          "random:index/randomString:RandomString": { result: "x7k2" },
        }[type];
        return { id: `${name}-id`, state: { ...inputs, ...made } };
      },
      call: ({ inputs }) => inputs,
    },
    "aihub",
    "test",
    false,
  );
  const { BackupBucket } = await import("../../components/backup-bucket.ts");
  const bucket = new BackupBucket("backups", { name: "aihub-test", region: "nyc1" });
  for (const [key, value] of Object.entries({
    location: bucket.location,
    accessKey: bucket.accessKey,
    secretKey: bucket.secretKey,
  })) {
    outputs[key] = await new Promise((done) => value.apply(done));
    secret[key] = await pulumi.isSecret(value);
  }
  await pulumi.runtime.disconnect();
});

const one = (type: string, name: string) => {
  const found = registered.filter((each) => each.type.endsWith(type) && each.name === name);
  expect(found, `${type} ${name}`).toHaveLength(1);
  return found[0] as Registered;
};

describe("the bucket of the backups", () => {
  it("is registered under names that later versions must keep", () => {
    expect(registered.map(({ type, name }) => `${type} ${name}`).sort()).toEqual([
      "aihub:index:BackupBucket backups",
      "digitalocean:index/spacesBucket:SpacesBucket backups",
      "digitalocean:index/spacesKey:SpacesKey backup-bucket",
      "digitalocean:index/spacesKey:SpacesKey backups-of-host",
      "pulumi:providers:digitalocean spaces",
      "random:index/randomString:RandomString backup-bucket",
    ]);
  });

  it("is private, versioned and tidied, in the nearest region that has object storage", () => {
    const { inputs } = one(":SpacesBucket", "backups");
    expect(inputs).toMatchObject({
      ...{ name: "aihub-test-backups-x7k2", region: "nyc3", acl: "private" },
      versioning: { enabled: true },
      lifecycleRules: [
        {
          enabled: true,
          noncurrentVersionExpiration: { days: 30 },
          abortIncompleteMultipartUploadDays: 7,
        },
      ],
    });
    expect(inputs.forceDestroy).toBeUndefined();
  });

  it("is made by a provider of its own, with the key that may make buckets", () => {
    expect(one(":SpacesBucket", "backups").provider).toContain("::spaces::");
    expect(one("providers:digitalocean", "spaces").inputs.spacesAccessId).toBe(
      "access of backup-bucket",
    );
    expect(one(":SpacesKey", "backup-bucket").inputs.grants).toEqual([
      { bucket: "", permission: "fullaccess" },
    ]);
  });

  it("is opened to the host by a key that opens nothing else", () => {
    expect(one(":SpacesKey", "backups-of-host").inputs.grants).toEqual([
      { bucket: "aihub-test-backups-x7k2", permission: "readwrite" },
    ]);
    expect(outputs).toEqual({
      location: "s3:https://nyc3.digitaloceanspaces.com/aihub-test-backups-x7k2",
      accessKey: "access of backups-of-host",
      secretKey: "secret of backups-of-host",
    });
    expect(secret).toEqual({ location: false, accessKey: false, secretKey: true });
  });
});
