/** Spaces: keys with grants, which the S3 server enforces, and what that server knows nothing of. */
import { randomBytes, randomInt } from "node:crypto";
import { z } from "zod";
import { ApiError, notFound, unprocessable } from "./api-error.ts";
import type { Cloud } from "./cloud.ts";
import { spacesKeyDelayMs } from "./faults.ts";
import { page } from "./page.ts";
import { type Route, route, routeWithBody } from "./route.ts";
import type { SpacesServer } from "./spaces-server.ts";
import { type SpacesGrant, type SpacesKey, timestamp } from "./state.ts";

const grant = z.strictObject({
  bucket: z.string(),
  permission: z.enum(["read", "readwrite", "fullaccess"]),
});
const key = z.strictObject({ name: z.string().min(1), grants: z.array(grant).default([]) });
const partOfKey = z.strictObject({
  name: z.string().min(1).optional(),
  grants: z.array(grant).optional(),
});
const lifecycle = z.strictObject({ rules: z.array(z.record(z.string(), z.json())) });

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/** Lets the S3 server follow: a key works from when it is said to, and no longer than it is there. */
export async function followSpaces(cloud: Cloud): Promise<void> {
  const now = Date.now();
  const { spacesKeys } = cloud.state;
  const works = spacesKeys.filter((one) => Date.parse(one.works_at) <= now);
  await cloud.spaces?.admit(works);
  const waits = spacesKeys.map((one) => Date.parse(one.works_at) - now).filter((ms) => ms > 0);
  if (waits.length === 0) return;
  setTimeout(
    () => {
      void followSpaces(cloud).catch((error: unknown) => cloud.log(`Spaces: ${error}`));
    },
    Math.min(...waits) + 10,
  ).unref();
}

function server(cloud: Cloud): SpacesServer {
  if (cloud.spaces) return cloud.spaces;
  throw new ApiError(503, "service_unavailable", "This rehearsal runs without object storage.");
}

function find(cloud: Cloud, accessKey: string | undefined): SpacesKey {
  const found = cloud.state.spacesKeys.find((one) => one.access_key === accessKey);
  if (!found) throw notFound();
  return found;
}

/** Without the secret, which only the answer to its making has. */
const view = ({ secret_key, works_at, ...rest }: SpacesKey) => rest;

async function requireGrantable(cloud: Cloud, grants: SpacesGrant[]): Promise<void> {
  for (const { bucket, permission } of grants) {
    if (permission === "fullaccess") {
      if (bucket !== "") throw unprocessable("a fullaccess grant takes no bucket");
    } else if (!(await server(cloud).hasBucket(bucket))) {
      throw unprocessable(`bucket "${bucket}" not found`);
    }
  }
}

const accessKeyId = () =>
  `DO00${Array.from({ length: 16 }, () => LETTERS[randomInt(LETTERS.length)]).join("")}`;

async function change(
  cloud: Cloud,
  found: SpacesKey,
  to: Partial<Pick<SpacesKey, "name" | "grants">>,
) {
  await requireGrantable(cloud, to.grants ?? []);
  Object.assign(found, to);
  await followSpaces(cloud);
  return { status: 200, body: { key: view(found) } };
}

export const spacesRoutes: Route[] = [
  route("GET", "/v2/spaces/keys", (cloud, call) =>
    page(call, "keys", cloud.state.spacesKeys.map(view)),
  ),
  routeWithBody("POST", "/v2/spaces/keys", key, async (cloud, { body }) => {
    server(cloud);
    await requireGrantable(cloud, body.grants);
    const made: SpacesKey = {
      ...body,
      access_key: accessKeyId(),
      secret_key: randomBytes(32).toString("base64url"),
      created_at: timestamp(),
      works_at: new Date(Date.now() + spacesKeyDelayMs(cloud)).toISOString(),
    };
    cloud.state.spacesKeys.push(made);
    await followSpaces(cloud);
    return { status: 201, body: { key: { ...view(made), secret_key: made.secret_key } } };
  }),
  route("GET", "/v2/spaces/keys/:key", (cloud, { params }) => ({
    status: 200,
    body: { key: view(find(cloud, params.key)) },
  })),
  routeWithBody("PUT", "/v2/spaces/keys/:key", key, (cloud, { params, body }) =>
    change(cloud, find(cloud, params.key), body),
  ),
  routeWithBody("PATCH", "/v2/spaces/keys/:key", partOfKey, (cloud, { params, body }) =>
    change(cloud, find(cloud, params.key), {
      ...(body.name === undefined ? {} : { name: body.name }),
      ...(body.grants === undefined ? {} : { grants: body.grants }),
    }),
  ),
  route("DELETE", "/v2/spaces/keys/:key", async (cloud, { params }) => {
    const found = find(cloud, params.key);
    cloud.state.spacesKeys = cloud.state.spacesKeys.filter((one) => one !== found);
    await followSpaces(cloud);
    return { status: 204 };
  }),
];

/** The S3 server keeps no lifecycle rules, so that they are kept here, for the provider to find; nothing carries them out. */
export const lifecycleRoutes: Route[] = [
  route("GET", "/_rehearsal/spaces/:bucket/lifecycle", (cloud, { params }) => ({
    status: 200,
    body: { rules: cloud.state.bucketLifecycles[params.bucket as string] ?? [] },
  })),
  routeWithBody(
    "PUT",
    "/_rehearsal/spaces/:bucket/lifecycle",
    lifecycle,
    (cloud, { params, body }) => {
      cloud.state.bucketLifecycles[params.bucket as string] = body.rules;
      return { status: 200, body };
    },
  ),
  route("DELETE", "/_rehearsal/spaces/:bucket/lifecycle", (cloud, { params }) => {
    delete cloud.state.bucketLifecycles[params.bucket as string];
    return { status: 204 };
  }),
];
