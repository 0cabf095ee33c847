import { createHash } from "node:crypto";
import { z } from "zod";
import type { Resource } from "../resource.ts";
import { algorithmOf, selfSigned } from "./certificate.ts";
import {
  alternativeNames,
  beginningNow,
  checkUses,
  renewalDue,
  subject,
  termDefaults,
  terms,
} from "./certificate-inputs.ts";

const inputs = z.strictObject({
  ...terms,
  ...alternativeNames,
  privateKeyPem: z.string(),
  setAuthorityKeyId: z.boolean().optional(),
  subject: subject.optional(),
});

export const selfSignedCert: Resource<z.infer<typeof inputs>> = {
  type: "tls:index/selfSignedCert:SelfSignedCert",
  inputs,
  replaceOn: Object.keys(inputs.shape).filter((key) => key !== "earlyRenewalHours"),
  defaults: { ...termDefaults, setAuthorityKeyId: false },
  computed: ["certPem", "keyAlgorithm", "readyForRenewal", "validityEndTime", "validityStartTime"],
  secrets: ["privateKeyPem"],
  check: checkUses,
  expired: renewalDue,

  async create(given) {
    const begun = beginningNow(given);
    const certPem = selfSigned(
      given.privateKeyPem,
      { subject: given.subject ?? {}, alternative: given },
      begun.terms,
    );
    return {
      id: createHash("sha1").update(certPem).digest("hex"),
      outputs: {
        ...given,
        ...begun.outputs,
        certPem,
        keyAlgorithm: algorithmOf(given.privateKeyPem),
      },
    };
  },
};
