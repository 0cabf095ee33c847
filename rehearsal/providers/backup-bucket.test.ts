/** The bucket of the backups under the real engine, on the simulated API and a real S3 server. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalWorkspace, PulumiCommand, type Stack } from "@pulumi/pulumi/automation/index.js";
import { AwsClient } from "aws4fetch";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BackupBucket } from "../../components/backup-bucket.ts";
import { makeRemovable } from "../../scripts/hub/removable.ts";
import { silent } from "../../scripts/progress.ts";
import { ensurePulumi } from "../../scripts/toolchain/index.ts";
import { type CloudUnderTest, cloudUnderTest, TOKEN } from "../cloud/cloud-under-test.ts";
import { type RunningProviders, startProviders } from "./index.ts";

interface Outputs {
  location: string;
  accessKey: string;
  secretKey: string;
}

let cloud: CloudUnderTest;
let providers: RunningProviders;
let stack: Stack;
let folder: string;
let name = "hub";
const endpointBefore = process.env.SPACES_ENDPOINT_URL;

async function program() {
  const { location, accessKey, secretKey } = new BackupBucket("backups", { name, region: "nyc1" });
  return { location, accessKey, secretKey };
}

beforeAll(async () => {
  const { root } = await ensurePulumi(silent);
  folder = mkdtempSync(join(tmpdir(), "aihub-bucket-"));
  cloud = await cloudUnderTest({ spaces: true });
  process.env.SPACES_ENDPOINT_URL = cloud.spacesUrl();
  providers = await startProviders({
    ...{ apiUrl: cloud.url(), spacesUrl: cloud.spacesUrl(), token: TOKEN },
    logFile: join(folder, "log"),
  });
  stack = await LocalWorkspace.createOrSelectStack(
    { projectName: "tests", stackName: "test", program },
    {
      pulumiCommand: await PulumiCommand.get({ root }),
      envVars: {
        DIGITALOCEAN_TOKEN: TOKEN,
        PULUMI_BACKEND_URL: `file://${folder}`,
        PULUMI_CONFIG_PASSPHRASE: "of the tests",
        PULUMI_DEBUG_PROVIDERS: providers.debugProviders,
        PULUMI_HOME: join(folder, "home"),
        PULUMI_SKIP_UPDATE_CHECK: "1",
      },
    },
  );
});

afterAll(async () => {
  await providers?.close();
  await cloud?.dispose();
  if (endpointBefore === undefined) delete process.env.SPACES_ENDPOINT_URL;
  else process.env.SPACES_ENDPOINT_URL = endpointBefore;
  if (folder) rmSync(folder, { recursive: true, force: true });
});

async function outputs(): Promise<Outputs> {
  const all = await stack.outputs();
  return Object.fromEntries(
    Object.entries(all).map(([key, { value }]) => [key, value]),
  ) as unknown as Outputs;
}

const keys = async (): Promise<{ name: string; access_key: string; grants: object[] }[]> =>
  (await cloud.ok("GET", "/v2/spaces/keys")).keys;

const bucketOf = ({ location }: Outputs) => new URL(location.slice("s3:".length)).pathname.slice(1);

/** A request for this part of the bucket, as restic makes them. */
async function inBucket(by: Outputs, method: string, path: string, body?: string) {
  const client = new AwsClient({
    ...{ accessKeyId: by.accessKey, secretAccessKey: by.secretKey },
    ...{ service: "s3", region: "us-east-1", retries: 0 },
  });
  const answer = await client.fetch(`${by.location.slice("s3:".length)}${path}`, {
    ...{ method, ...(body === undefined ? {} : { body }) },
  });
  return { status: answer.status, text: await answer.text() };
}

async function changeState(change: (resources: { type: string; protect?: boolean }[]) => void) {
  const exported = await stack.exportStack();
  change(exported.deployment.resources);
  await stack.importStack(exported);
}

let first: Outputs;

test("a preview knows of all, and makes nothing", async () => {
  const { changeSummary } = await stack.preview();
  // Stack, component, suffix, two keys, provider, bucket.
  expect(changeSummary).toEqual({ create: 7 });
  expect(await keys()).toEqual([]);
});

test("it is made by a key that works late, and the host's key opens it", async () => {
  await cloud.ok("POST", "/_rehearsal/faults", { match: "spaces-key", delayMs: 1_500 });
  const { summary } = await stack.up();
  await cloud.ok("DELETE", "/_rehearsal/faults");
  expect(summary.resourceChanges).toEqual({ create: 7 });
  first = await outputs();
  expect(first.location).toMatch(new RegExp(`^s3:${cloud.spacesUrl()}/hub-backups-[a-z0-9]{10}$`));
  expect(await keys()).toMatchObject([
    { name: "hub-backup-bucket", grants: [{ bucket: "", permission: "fullaccess" }] },
    {
      name: "hub-backups",
      access_key: first.accessKey,
      grants: [{ bucket: bucketOf(first), permission: "readwrite" }],
    },
  ]);
  expect((await inBucket(first, "PUT", "/data/one", "of the host")).status).toBe(200);
  expect((await inBucket(first, "GET", "?list-type=2")).text).toContain("<Key>data/one</Key>");
  expect(await inBucket(first, "GET", "/data/one")).toEqual({ status: 200, text: "of the host" });
  const wrong = { ...first, secretKey: "wrong" };
  expect((await inBucket(wrong, "GET", "/data/one")).status).toBe(403);
  expect((await inBucket(first, "DELETE", "")).status).toBe(403);
});

test("then there is nothing to do, also after a look at what is really there", async () => {
  await stack.preview({ expectNoChanges: true });
  await stack.preview({ expectNoChanges: true, refresh: true });
});

test("it keeps old versions, for as many days as its rule says", async () => {
  expect((await inBucket(first, "GET", "?versioning")).text).toContain("Enabled");
  await inBucket(first, "PUT", "/data/one", "overwritten");
  const { text } = await inBucket(first, "GET", "?versions");
  expect(text.match(/<Version>/g)).toHaveLength(2);
  expect(await cloud.ok("GET", `/_rehearsal/spaces/${bucketOf(first)}/lifecycle`)).toEqual({
    rules: [
      {
        id: "old-versions",
        enabled: true,
        noncurrentVersionExpiration: { days: 30 },
        abortIncompleteMultipartUploadDays: 7,
      },
    ],
  });
});

test("what somebody changed by hand is put right again", async () => {
  const suspended = "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>";
  const hand = await cloud.ok("POST", "/v2/spaces/keys", {
    ...{ name: "hand", grants: [{ bucket: "", permission: "fullaccess" }] },
  });
  const by = { ...first, accessKey: hand.key.access_key, secretKey: hand.key.secret_key };
  expect((await inBucket(by, "PUT", "?versioning", suspended)).status).toBe(200);
  const { summary } = await stack.up({ refresh: true });
  expect(summary.resourceChanges).toMatchObject({ update: 1 });
  expect((await inBucket(first, "GET", "?versioning")).text).toContain("Enabled");
  await cloud.ok("DELETE", `/v2/spaces/keys/${hand.key.access_key}`);
});

test("secrets of keys are encrypted in the state", async () => {
  const state = readFileSync(join(folder, ".pulumi/stacks/tests/test.json"), "utf8");
  expect(state).toContain(first.accessKey);
  expect(state).not.toContain(first.secretKey);
  expect(state).not.toMatch(/"(secretKey|spacesSecretKey)": ?"/);
  expect((await stack.outputs()).secretKey?.secret).toBe(true);
});

test("another name renames keys and leaves the bucket what it is", async () => {
  name = "other";
  const { summary } = await stack.up();
  expect(summary.resourceChanges).toMatchObject({ update: 2 });
  expect(summary.resourceChanges).not.toHaveProperty("replace");
  expect((await keys()).map((key) => key.name).sort()).toEqual([
    "other-backup-bucket",
    "other-backups",
  ]);
  expect(await outputs()).toEqual(first);
  name = "hub";
  await stack.up();
});

test("without more it is not destroyed", async () => {
  await expect(stack.destroy()).rejects.toThrow(/protected/);
  // The engine gets as far as the host's key; with another one everything is there.
  await stack.up();
  first = await outputs();
  expect((await inBucket(first, "GET", "/data/one")).text).toBe("overwritten");
});

test("a destroyed hub leaves the bucket; the next one takes it up with a key of its own", async () => {
  const { summary } = await stack.destroy({ excludeProtected: true });
  expect(summary.resourceChanges).toMatchObject({ delete: 1 });
  expect((await keys()).map((key) => key.name)).toEqual(["hub-backup-bucket"]);
  expect((await inBucket(first, "GET", "/data/one")).status).toBe(403);
  await stack.up();
  const next = await outputs();
  expect(next.location).toBe(first.location);
  expect(next.accessKey).not.toBe(first.accessKey);
  expect((await inBucket(next, "GET", "/data/one")).text).toBe("overwritten");
  first = next;
});

test("with objects in it a bucket is not deleted, even when nothing protects it", async () => {
  await changeState((resources) => {
    for (const resource of resources) {
      Object.assign(resource, { protect: false, retainOnDelete: false });
    }
  });
  await expect(stack.destroy()).rejects.toThrow(/Error deleting Spaces Bucket: BucketNotEmpty/);
  const [managing] = await keys();
  expect(managing?.name).toBe("hub-backup-bucket");
});

test("a purge removes bucket, old versions and keys", async () => {
  await stack.up();
  first = await outputs();
  await inBucket(first, "PUT", "/data/a%26b%20%C3%BC", "a key that XML has to escape");
  await inBucket(first, "DELETE", "/data/one");
  const exported = await stack.exportStack();
  makeRemovable(exported.deployment);
  await stack.importStack(exported);
  await stack.destroy();
  expect(await keys()).toEqual([]);
  const probe = await cloud.ok("POST", "/v2/spaces/keys", {
    ...{ name: "probe", grants: [{ bucket: "", permission: "fullaccess" }] },
  });
  const by = { ...first, accessKey: probe.key.access_key, secretKey: probe.key.secret_key };
  expect((await inBucket(by, "GET", "?list-type=2")).status).toBe(404);
});
