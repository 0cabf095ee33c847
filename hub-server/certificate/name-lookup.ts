/** What the DNS says about a name. */
import { Resolver } from "node:dns/promises";

export interface CaaRecord {
  /** In lower case, like "issue". */
  tag: string;
  /** Like "letsencrypt.org; validationmethods=http-01". */
  value: string;
  /** One who does not know the tag must not issue. */
  critical: boolean;
}

export interface NameLookup {
  /** IPv4 and IPv6 addresses; none when the name has none. @throws Error when the servers do not answer */
  addresses(name: string): Promise<string[]>;
  /** Records of this very name; none when it has none. @throws Error when the servers do not answer */
  caa(name: string): Promise<CaaRecord[]>;
}

/** `server`: like 10.0.0.2:53; undefined: the system's. */
export function nameLookup(server: string | undefined): NameLookup {
  const resolver = new Resolver({ timeout: 3_000, tries: 3 });
  if (server !== undefined) resolver.setServers([server]);
  return {
    async addresses(name) {
      const [four, six] = await Promise.all([
        orNone(resolver.resolve4(name)),
        orNone(resolver.resolve6(name)),
      ]);
      return [...four, ...six];
    },
    async caa(name) {
      const records = await orNone(resolver.resolveCaa(name));
      return records.flatMap(({ critical, ...tags }) =>
        Object.entries(tags)
          .filter((entry): entry is [string, string] => typeof entry[1] === "string")
          // Node names the type beside the tags.
          .filter(([tag]) => tag !== "type")
          .map(([tag, value]) => ({ tag: tag.toLowerCase(), value, critical: critical > 0 })),
      );
    },
  };
}

async function orNone<T>(answer: Promise<T[]>): Promise<T[]> {
  try {
    return await answer;
  } catch (error) {
    if (["ENODATA", "ENOTFOUND"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}
