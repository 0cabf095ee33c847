import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

export interface CertificateArgs {
  hostName: string;
}

const DAY = 24;

/** A certificate from the hub's own CA, for names that no public CA can vouch for. */
export class Certificate extends pulumi.ComponentResource {
  /** PEM of the CA, to be trusted by those who use the hub. */
  readonly ca: pulumi.Output<string>;
  /** PEM chain and key for nginx. */
  readonly chain: pulumi.Output<string>;
  readonly privateKey: pulumi.Output<string>;

  constructor(name: string, args: CertificateArgs, options?: pulumi.ComponentResourceOptions) {
    super("aihub:index:Certificate", name, {}, options);
    const parent = { parent: this };
    const algorithm = { algorithm: "ECDSA", ecdsaCurve: "P256" };
    const caKey = new tls.PrivateKey("ca", algorithm, parent);
    const ca = new tls.SelfSignedCert(
      "ca",
      {
        privateKeyPem: caKey.privateKeyPem,
        isCaCertificate: true,
        subject: { commonName: `AI Hub CA of ${args.hostName}`, organization: "AI Hub" },
        validityPeriodHours: 3650 * DAY,
        allowedUses: ["cert_signing", "crl_signing", "digital_signature"],
      },
      parent,
    );
    const key = new tls.PrivateKey("server", algorithm, parent);
    const request = new tls.CertRequest(
      "server",
      {
        privateKeyPem: key.privateKeyPem,
        dnsNames: [args.hostName],
        subject: { commonName: args.hostName },
      },
      parent,
    );
    const certificate = new tls.LocallySignedCert(
      "server",
      {
        certRequestPem: request.certRequestPem,
        caPrivateKeyPem: caKey.privateKeyPem,
        caCertPem: ca.certPem,
        validityPeriodHours: 365 * DAY,
        earlyRenewalHours: 60 * DAY,
        allowedUses: ["digital_signature", "key_encipherment", "server_auth"],
      },
      parent,
    );
    this.ca = ca.certPem;
    this.chain = pulumi.interpolate`${certificate.certPem}${ca.certPem}`;
    this.privateKey = key.privateKeyPem;
    this.registerOutputs();
  }
}
