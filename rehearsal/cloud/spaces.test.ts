/** Keys, buckets and objects, against the real S3 server. */
import { AwsClient } from "aws4fetch";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CloudUnderTest, cloudUnderTest, type Json } from "./cloud-under-test.ts";
import { leftovers, purge } from "./purge.ts";

let cloud: CloudUnderTest;
let full: Json;

beforeAll(async () => {
  cloud = await cloudUnderTest({ spaces: true });
  full = await key([{ bucket: "", permission: "fullaccess" }]);
  for (const bucket of ["first-bucket", "second-bucket"]) {
    expect((await s3(full, "PUT", `/${bucket}`)).status).toBe(200);
  }
});
afterAll(() => cloud?.dispose());

const key = async (grants: object[], name = "a-key") =>
  (await cloud.ok("POST", "/v2/spaces/keys", { name, grants })).key;

/** One request with this key; `code` is S3's name of the error. */
async function s3(
  by: { access_key: string; secret_key: string },
  method: string,
  path: string,
  body?: string,
) {
  const client = new AwsClient({
    ...{ accessKeyId: by.access_key, secretAccessKey: by.secret_key },
    ...{ service: "s3", region: "us-east-1", retries: 0 },
  });
  const answer = await client.fetch(`${cloud.spacesUrl()}${path}`, {
    method,
    ...(body === undefined ? {} : { body }),
  });
  const text = await answer.text();
  return { status: answer.status, text, code: /<Code>(\w+)<\/Code>/.exec(text)?.[1] };
}

const tags = (text: string, name: string) =>
  [...text.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, "g"))].map(([, value]) => value);

describe("keys", () => {
  it("tell their secret once", async () => {
    const made = await key([], "told-once");
    expect(made).toMatchObject({
      name: "told-once",
      grants: [],
      access_key: expect.stringMatching(/^DO00[A-Z0-9]{16}$/),
      secret_key: expect.stringMatching(/^[\w-]{43}$/),
      created_at: expect.stringMatching(/Z$/),
    });
    const { secret_key, ...known } = made;
    const one = await cloud.ok("GET", `/v2/spaces/keys/${made.access_key}`);
    expect(one).toEqual({ key: known });
    const all = await cloud.ok("GET", "/v2/spaces/keys");
    expect(all.keys).toContainEqual(known);
    expect(JSON.stringify(all)).not.toContain(secret_key);
  });

  it("may do on a bucket what they are granted, and nothing on another", async () => {
    const host = await key([{ bucket: "first-bucket", permission: "readwrite" }]);
    const reader = await key([{ bucket: "first-bucket", permission: "read" }]);
    expect((await s3(host, "PUT", "/first-bucket/data/one", "of the host")).status).toBe(200);
    expect(await s3(host, "GET", "/first-bucket/data/one")).toMatchObject({
      ...{ status: 200, text: "of the host" },
    });
    expect(tags((await s3(host, "GET", "/first-bucket?list-type=2")).text, "Key")).toEqual([
      "data/one",
    ]);
    expect(await s3(reader, "GET", "/first-bucket/data/one")).toMatchObject({ status: 200 });
    const refused = { status: 403, code: "AccessDenied" };
    expect(await s3(reader, "PUT", "/first-bucket/data/two", "no")).toMatchObject(refused);
    expect(await s3(reader, "DELETE", "/first-bucket/data/one")).toMatchObject(refused);
    for (const by of [host, reader]) {
      expect(await s3(by, "GET", "/second-bucket?list-type=2")).toMatchObject(refused);
      expect(await s3(by, "PUT", "/second-bucket/data/one", "no")).toMatchObject(refused);
      expect(await s3(by, "DELETE", "/first-bucket")).toMatchObject(refused);
      expect(await s3(by, "PUT", "/third-bucket")).toMatchObject(refused);
    }
    expect((await s3(host, "DELETE", "/first-bucket/data/one")).status).toBe(204);
  });

  it("with a wrong secret, or unknown, are refused", async () => {
    expect(await s3({ ...full, secret_key: "wrong" }, "GET", "/first-bucket")).toMatchObject({
      ...{ status: 403, code: "SignatureDoesNotMatch" },
    });
    expect(await s3({ ...full, access_key: "DO00UNKNOWN" }, "GET", "/")).toMatchObject({
      ...{ status: 403, code: "InvalidAccessKeyId" },
    });
  });

  it("follow their grants, and end when they are deleted", async () => {
    const made = await key([{ bucket: "first-bucket", permission: "readwrite" }], "moves");
    const path = `/v2/spaces/keys/${made.access_key}`;
    const moved = [{ bucket: "second-bucket", permission: "read" }];
    const changed = await cloud.ok("PUT", path, { name: "moved", grants: moved });
    expect(changed.key).toMatchObject({ name: "moved", grants: moved });
    expect(changed.key.secret_key).toBeUndefined();
    expect((await s3(made, "GET", "/first-bucket?list-type=2")).status).toBe(403);
    expect((await s3(made, "GET", "/second-bucket?list-type=2")).status).toBe(200);
    expect((await cloud.ok("PATCH", path, { name: "again" })).key).toMatchObject({
      ...{ name: "again", grants: moved },
    });
    expect((await cloud.call("DELETE", path)).status).toBe(204);
    expect(await s3(made, "GET", "/second-bucket?list-type=2")).toMatchObject({
      ...{ status: 403, code: "InvalidAccessKeyId" },
    });
    expect((await cloud.call("DELETE", path)).status).toBe(404);
  });

  it("are not made for buckets that are not there, nor with grants that make no sense", async () => {
    for (const [grant, reason] of [
      [{ bucket: "not-there", permission: "read" }, /not-there/],
      [{ bucket: "first-bucket", permission: "fullaccess" }, /takes no bucket/],
      [{ bucket: "first-bucket", permission: "write" }, /permission/],
    ] as const) {
      const answer = await cloud.call("POST", "/v2/spaces/keys", { name: "no", grants: [grant] });
      expect(answer.status).toBe(422);
      expect(answer.body.message).toMatch(reason);
    }
  });

  it("work late on request", async () => {
    await cloud.ok("POST", "/_rehearsal/faults", { match: "spaces-key", delayMs: 5_000 });
    const late = await key([{ bucket: "", permission: "fullaccess" }], "late");
    await cloud.ok("DELETE", "/_rehearsal/faults");
    expect(await s3(late, "GET", "/")).toMatchObject({ code: "InvalidAccessKeyId" });
    await expect
      .poll(async () => (await s3(late, "GET", "/")).status, { timeout: 60_000 })
      .toBe(200);
  });
});

describe("a bucket", () => {
  it("with versioning keeps what is overwritten and deleted", async () => {
    const enabled = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    expect((await s3(full, "PUT", "/second-bucket?versioning", enabled)).status).toBe(200);
    await s3(full, "PUT", "/second-bucket/kept", "before");
    await s3(full, "PUT", "/second-bucket/kept", "after");
    await s3(full, "DELETE", "/second-bucket/kept");
    expect((await s3(full, "GET", "/second-bucket/kept")).status).toBe(404);
    const { text } = await s3(full, "GET", "/second-bucket?versions");
    const ids = [...text.matchAll(/<Version>.*?<VersionId>([^<]+)<.*?<\/Version>/gs)];
    const contents = await Promise.all(
      ids.map(
        async ([, id]) => (await s3(full, "GET", `/second-bucket/kept?versionId=${id}`)).text,
      ),
    );
    expect(contents.sort()).toEqual(["after", "before"]);
  });

  it("that is not empty is not deleted, not even of old versions", async () => {
    expect(await s3(full, "DELETE", "/second-bucket")).toMatchObject({
      ...{ status: 409, code: "BucketNotEmpty" },
    });
    const { text } = await s3(full, "GET", "/second-bucket?versions");
    for (const id of tags(text, "VersionId")) {
      await s3(full, "DELETE", `/second-bucket/kept?versionId=${id}`);
    }
    expect((await s3(full, "DELETE", "/second-bucket")).status).toBe(204);
  });
});

it("a restart of the daemon keeps buckets, objects, keys and the address", async () => {
  const host = await key([{ bucket: "first-bucket", permission: "readwrite" }]);
  await s3(host, "PUT", "/first-bucket/over", "the restart");
  const before = cloud.spacesUrl();
  await cloud.restart();
  expect(cloud.spacesUrl()).toBe(before);
  expect((await s3(host, "GET", "/first-bucket/over")).text).toBe("the restart");
  expect((await s3(host, "PUT", "/first-bucket/over", "and on")).status).toBe(200);
});

it("without an S3 server there are no keys to be had", async () => {
  const bare = await cloudUnderTest();
  const answer = await bare.call("POST", "/v2/spaces/keys", { name: "a-key", grants: [] });
  expect(answer).toMatchObject({ status: 503, body: { message: /without object storage/ } });
  await bare.dispose();
});

it("its folder goes with a purge", async () => {
  const instance = "spaces-under-test";
  const other = await cloudUnderTest({ spaces: true });
  const { stateDir } = other;
  expect(await leftovers({ instance, stateDir })).toContain(`file ${stateDir}/spaces`);
  await purge({ instance, stateDir });
  expect(await leftovers({ instance, stateDir })).toEqual([]);
  await other.dispose();
});
