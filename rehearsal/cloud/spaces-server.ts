/** Object storage with S3's protocol: versitygw on a folder, told again and again which keys may do what. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AwsClient } from "aws4fetch";
import { UserError } from "../../hub/user-error.ts";
import { ownerOf } from "./owner.ts";
import type { SpacesGrant, SpacesKey } from "./state.ts";

/** Folder in the cloud's state directory that holds everything of it. */
export const SPACES_FOLDER = "spaces";

export interface SpacesServerArgs {
  /** Path of versitygw. */
  program: string;
  stateDir: string;
  /** Addresses to listen at; the first is the one that is told. */
  addresses: string[];
  port: number;
}

export interface SpacesServer {
  /** "http://ADDRESS:PORT"; buckets are the first part of the path. */
  endpoint: string;
  /** Makes exactly these keys work, each for what it is granted. Grants on a bucket that is not there do nothing. */
  admit(keys: readonly SpacesKey[]): Promise<void>;
  hasBucket(name: string): Promise<boolean>;
  /** Ends the server; what it holds stays. */
  close(): Promise<void>;
}

const START_TRIES = 300;
const REGION = "us-east-1";
const ROOT = "the-rehearsal";

const readObjects = ["s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectAcl"];
const readBucket = [
  ...["s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketLocation"],
  ...["s3:GetBucketVersioning", "s3:GetBucketAcl"],
];
const rights = {
  read: { objects: readObjects, bucket: readBucket },
  readwrite: {
    objects: [
      ...[...readObjects, "s3:PutObject", "s3:PutObjectAcl"],
      ...["s3:DeleteObject", "s3:DeleteObjectVersion"],
      ...["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
    ],
    bucket: [...readBucket, "s3:ListBucketMultipartUploads"],
  },
};

/** Starts it and waits until it answers. Throws UserError when it cannot listen. */
export async function startSpacesServer(args: SpacesServerArgs): Promise<SpacesServer> {
  const { program, stateDir, addresses, port } = args;
  const folder = join(stateDir, SPACES_FOLDER);
  for (const name of ["buckets", "versions", "accounts"]) {
    mkdirSync(join(folder, name), { recursive: true, mode: 0o700 });
  }
  const secret = ownSecret(folder);
  const endpoint = `http://${addresses[0]}:${port}`;
  // Its own, so that another server on this port is not taken for it.
  const health = `/health-${ownerOf(stateDir)}`;
  const log = join(folder, "log");
  const output = openSync(log, "a", 0o600);
  const child = spawn(
    "setpriv",
    [
      // Its daemon may be killed; the next one needs the address.
      ...["--pdeathsig", "KILL", program],
      ...addresses.flatMap((address) => ["--port", `${address}:${port}`]),
      // Elsewhere than where keys are used, since a key with all rights could make keys there.
      ...["--admin-port", `@${ownerOf(stateDir)}-spaces`],
      ...["--region", REGION, "--health", health, "--quiet"],
      // A key that was taken away must not work for two more minutes.
      ...["--iam-dir", join(folder, "accounts"), "--iam-cache-disable"],
      ...["posix", "--versioning-dir", join(folder, "versions"), join(folder, "buckets")],
    ],
    {
      cwd: folder,
      env: { PATH: process.env.PATH, ROOT_ACCESS_KEY: ROOT, ROOT_SECRET_KEY: secret },
      stdio: ["ignore", output, output],
    },
  );
  const root = new AwsClient({
    ...{ accessKeyId: ROOT, secretAccessKey: secret },
    ...{ service: "s3", region: REGION, retries: 0 },
  });
  try {
    await untilHealthy(child, `${endpoint}${health}`, log);
  } catch (error) {
    await end(child);
    throw error;
  }

  const ask = (method: string, path: string, body?: string) =>
    root.fetch(`${endpoint}${path}`, { method, ...(body === undefined ? {} : { body }) });

  const bucketNames = async () => {
    const listed = await (await ask("GET", "/")).text();
    return [...listed.matchAll(/<Bucket>.*?<Name>([^<]+)<\/Name>/gs)].map(([, name]) => `${name}`);
  };

  return {
    endpoint,
    async admit(keys) {
      writeAccounts(folder, keys);
      for (const bucket of await bucketNames()) {
        const statements = statementsOf(bucket, keys);
        const answer =
          statements.length === 0
            ? await ask("DELETE", `/${bucket}?policy`)
            : await ask(
                "PUT",
                `/${bucket}?policy`,
                JSON.stringify({ Version: "2012-10-17", Statement: statements }),
              );
        // A bucket may go meanwhile, by the hand of one who has a key.
        if (!answer.ok && answer.status !== 404) {
          throw new Error(`policy of bucket ${bucket}: ${answer.status} ${await answer.text()}`);
        }
      }
    },
    hasBucket: async (name) => (await bucketNames()).includes(name),
    close: () => end(child),
  };
}

function ownSecret(folder: string): string {
  const file = join(folder, "root-secret");
  try {
    return readFileSync(file, "utf8");
  } catch {
    const secret = randomBytes(24).toString("hex");
    writeFileSync(file, secret, { mode: 0o600 });
    return secret;
  }
}

async function untilHealthy(child: ChildProcess, health: string, log: string): Promise<void> {
  let ended: string | undefined;
  child.once("exit", (code, signal) => {
    ended = `ended with ${code ?? signal}`;
  });
  child.once("error", (error) => {
    ended = error.message;
  });
  for (let tries = 0; tries < START_TRIES && ended === undefined; tries++) {
    const signal = AbortSignal.timeout(5_000);
    const answer = await fetch(health, { signal }).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(100);
  }
  const { host, port } = new URL(health);
  const said = readFileSync(log, "utf8").trim().split("\n").slice(-4);
  throw new UserError(
    `The simulated Spaces did not start on ${host}: ${ended ?? "it does not answer"}\n  ${said.join("\n  ")}\n` +
      `  See who has its port: ss -ltnp 'sport = :${port}'`,
  );
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const impatient = setTimeout(() => child.kill("SIGKILL"), 5_000);
  await ended;
  clearTimeout(impatient);
}

const isFull = ({ grants }: SpacesKey) =>
  grants.some(({ permission }) => permission === "fullaccess");

/** The server reads this file at each request. */
function writeAccounts(folder: string, keys: readonly SpacesKey[]): void {
  const accessAccounts = Object.fromEntries(
    keys.map((key) => [
      key.access_key,
      {
        access: key.access_key,
        secret: key.secret_key,
        role: isFull(key) ? "admin" : "user",
      },
    ]),
  );
  const file = join(folder, "accounts", "users.json");
  writeFileSync(`${file}.next`, JSON.stringify({ accessAccounts }), { mode: 0o600 });
  chmodSync(`${file}.next`, 0o600);
  renameSync(`${file}.next`, file);
}

function statementsOf(bucket: string, keys: readonly SpacesKey[]) {
  const granted = (permission: SpacesGrant["permission"]) =>
    keys
      .filter((key) => !isFull(key))
      .filter(({ grants }) =>
        grants.some((one) => one.bucket === bucket && one.permission === permission),
      )
      .map((key) => key.access_key);
  return (["read", "readwrite"] as const).flatMap((permission) => {
    const principal = granted(permission);
    if (principal.length === 0) return [];
    const allow = { Effect: "Allow", Principal: { AWS: principal } };
    const { objects, bucket: onBucket } = rights[permission];
    return [
      { ...allow, Action: objects, Resource: [`arn:aws:s3:::${bucket}/*`] },
      { ...allow, Action: onBucket, Resource: [`arn:aws:s3:::${bucket}`] },
    ];
  });
}
