/** Keys and certificates, judged by OpenSSL and OpenSSH, the way they will be used. */
import { execFileSync } from "node:child_process";
import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer } from "node:tls";
import ssh2 from "ssh2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { operationUnderTest } from "../operation-under-test.ts";
import { certRequest } from "./cert-request.ts";
import { renewalDue } from "./certificate-inputs.ts";
import { locallySignedCert } from "./locally-signed-cert.ts";
import { privateKey } from "./private-key.ts";
import { selfSignedCert } from "./self-signed-cert.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "aihub-tls-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type KeyInputs = Parameters<typeof privateKey.create>[0];

async function keyOf(inputs: KeyInputs): Promise<Record<string, string>> {
  return (await privateKey.create(inputs, operationUnderTest())).outputs as Record<string, string>;
}

function written(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

const openssl = (...args: string[]) => execFileSync("openssl", args, { encoding: "utf8" });
const sshKeygen = (...args: string[]) => execFileSync("ssh-keygen", args, { encoding: "utf8" });

const kinds: [string, KeyInputs, string, string][] = [
  ["Ed25519", { algorithm: "ED25519" }, "ssh-ed25519", "PRIVATE KEY"],
  ["RSA", { algorithm: "RSA", rsaBits: 2048 }, "ssh-rsa", "RSA PRIVATE KEY"],
  ["P-256", { algorithm: "ECDSA", ecdsaCurve: "P256" }, "ecdsa-sha2-nistp256", "EC PRIVATE KEY"],
  ["P-384", { algorithm: "ECDSA", ecdsaCurve: "P384" }, "ecdsa-sha2-nistp384", "EC PRIVATE KEY"],
  ["P-521", { algorithm: "ECDSA", ecdsaCurve: "P521" }, "ecdsa-sha2-nistp521", "EC PRIVATE KEY"],
];

describe.each(kinds)("a key of %s", (_name, inputs, sshName, pemLabel) => {
  test("is one key in all its forms", async () => {
    const key = await keyOf(inputs);
    expect(key.privateKeyPem).toMatch(new RegExp(`^-----BEGIN ${pemLabel}-----\n`));
    const publicPem = createPublicKey(createPrivateKey(key.privateKeyPem ?? ""))
      .export({ type: "spki", format: "pem" })
      .toString();
    expect(key.publicKeyPem).toBe(publicPem);
    const fromPkcs8 = createPublicKey(createPrivateKey(key.privateKeyPemPkcs8 ?? ""));
    expect(fromPkcs8.export({ type: "spki", format: "pem" })).toBe(publicPem);
    expect(key.publicKeyOpenssh).toMatch(new RegExp(`^${sshName} [A-Za-z0-9+/=]+\n$`));
  });

  test("is read by OpenSSH and by ssh2", async () => {
    const key = await keyOf(inputs);
    const path = written("key", key.privateKeyOpenssh ?? "");
    expect(sshKeygen("-y", "-f", path).trim()).toBe(key.publicKeyOpenssh?.trim());
    const fingerprint = (hash: string) =>
      sshKeygen("-l", "-E", hash, "-f", path).split(" ")[1] ?? "";
    expect(fingerprint("sha256")).toBe(key.publicKeyFingerprintSha256);
    expect(fingerprint("md5")).toBe(`MD5:${key.publicKeyFingerprintMd5}`);
    const parsed = ssh2.utils.parseKey(key.privateKeyOpenssh ?? "");
    if (parsed instanceof Error) throw parsed;
    const signed = parsed.sign("data") as Buffer;
    expect(parsed.verify("data", signed)).toBe(true);
  });
});

test("a key of P-224 has no form for SSH, which has no name for it", async () => {
  const key = await keyOf({ algorithm: "ECDSA" });
  expect(key.publicKeyPem).toContain("PUBLIC KEY");
  expect([key.publicKeyOpenssh, key.privateKeyOpenssh]).toEqual(["", ""]);
});

async function authority(inputs: KeyInputs) {
  const key = await keyOf(inputs);
  const certificate = await selfSignedCert.create(
    {
      privateKeyPem: key.privateKeyPem ?? "",
      isCaCertificate: true,
      maxPathLength: 0,
      subject: { commonName: "AI Hub CA of hub.example.com", organization: "Müller & Söhne" },
      validityPeriodHours: 87_600,
      allowedUses: ["cert_signing", "crl_signing", "digital_signature"],
    },
    operationUnderTest(),
  );
  return { privateKeyPem: key.privateKeyPem ?? "", certPem: String(certificate.outputs.certPem) };
}

async function leaf(inputs: KeyInputs, ca: Awaited<ReturnType<typeof authority>>) {
  const key = await keyOf(inputs);
  const request = await certRequest.create(
    {
      privateKeyPem: key.privateKeyPem ?? "",
      dnsNames: ["hub.localhost", "*.hub.localhost"],
      ipAddresses: ["127.0.0.1", "::1", "2001:db8::17"],
      uris: ["https://hub.localhost/x"],
      subject: { commonName: "hub.localhost", emailAddress: "admin@example.com" },
    },
    operationUnderTest(),
  );
  const certificate = await locallySignedCert.create(
    {
      certRequestPem: String(request.outputs.certRequestPem),
      caPrivateKeyPem: ca.privateKeyPem,
      caCertPem: ca.certPem,
      validityPeriodHours: 9528,
      earlyRenewalHours: 1440,
      setSubjectKeyId: true,
      allowedUses: ["digital_signature", "key_encipherment", "server_auth"],
    },
    operationUnderTest(),
  );
  return {
    privateKeyPem: key.privateKeyPem ?? "",
    requestPem: String(request.outputs.certRequestPem),
    certPem: String(certificate.outputs.certPem),
    outputs: certificate.outputs,
  };
}

describe.each([
  ["Ed25519", { algorithm: "ED25519" }, { algorithm: "ED25519" }],
  ["RSA", { algorithm: "RSA", rsaBits: 2048 }, { algorithm: "ECDSA", ecdsaCurve: "P256" }],
  ["P-256", { algorithm: "ECDSA", ecdsaCurve: "P256" }, { algorithm: "RSA", rsaBits: 2048 }],
  ["P-384", { algorithm: "ECDSA", ecdsaCurve: "P384" }, { algorithm: "ED25519" }],
  ["P-521", { algorithm: "ECDSA", ecdsaCurve: "P521" }, { algorithm: "ECDSA", ecdsaCurve: "P224" }],
] satisfies [string, KeyInputs, KeyInputs][])("an authority of %s", (_name, caKey, leafKey) => {
  test("signs what OpenSSL accepts, strictly", async () => {
    const ca = await authority(caKey);
    const server = await leaf(leafKey, ca);
    const caPath = written("ca.pem", ca.certPem);
    const path = written("server.pem", server.certPem);
    expect(openssl("verify", "-x509_strict", "-CAfile", caPath, caPath)).toContain("OK");
    expect(
      openssl(
        "verify",
        "-x509_strict",
        "-purpose",
        "sslserver",
        "-verify_hostname",
        "a.hub.localhost",
        "-CAfile",
        caPath,
        path,
      ),
    ).toContain("OK");
    const request = written("request.pem", server.requestPem);
    expect(openssl("req", "-in", request, "-noout", "-verify", "-subject")).toMatch(
      /CN ?= ?hub\.localhost/,
    );
  });
});

test("a certificate says what was asked for", async () => {
  const ca = await authority({ algorithm: "ECDSA", ecdsaCurve: "P256" });
  const { certPem, outputs } = await leaf({ algorithm: "ECDSA", ecdsaCurve: "P256" }, ca);
  const certificate = new X509Certificate(certPem);
  const root = new X509Certificate(ca.certPem);
  expect(certificate.checkIssued(root)).toBe(true);
  expect(certificate.verify(root.publicKey)).toBe(true);
  expect([root.ca, certificate.ca]).toEqual([true, false]);
  expect(root.subject).toBe("O=Müller & Söhne\nCN=AI Hub CA of hub.example.com");
  expect(certificate.subjectAltName).toBe(
    "DNS:hub.localhost, DNS:*.hub.localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, " +
      "IP Address:2001:DB8:0:0:0:0:0:17, URI:https://hub.localhost/x",
  );
  expect(certificate.checkIP("2001:db8::17")).toBe("2001:db8::17");
  const hours = (Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)) / 3_600_000;
  expect(hours).toBe(9528);
  expect(Date.parse(String(outputs.validityEndTime))).toBe(Date.parse(certificate.validTo));
  const shown = openssl("x509", "-in", written("shown.pem", certPem), "-noout", "-text");
  expect(shown).toMatch(/Key Usage: critical\s+Digital Signature, Key Encipherment\n/);
  expect(shown).toMatch(/Extended Key Usage:\s+TLS Web Server Authentication\n/);
});

test("a browser's handshake with the pair succeeds, and only with its authority", async () => {
  const ca = await authority({ algorithm: "ECDSA", ecdsaCurve: "P256" });
  const { certPem, privateKeyPem } = await leaf({ algorithm: "ECDSA", ecdsaCurve: "P256" }, ca);
  const server = createServer({ key: privateKeyPem, cert: certPem + ca.certPem });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const handshake = (trusted: string) =>
    new Promise<string>((resolve) => {
      const socket = connect(
        { host: "127.0.0.1", port, ca: trusted, servername: "hub.localhost" },
        () => {
          socket.end();
          resolve("ok");
        },
      );
      socket.on("error", (error) => resolve(error.message));
    });
  try {
    expect(await handshake(ca.certPem)).toBe("ok");
    const stranger = await authority({ algorithm: "ECDSA", ecdsaCurve: "P256" });
    expect(await handshake(stranger.certPem)).not.toBe("ok");
  } finally {
    server.close();
  }
});

test("an authority signs neither with another key nor for a request that was tampered with", async () => {
  const ca = await authority({ algorithm: "ED25519" });
  const other = await authority({ algorithm: "ED25519" });
  await expect(
    leaf({ algorithm: "ED25519" }, { ...ca, privateKeyPem: other.privateKeyPem }),
  ).rejects.toThrow("caPrivateKeyPem is not the key of caCertPem");
  const { requestPem } = await leaf({ algorithm: "ED25519" }, ca);
  const body = Buffer.from(requestPem.replace(/-----.*-----|\n/g, ""), "base64");
  const tampered = Buffer.from(
    body.toString("latin1").replace("hub.localhost", "hub.localh0st"),
    "latin1",
  );
  const bad = `-----BEGIN CERTIFICATE REQUEST-----\n${tampered.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
  const signing = locallySignedCert.create(
    {
      certRequestPem: bad,
      caPrivateKeyPem: ca.privateKeyPem,
      caCertPem: ca.certPem,
      validityPeriodHours: 1,
      allowedUses: ["server_auth"],
    },
    operationUnderTest(),
  );
  await expect(signing).rejects.toThrow("not signed by the key it names");
});

test("uses are in snake case only, as the real provider has them", () => {
  expect(selfSignedCert.check?.({ allowedUses: ["server_auth", "serverAuth"] }, undefined)).toEqual(
    [{ property: "allowedUses[1]", reason: expect.stringContaining('"serverAuth" is not a use') }],
  );
});

test("a certificate near its end is due for renewal", () => {
  const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
  expect(renewalDue({ validityEndTime: inHours(11), earlyRenewalHours: 10 })).toEqual([]);
  expect(renewalDue({ validityEndTime: inHours(9), earlyRenewalHours: 10 })).toEqual([
    "readyForRenewal",
  ]);
  expect(renewalDue({ validityEndTime: inHours(-1) })).toEqual(["readyForRenewal"]);
});
