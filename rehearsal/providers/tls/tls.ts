import tlsPackage from "@pulumi/tls/package.json" with { type: "json" };
import type { Provider } from "../resource.ts";
import { certRequest } from "./cert-request.ts";
import { locallySignedCert } from "./locally-signed-cert.ts";
import { privateKey } from "./private-key.ts";
import { selfSignedCert } from "./self-signed-cert.ts";

export function tlsProvider(): Provider {
  return {
    name: "tls",
    version: tlsPackage.version,
    configKeys: ["proxy"],
    resources: [privateKey, selfSignedCert, certRequest, locallySignedCert],
    functions: [],
  };
}
