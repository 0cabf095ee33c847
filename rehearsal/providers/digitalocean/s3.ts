import { AwsClient } from "aws4fetch";

/** A refusal of object storage; the text is what the real provider prints. */
export class S3Refusal extends Error {
  override name = "S3Refusal";
  readonly status: number;
  /** S3's name of the error, such as "NoSuchBucket"; that of the status where the answer has no body. */
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(`${code}: ${message}\n\tstatus code: ${status}`);
    this.status = status;
    this.code = code;
  }
}

export interface S3Settings {
  accessKey: string | undefined;
  secretKey: string | undefined;
}

/** Object storage, buckets by the first part of the path. Paths begin with "/". Answers are XML or empty. */
export interface S3 {
  settings: S3Settings;
  /** Throws S3Refusal; an Error where no key is configured or nothing answers. */
  call(
    method: string,
    path: string,
    more?: { body?: string; headers?: Record<string, string> },
  ): Promise<string>;
}

const REQUEST_TIMEOUT_MS = 60_000;
const codes: Record<number, string> = { 403: "Forbidden", 404: "NotFound" };

export function connectS3(endpoint: string | undefined, settings: S3Settings): S3 {
  const s3: S3 = {
    settings,
    async call(method, path, { body, headers = {} } = {}) {
      const { accessKey, secretKey } = s3.settings;
      if (!accessKey || !secretKey) throw new Error("Spaces credentials not configured");
      if (endpoint === undefined) throw new Error("This rehearsal runs without object storage");
      const client = new AwsClient({
        ...{ accessKeyId: accessKey, secretAccessKey: secretKey },
        ...{ service: "s3", region: "us-east-1" },
      });
      const answer = await client.fetch(`${endpoint}${path}`, {
        ...{ method, headers, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) },
        ...(body === undefined ? {} : { body }),
      });
      const text = await answer.text();
      if (answer.ok) return text;
      const code = element(text, "Code") ?? codes[answer.status] ?? answer.statusText;
      throw new S3Refusal(answer.status, code, element(text, "Message") ?? "");
    },
  };
  return s3;
}

/** Text of the first element of this name, as it is written in the XML. */
export function element(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
}
