import { z } from "zod";
import type { Failure } from "../resource.ts";
import type { Properties } from "../wire.ts";
import { type CertificateTerms, uses } from "./certificate.ts";

export const subject = z.strictObject({
  commonName: z.string().optional(),
  country: z.string().optional(),
  emailAddress: z.string().optional(),
  locality: z.string().optional(),
  organization: z.string().optional(),
  organizationalUnit: z.string().optional(),
  postalCode: z.string().optional(),
  province: z.string().optional(),
  serialNumber: z.string().optional(),
  streetAddresses: z.array(z.string()).optional(),
});

export const alternativeNames = {
  dnsNames: z.array(z.string()).optional(),
  ipAddresses: z.array(z.union([z.ipv4(), z.ipv6()])).optional(),
  uris: z.array(z.string()).optional(),
};

export const terms = {
  allowedUses: z.array(z.string()),
  earlyRenewalHours: z.int().min(0).optional(),
  isCaCertificate: z.boolean().optional(),
  maxPathLength: z.int().min(-1).optional(),
  setSubjectKeyId: z.boolean().optional(),
  validityPeriodHours: z.int().min(0),
};

export const termDefaults = {
  earlyRenewalHours: 0,
  isCaCertificate: false,
  setSubjectKeyId: false,
};

interface Terms {
  allowedUses: string[];
  earlyRenewalHours?: number | undefined;
  isCaCertificate?: boolean | undefined;
  maxPathLength?: number | undefined;
  setSubjectKeyId?: boolean | undefined;
  validityPeriodHours: number;
}

/** Names uses that do not exist. The real provider knows them in snake case only. */
export function checkUses(inputs: Properties): Failure[] {
  if (!Array.isArray(inputs.allowedUses)) return [];
  return inputs.allowedUses.flatMap((use, index): Failure[] =>
    typeof use !== "string" || uses.includes(use)
      ? []
      : [
          {
            property: `allowedUses[${index}]`,
            reason: `"${use}" is not a use; the uses are ${uses.join(", ")}`,
          },
        ],
  );
}

/** Terms that begin now, and what the outputs say about them. */
export function beginningNow(given: Terms): { terms: CertificateTerms; outputs: Properties } {
  const validFrom = new Date(Math.floor(Date.now() / 1000) * 1000);
  const validUntil = new Date(validFrom.getTime() + given.validityPeriodHours * 3_600_000);
  const spelled = (at: Date) => at.toISOString().replace(".000Z", "Z");
  return {
    terms: {
      validFrom,
      validUntil,
      allowedUses: given.allowedUses,
      isCa: given.isCaCertificate ?? false,
      maxPathLength: (given.maxPathLength ?? -1) >= 0 ? given.maxPathLength : undefined,
      withSubjectKeyId: given.setSubjectKeyId ?? false,
    },
    outputs: {
      validityStartTime: spelled(validFrom),
      validityEndTime: spelled(validUntil),
      readyForRenewal: false,
    },
  };
}

/** A certificate within `earlyRenewalHours` of its end has to be made anew. */
export function renewalDue(outputs: Properties): string[] {
  const end = Date.parse(String(outputs.validityEndTime));
  const early = Number(outputs.earlyRenewalHours ?? 0) * 3_600_000;
  return Number.isFinite(end) && Date.now() >= end - early ? ["readyForRenewal"] : [];
}
