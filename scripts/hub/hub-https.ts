/** HTTPS to a hub at its address, under its name: no DNS has to lead there. */
import { request } from "node:https";

export interface HubAddress {
  address: string;
  hostName: string;
  /** PEM of the CA that its certificate comes from; unset: a public one. `any`: whatever is shown, for others to judge. */
  ca?: string | "any" | undefined;
}

export interface HubRequest {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  /** Milliseconds for all of it. Default 60,000. */
  within?: number;
}

/** @throws the connection's error, or a timeout */
export function askHub(
  { address, hostName, ca }: HubAddress,
  path: string,
  { method = "GET", headers = {}, body, within = 60_000 }: HubRequest = {},
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        ...{ host: address, port: 443, servername: hostName, path, method },
        ...(ca === "any" ? { rejectUnauthorized: false } : ca === undefined ? {} : { ca }),
        headers: { Host: hostName, ...headers },
        agent: false,
        signal: AbortSignal.timeout(within),
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.once("error", reject);
        answer.once("end", () =>
          resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
        );
      },
    );
    asked.once("error", reject);
    asked.end(body);
  });
}
