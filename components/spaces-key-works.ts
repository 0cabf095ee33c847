import * as pulumi from "@pulumi/pulumi";
import { AwsClient } from "aws4fetch";

export interface MadeKey {
  /** Address of the region's object storage, without a slash at its end. */
  endpoint: string;
  /** Bucket that it is for; left out: all. */
  bucket?: string;
  accessKey: string;
  secretKey: string;
  /** ISO time. */
  createdAt: string;
}

/** Age from which on a key is taken to work. */
const SETTLED_MS = 10 * 60_000;
const PATIENCE_MS = 3 * 60_000;
const PAUSE_MS = 1_000;

/**
 * Waits until Spaces takes a key that was just made, which may be seconds later; DigitalOcean's provider would fail
 * instead. Asks nothing in a preview and of an older key. Throws a RunError when it is still refused after minutes.
 */
export async function spacesKeyWorks(key: MadeKey): Promise<void> {
  const age = Date.now() - Date.parse(key.createdAt);
  if (pulumi.runtime.isDryRun() || !(Math.abs(age) < SETTLED_MS)) return;
  const client = new AwsClient({
    ...{ accessKeyId: key.accessKey, secretAccessKey: key.secretKey },
    ...{ service: "s3", region: "us-east-1", retries: 0 },
  });
  const url = `${key.endpoint}/${key.bucket === undefined ? "" : `${key.bucket}?list-type=2&max-keys=1`}`;
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    const said = await client
      .fetch(url, { signal: AbortSignal.timeout(30_000) })
      .then(async (answer) => {
        const text = await answer.text();
        const code = /<Code>(\w+)<\/Code>/.exec(text)?.[1];
        return answer.ok ? undefined : `${answer.status} ${code ?? answer.statusText}`;
      })
      .catch((error: Error) => (error.cause instanceof Error ? error.cause : error).message);
    if (said === undefined) return;
    if (Date.now() > until) {
      throw new pulumi.RunError(
        `Spaces does not take the key ${key.accessKey} that was just made: ${url} says ${said}.\n` +
          "  See whether https://status.digitalocean.com tells of Spaces, then run up again.",
      );
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
