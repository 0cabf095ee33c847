/**
 * Fetches a document that a stranger named: by HTTPS from a public address, without following redirects. The address is checked
 * where the connection is made, so that a name that changes its address between two looks gains nothing.
 */
import { lookup as lookUp } from "node:dns";
import { request } from "node:https";
import { BlockList, isIP, type LookupFunction } from "node:net";

/** Bytes of a document. */
const LARGEST = 16 * 1024;

/** IANA's special-purpose addresses, multicast and all that is reserved. */
const inside = new BlockList();
for (const [address, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.31.196.0", 24],
  ["192.52.193.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["192.175.48.0", 24],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const)
  inside.addSubnet(address, prefix, "ipv4");

/** Of the addresses in version 6 only global unicast is outside, without the parts of it that lead elsewhere. */
const outside6 = new BlockList();
outside6.addSubnet("2000::", 3, "ipv6");
const inside6 = new BlockList();
for (const [address, prefix] of [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["2620:4f:8000::", 48],
  ["3fff::", 20],
] as const)
  inside6.addSubnet(address, prefix, "ipv6");

/** Whether an address is anybody's on the internet, as opposed to one inside the hub's host or its network. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !inside.check(address, "ipv4");
  return family === 6 && outside6.check(address, "ipv6") && !inside6.check(address, "ipv6");
}

/** As the system looks up, but fails when any of a name's addresses is inside. */
export function publicLookup(resolve: typeof lookUp = lookUp): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, "", 0);
      const [first] = addresses;
      if (!first || !addresses.every(({ address }) => isPublicAddress(address)))
        return callback(new Error(`${hostname} is not on the internet`), "", 0);
      if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

/** Like fetch. Throws an Error when the address is not allowed, or the document does not come as it should. */
export async function publicFetch(
  input: string | URL,
  init: RequestInit = {},
  lookup: LookupFunction = publicLookup(),
): Promise<Response> {
  const url = new URL(input);
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  if (url.protocol !== "https:" || url.port !== "" || url.username !== "" || url.password !== "")
    throw new Error("only https addresses without a port are fetched");
  // A literal address is not looked up.
  if (isIP(hostname) !== 0 && !isPublicAddress(hostname))
    throw new Error(`${hostname} is not on the internet`);
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      {
        method: "GET",
        headers: { Accept: "application/json", "User-Agent": "aihub" },
        lookup,
        agent: false,
        signal: init.signal ?? AbortSignal.timeout(5_000),
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        let size = 0;
        incoming.on("data", (chunk: Buffer) => {
          size += chunk.length;
          if (size > LARGEST) outgoing.destroy(new Error("the document is too large"));
          else chunks.push(chunk);
        });
        incoming.on("error", reject);
        incoming.on("end", () => {
          const status = incoming.statusCode ?? 0;
          const headers = new Headers();
          for (const name of ["cache-control", "expires", "content-type"]) {
            const value = incoming.headers[name];
            if (typeof value === "string") headers.set(name, value);
          }
          // Anything but 200 is refused, a redirect included; Response takes no 1xx.
          resolve(
            status === 200
              ? new Response(Buffer.concat(chunks), { status, headers })
              : new Response(null, { status: 502 }),
          );
        });
      },
    );
    outgoing.on("error", reject);
    outgoing.end();
  });
}
