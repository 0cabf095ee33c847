/** Whether the DNS lets a CA issue for a name (RFC 8659). */
import type { CaaRecord, NameLookup } from "./name-lookup.ts";

/** Tags that say nothing about who may issue for a single name by this way. */
const known = new Set(["issue", "issuewild", "iodef", "issuemail", "issuevmc", "contactemail"]);

/**
 * The name, and those above it, are asked until one has records.
 * @param identities names of the CA, like "letsencrypt.org"; none: whatever forbids somebody forbids it
 * @returns undefined when it may, else the name that forbids it and what stands there
 * @throws Error when the DNS does not answer: a CA would refuse as well
 */
export async function caaRefusal(
  name: string,
  identities: readonly string[],
  lookup: NameLookup,
): Promise<{ name: string; records: string } | undefined> {
  const labels = name.split(".");
  for (let above = 0; above < labels.length; above++) {
    const at = labels.slice(above).join(".");
    const records = await lookup.caa(at);
    if (records.length === 0) continue;
    const shown = records.map(({ tag, value }) => `${tag} "${value}"`).join(", ");
    return mayIssue(records, identities) ? undefined : { name: at, records: shown };
  }
  return undefined;
}

function mayIssue(records: readonly CaaRecord[], identities: readonly string[]): boolean {
  if (records.some(({ tag, critical }) => critical && !known.has(tag))) return false;
  const issuers = records.filter(({ tag }) => tag === "issue");
  if (issuers.length === 0) return true;
  return issuers.some(({ value }) => {
    const [issuer = "", ...parameters] = value.split(";").map((part) => part.trim());
    const methods = parameters
      .find((parameter) => /^validationmethods\s*=/i.test(parameter))
      ?.replace(/^[^=]*=/, "")
      .split(",")
      .map((method) => method.trim());
    return (
      identities.some((identity) => identity.toLowerCase() === issuer.toLowerCase()) &&
      (methods === undefined || methods.includes("http-01"))
    );
  });
}
