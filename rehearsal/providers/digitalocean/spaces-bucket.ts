import { createHash, randomUUID } from "node:crypto";
import { z } from "zod";
import type { Resource } from "../resource.ts";
import type { Api } from "./api.ts";
import { saying } from "./api.ts";
import { element, type S3, S3Refusal } from "./s3.ts";

const regions = [
  ...["ams3", "atl1", "blr1", "fra1", "lon1", "nyc3"],
  ...["sfo2", "sfo3", "sgp1", "syd1", "tor1"],
];

const lifecycleRule = z.strictObject({
  abortIncompleteMultipartUploadDays: z.int().min(1).optional(),
  enabled: z.boolean(),
  expiration: z
    .strictObject({
      date: z.string().optional(),
      days: z.int().min(0).optional(),
      expiredObjectDeleteMarker: z.boolean().optional(),
    })
    .optional(),
  id: z.string().max(255).optional(),
  noncurrentVersionExpiration: z.strictObject({ days: z.int().min(1).optional() }).optional(),
  prefix: z.string().optional(),
});
type LifecycleRule = z.infer<typeof lifecycleRule>;

const inputs = z.strictObject({
  acl: z.string().optional(),
  forceDestroy: z.boolean().optional(),
  lifecycleRules: z.array(lifecycleRule).optional(),
  name: z.string().min(1),
  region: z
    .string()
    .refine((region) => regions.includes(region.toLowerCase()), {
      error: `expected region to be one of [${regions.join(" ")}]`,
    })
    .optional(),
  versioning: z.strictObject({ enabled: z.boolean().optional() }).optional(),
});
type Inputs = z.infer<typeof inputs>;

/** As many versions as one request lists and deletes. */
const AT_ONCE = 1000;

export const spacesBucket = (api: Api, s3: S3): Resource<Inputs> => {
  const rules = (bucket: string) => `/_rehearsal/spaces/${bucket}/lifecycle`;

  const read = async (id: string, given: Partial<Inputs>) => {
    try {
      await s3.call("HEAD", `/${id}`);
    } catch (error) {
      if (error instanceof S3Refusal && error.status === 404) return undefined;
      throw new Error(`error reading Spaces bucket "${id}": ${(error as Error).message}`);
    }
    const versioning = await s3.call("GET", `/${id}?versioning`);
    const lifecycle = await api.get<{ rules: LifecycleRule[] }>(rules(id));
    const region = (given.region ?? "nyc3").toLowerCase();
    return {
      ...{ name: id, region, acl: given.acl, forceDestroy: given.forceDestroy ?? false },
      versioning: { enabled: element(versioning, "Status") === "Enabled" },
      lifecycleRules: lifecycle.rules,
      bucketUrn: `do:space:${id}`,
      bucketDomainName: `${id}.${region}.digitaloceanspaces.com`,
      endpoint: `${region}.digitaloceanspaces.com`,
    };
  };

  const putAcl = (bucket: string, acl: string) =>
    saying("Error putting Spaces ACL", s3.call("PUT", `/${bucket}?acl`, withAcl(acl)));

  const putVersioning = (bucket: string, enabled: boolean) =>
    saying(
      "Error putting Spaces versioning",
      s3.call("PUT", `/${bucket}?versioning`, {
        body: `<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>${
          enabled ? "Enabled" : "Suspended"
        }</Status></VersioningConfiguration>`,
      }),
    );

  /** The S3 server answers that it has no lifecycle, once it has found bucket and key to be right; so they are kept beside it. */
  const putLifecycle = async (bucket: string, wanted: LifecycleRule[]) => {
    await saying(
      "Error putting S3 lifecycle",
      notImplemented(s3.call("GET", `/${bucket}?lifecycle`)),
    );
    if (wanted.length === 0) return api.delete(rules(bucket));
    await api.put(rules(bucket), {
      rules: wanted.map((rule) => ({ ...rule, id: rule.id ?? `tf-s3-lifecycle-${randomUUID()}` })),
    });
  };

  /** Deletes up to a thousand versions and marks. */
  const empty = async (bucket: string) => {
    const listed = await s3.call("GET", `/${bucket}?versions&max-keys=${AT_ONCE}`);
    const objects = [...listed.matchAll(/<(Version|DeleteMarker)>(.*?)<\/\1>/gs)].map(
      // Keys stay as they are written: they go back into XML.
      ([, , one = ""]) =>
        `<Object><Key>${element(one, "Key")}</Key><VersionId>${element(one, "VersionId")}</VersionId></Object>`,
    );
    const body = `<Delete><Quiet>true</Quiet>${objects.join("")}</Delete>`;
    const digest = createHash("md5").update(body).digest("base64");
    const answer = await s3.call("POST", `/${bucket}?delete`, {
      ...{ body, headers: { "content-md5": digest } },
    });
    const refused = element(answer, "Message");
    if (refused !== undefined) throw new Error(refused);
  };

  const remove = async (bucket: string, force: boolean): Promise<void> => {
    try {
      await s3.call("DELETE", `/${bucket}`);
    } catch (error) {
      if (force && error instanceof S3Refusal && error.code === "BucketNotEmpty") {
        await saying("Error Spaces Bucket force_destroy error deleting", empty(bucket));
        return remove(bucket, force);
      }
      throw new Error(`Error deleting Spaces Bucket: ${(error as Error).message} "${bucket}"`);
    }
  };

  return {
    type: "digitalocean:index/spacesBucket:SpacesBucket",
    inputs,
    replaceOn: ["name", "region"],
    autoname: true,
    defaults: { acl: "private", forceDestroy: false, region: "nyc3" },
    computed: ["bucketDomainName", "bucketUrn", "endpoint"],

    async create(given) {
      const acl = given.acl ?? "private";
      await saying("Error creating Spaces bucket", s3.call("PUT", `/${given.name}`, withAcl(acl)));
      await putAcl(given.name, acl);
      if (given.versioning) await putVersioning(given.name, given.versioning.enabled ?? false);
      if (given.lifecycleRules) await putLifecycle(given.name, given.lifecycleRules);
      const outputs = await read(given.name, given);
      if (!outputs) throw new Error(`Spaces bucket "${given.name}" is not there after its making`);
      return { id: given.name, outputs };
    },

    read: (id, old) => read(id, { ...old.outputs, ...old.inputs } as Partial<Inputs>),

    async update(id, given, old) {
      const changed = (key: keyof Inputs) =>
        JSON.stringify(given[key]) !== JSON.stringify(old.inputs[key]);
      if (changed("acl")) await putAcl(id, given.acl ?? "private");
      if (changed("versioning")) await putVersioning(id, given.versioning?.enabled ?? false);
      if (changed("lifecycleRules")) await putLifecycle(id, given.lifecycleRules ?? []);
      const outputs = await read(id, given);
      if (!outputs) throw new Error(`Spaces bucket "${id}" not found after its update`);
      return outputs;
    },

    async delete(id, old) {
      await remove(id, old.outputs.forceDestroy === true);
      await api.delete(rules(id));
    },
  };
};

const withAcl = (acl: string) => ({ headers: { "x-amz-acl": acl } });

async function notImplemented(answer: Promise<string>): Promise<void> {
  try {
    await answer;
  } catch (error) {
    if (error instanceof S3Refusal && error.code === "NotImplemented") return;
    throw error;
  }
}
