/** SSH keys of the account. One public key can be there once. */
import { createHash } from "node:crypto";
import { z } from "zod";
import { notFound, unprocessable } from "./api-error.ts";
import type { Cloud } from "./cloud.ts";
import { page } from "./page.ts";
import { type Route, route, routeWithBody } from "./route.ts";
import type { SshKey } from "./state.ts";

/** The key of this id or fingerprint. */
export function findKey(cloud: Cloud, idOrFingerprint: string | number): SshKey | undefined {
  return cloud.state.keys.find(
    (key) => String(key.id) === String(idOrFingerprint) || key.fingerprint === idOrFingerprint,
  );
}

function key(cloud: Cloud, idOrFingerprint: string | undefined): SshKey {
  const found = findKey(cloud, idOrFingerprint ?? "");
  if (!found) throw notFound();
  return found;
}

/** MD5 of the key's blob in pairs, as `ssh-keygen -E md5 -l` shows it. */
function fingerprintOf(publicKey: string): string {
  const [type, blob] = publicKey.trim().split(/\s+/);
  const bytes = Buffer.from(blob ?? "", "base64");
  const nameLength = bytes.length > 4 ? bytes.readUInt32BE(0) : 0;
  if (!type || bytes.subarray(4, 4 + nameLength).toString() !== type) {
    throw unprocessable("Key invalid, key should be of the format `type key [comment]`");
  }
  const digest = createHash("md5").update(bytes).digest("hex");
  return (digest.match(/../g) as string[]).join(":");
}

const create = z.strictObject({ name: z.string().min(1), public_key: z.string() });
const rename = z.strictObject({ name: z.string().min(1) });

export const keyRoutes: Route[] = [
  route("GET", "/v2/account/keys", (cloud, call) => page(call, "ssh_keys", cloud.state.keys)),
  routeWithBody("POST", "/v2/account/keys", create, (cloud, { body }) => {
    const fingerprint = fingerprintOf(body.public_key);
    if (findKey(cloud, fingerprint)) {
      throw unprocessable("SSH Key is already in use on your account");
    }
    const made = { id: cloud.nextId(), fingerprint, ...body };
    cloud.state.keys.push(made);
    return { status: 201, body: { ssh_key: made } };
  }),
  route("GET", "/v2/account/keys/:key", (cloud, { params }) => ({
    status: 200,
    body: { ssh_key: key(cloud, params.key) },
  })),
  routeWithBody("PUT", "/v2/account/keys/:key", rename, (cloud, { params, body }) => {
    const found = key(cloud, params.key);
    found.name = body.name;
    return { status: 200, body: { ssh_key: found } };
  }),
  route("DELETE", "/v2/account/keys/:key", (cloud, { params }) => {
    const found = key(cloud, params.key);
    cloud.state.keys = cloud.state.keys.filter((one) => one !== found);
    return { status: 204 };
  }),
];
