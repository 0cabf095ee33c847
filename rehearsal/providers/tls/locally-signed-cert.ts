import { createHash } from "node:crypto";
import { z } from "zod";
import type { Resource } from "../resource.ts";
import { algorithmOf, locallySigned } from "./certificate.ts";
import { beginningNow, checkUses, renewalDue, termDefaults, terms } from "./certificate-inputs.ts";

const inputs = z.strictObject({
  ...terms,
  caCertPem: z.string(),
  caPrivateKeyPem: z.string(),
  certRequestPem: z.string(),
});

export const locallySignedCert: Resource<z.infer<typeof inputs>> = {
  type: "tls:index/locallySignedCert:LocallySignedCert",
  inputs,
  replaceOn: Object.keys(inputs.shape).filter((key) => key !== "earlyRenewalHours"),
  defaults: termDefaults,
  computed: [
    "certPem",
    "caKeyAlgorithm",
    "readyForRenewal",
    "validityEndTime",
    "validityStartTime",
  ],
  secrets: ["caPrivateKeyPem"],
  check: checkUses,
  expired: renewalDue,

  async create(given) {
    const begun = beginningNow(given);
    const certPem = locallySigned(
      given.certRequestPem,
      { certificatePem: given.caCertPem, privateKeyPem: given.caPrivateKeyPem },
      begun.terms,
    );
    return {
      id: createHash("sha1").update(certPem).digest("hex"),
      outputs: {
        ...given,
        ...begun.outputs,
        certPem,
        caKeyAlgorithm: algorithmOf(given.caPrivateKeyPem),
      },
    };
  },
};
