/** What the keeping of a certificate is started with. */
export interface CertificateSettings {
  /** Name that the certificate is for. */
  hostName: string;
  /** Directory URL of the ACME server. */
  server: string;
  /** Directory URL of the server at which a first order is tried; undefined: none. */
  stagingServer: string | undefined;
  /** PEM file of the CA by which the server proves itself; an empty or missing file: those that Node knows. */
  caFile: string;
  /** DNS server like 10.0.0.2:53; undefined: the system's. */
  resolver: string | undefined;
  /** Holds state/ (this server's own), exchange/ (with certbot) and webroot/ (what an ACME server fetches). */
  folder: string;
}

/**
 * @param hostName of the hub
 * @returns undefined when no ACME server is named
 * @throws Error for people, naming the variable
 */
export function readCertificateSettings(
  env: Readonly<Record<string, string | undefined>>,
  hostName: string,
): CertificateSettings | undefined {
  const { ACME_SERVER, ACME_STAGING_SERVER, ACME_RESOLVER, ACME_CA_FILE } = env;
  const { CERTIFICATE_FOLDER } = env;
  if (!ACME_SERVER) return undefined;
  if (!CERTIFICATE_FOLDER) throw new Error("CERTIFICATE_FOLDER is not set.");
  return {
    hostName,
    server: ACME_SERVER,
    stagingServer: ACME_STAGING_SERVER || undefined,
    caFile: ACME_CA_FILE ?? "",
    resolver: ACME_RESOLVER || undefined,
    folder: CERTIFICATE_FOLDER,
  };
}
