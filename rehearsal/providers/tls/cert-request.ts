import { createHash } from "node:crypto";
import { z } from "zod";
import type { Resource } from "../resource.ts";
import { algorithmOf, certificateRequest } from "./certificate.ts";
import { alternativeNames, subject } from "./certificate-inputs.ts";

const inputs = z.strictObject({
  ...alternativeNames,
  privateKeyPem: z.string(),
  subject: subject.optional(),
});

export const certRequest: Resource<z.infer<typeof inputs>> = {
  type: "tls:index/certRequest:CertRequest",
  inputs,
  replaceOn: Object.keys(inputs.shape),
  computed: ["certRequestPem", "keyAlgorithm"],
  secrets: ["privateKeyPem"],

  async create(given) {
    const certRequestPem = certificateRequest(given.privateKeyPem, given.subject ?? {}, given);
    return {
      id: createHash("sha1").update(certRequestPem).digest("hex"),
      outputs: { ...given, certRequestPem, keyAlgorithm: algorithmOf(given.privateKeyPem) },
    };
  },
};
