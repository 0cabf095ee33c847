/** X.509 certificates and certificate requests, written by hand over Node's own signatures. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from "node:crypto";
import { isIPv4, isIPv6 } from "node:net";
import {
  bits,
  boolean,
  type Element,
  elements,
  fromPem,
  ia5,
  integer,
  marked,
  nothing,
  octets,
  oid,
  printable,
  sequence,
  setOf,
  tagged,
  time,
  toPem,
  utf8,
} from "./der.ts";

export type KeyAlgorithm = "RSA" | "ECDSA" | "ED25519";

/** Distinguished name, in Pulumi's words. */
export interface Subject {
  commonName?: string | undefined;
  country?: string | undefined;
  emailAddress?: string | undefined;
  locality?: string | undefined;
  organization?: string | undefined;
  organizationalUnit?: string | undefined;
  postalCode?: string | undefined;
  province?: string | undefined;
  serialNumber?: string | undefined;
  streetAddresses?: string[] | undefined;
}

export interface AlternativeNames {
  dnsNames?: string[] | undefined;
  ipAddresses?: string[] | undefined;
  uris?: string[] | undefined;
}

export interface CertificateTerms {
  validFrom: Date;
  validUntil: Date;
  allowedUses: readonly string[];
  isCa: boolean;
  maxPathLength: number | undefined;
  withSubjectKeyId: boolean;
}

/** Bits of the key usage extension, in their order. */
const KEY_USES = [
  "digital_signature",
  "content_commitment",
  "key_encipherment",
  "data_encipherment",
  "key_agreement",
  "cert_signing",
  "crl_signing",
  "encipher_only",
  "decipher_only",
];

const EXTENDED_USES: Record<string, string> = {
  any_extended: "2.5.29.37.0",
  server_auth: "1.3.6.1.5.5.7.3.1",
  client_auth: "1.3.6.1.5.5.7.3.2",
  code_signing: "1.3.6.1.5.5.7.3.3",
  email_protection: "1.3.6.1.5.5.7.3.4",
  ipsec_end_system: "1.3.6.1.5.5.7.3.5",
  ipsec_tunnel: "1.3.6.1.5.5.7.3.6",
  ipsec_user: "1.3.6.1.5.5.7.3.7",
  timestamping: "1.3.6.1.5.5.7.3.8",
  ocsp_signing: "1.3.6.1.5.5.7.3.9",
  microsoft_server_gated_crypto: "1.3.6.1.4.1.311.10.3.3",
  netscape_server_gated_crypto: "2.16.840.1.113730.4.1",
};

/** What `allowedUses` may hold. */
export const uses: readonly string[] = [...KEY_USES, ...Object.keys(EXTENDED_USES)];

const SUBJECT_KEY_ID = "2.5.29.14";
const KEY_USAGE = "2.5.29.15";
const ALTERNATIVE_NAME = "2.5.29.17";
const BASIC_CONSTRAINTS = "2.5.29.19";
const AUTHORITY_KEY_ID = "2.5.29.35";
const EXTENDED_KEY_USAGE = "2.5.29.37";
const EXTENSION_REQUEST = "1.2.840.113549.1.9.14";

/** A certificate signed with its own key. */
export function selfSigned(
  privateKeyPem: string,
  names: { subject: Subject; alternative: AlternativeNames },
  terms: CertificateTerms,
): string {
  const key = createPrivateKey(privateKeyPem);
  const subject = distinguishedName(names.subject);
  const spki = spkiOf(createPublicKey(key));
  return issue({ subject, spki, issuer: subject, key, terms, authorityKeyId: undefined }, [
    ...alternativeNames(names.alternative),
  ]);
}

/** A request that a certificate be signed (PKCS #10). */
export function certificateRequest(
  privateKeyPem: string,
  subject: Subject,
  alternative: AlternativeNames,
): string {
  const key = createPrivateKey(privateKeyPem);
  const extensions = alternativeNames(alternative);
  const attributes =
    extensions.length > 0 ? [sequence(oid(EXTENSION_REQUEST), setOf(sequence(...extensions)))] : [];
  const info = sequence(
    integer(0),
    distinguishedName(subject),
    spkiOf(createPublicKey(key)),
    tagged(0, ...attributes),
  );
  return toPem("CERTIFICATE REQUEST", signed(info, key));
}

/** A certificate for a request, signed by an authority. Names come from the request, all else from `terms`. */
export function locallySigned(
  requestPem: string,
  ca: { certificatePem: string; privateKeyPem: string },
  terms: CertificateTerms,
): string {
  const request = readRequest(requestPem);
  const authority = readCertificate(ca.certificatePem);
  const key = createPrivateKey(ca.privateKeyPem);
  if (!spkiOf(createPublicKey(key)).equals(authority.spki)) {
    throw new Error("caPrivateKeyPem is not the key of caCertPem");
  }
  return issue(
    {
      subject: request.subject,
      spki: request.spki,
      issuer: authority.subject,
      key,
      terms,
      authorityKeyId: authority.subjectKeyId,
    },
    request.alternativeName ? [request.alternativeName] : [],
  );
}

export function algorithmOf(privateKeyPem: string): KeyAlgorithm {
  const type = createPrivateKey(privateKeyPem).asymmetricKeyType;
  if (type === "rsa") return "RSA";
  if (type === "ec") return "ECDSA";
  if (type === "ed25519") return "ED25519";
  throw new Error(`A key of type ${type} is not supported: use RSA, ECDSA or ED25519.`);
}

function issue(
  about: {
    subject: Buffer;
    spki: Buffer;
    issuer: Buffer;
    key: KeyObject;
    terms: CertificateTerms;
    authorityKeyId: Buffer | undefined;
  },
  names: Buffer[],
): string {
  const { terms, key } = about;
  const extensions: Buffer[] = [];
  const keyUses = keyUsage(terms.allowedUses);
  if (keyUses) extensions.push(extension(KEY_USAGE, true, keyUses));
  const extended = terms.allowedUses.flatMap((use) => EXTENDED_USES[use] ?? []);
  if (extended.length > 0) {
    extensions.push(extension(EXTENDED_KEY_USAGE, false, sequence(...extended.map(oid))));
  }
  const constraints = terms.isCa
    ? [boolean(true), ...(terms.maxPathLength === undefined ? [] : [integer(terms.maxPathLength)])]
    : [];
  extensions.push(extension(BASIC_CONSTRAINTS, true, sequence(...constraints)));
  if (terms.isCa || terms.withSubjectKeyId) {
    extensions.push(extension(SUBJECT_KEY_ID, false, octets(keyId(about.spki))));
  }
  if (about.authorityKeyId) {
    extensions.push(extension(AUTHORITY_KEY_ID, false, sequence(marked(0, about.authorityKeyId))));
  }
  extensions.push(...names);
  const serial = randomBytes(16);
  // A first byte between 0x40 and 0x7f keeps the number positive and its length constant.
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  const certificate = sequence(
    tagged(0, integer(2)),
    integer(serial),
    signatureAlgorithm(key).identifier,
    about.issuer,
    sequence(time(terms.validFrom), time(terms.validUntil)),
    about.subject,
    about.spki,
    tagged(3, sequence(...extensions)),
  );
  return toPem("CERTIFICATE", signed(certificate, key));
}

function signed(body: Buffer, key: KeyObject): Buffer {
  const { identifier, hash } = signatureAlgorithm(key);
  return sequence(body, identifier, bits(sign(hash, body, key)));
}

function signatureAlgorithm(key: KeyObject): { identifier: Buffer; hash: string | null } {
  if (key.asymmetricKeyType === "rsa") {
    return { identifier: sequence(oid("1.2.840.113549.1.1.11"), nothing()), hash: "sha256" };
  }
  if (key.asymmetricKeyType === "ed25519") {
    return { identifier: sequence(oid("1.3.101.112")), hash: null };
  }
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (curve === "secp384r1") {
    return { identifier: sequence(oid("1.2.840.10045.4.3.3")), hash: "sha384" };
  }
  if (curve === "secp521r1") {
    return { identifier: sequence(oid("1.2.840.10045.4.3.4")), hash: "sha512" };
  }
  return { identifier: sequence(oid("1.2.840.10045.4.3.2")), hash: "sha256" };
}

function distinguishedName(subject: Subject): Buffer {
  const parts: [string, string | undefined][] = [
    ["2.5.4.6", subject.country],
    ["2.5.4.10", subject.organization],
    ["2.5.4.11", subject.organizationalUnit],
    ["2.5.4.7", subject.locality],
    ["2.5.4.8", subject.province],
    ...(subject.streetAddresses ?? []).map((line): [string, string] => ["2.5.4.9", line]),
    ["2.5.4.17", subject.postalCode],
    ["2.5.4.3", subject.commonName],
    ["2.5.4.5", subject.serialNumber],
  ];
  const names = parts.flatMap(([type, value]) =>
    value ? [setOf(sequence(oid(type), directoryString(value)))] : [],
  );
  if (subject.emailAddress) {
    names.push(setOf(sequence(oid("1.2.840.113549.1.9.1"), ia5(subject.emailAddress))));
  }
  return sequence(...names);
}

function directoryString(value: string): Buffer {
  return /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(value) ? printable(value) : utf8(value);
}

function alternativeNames({ dnsNames, ipAddresses, uris }: AlternativeNames): Buffer[] {
  const names = [
    ...(dnsNames ?? []).map((name) => marked(2, Buffer.from(name))),
    ...(ipAddresses ?? []).map((address) => marked(7, addressBytes(address))),
    ...(uris ?? []).map((uri) => marked(6, Buffer.from(uri))),
  ];
  return names.length > 0 ? [extension(ALTERNATIVE_NAME, false, sequence(...names))] : [];
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split(".").map(Number));
  if (!isIPv6(address)) throw new Error(`"${address}" is not an IP address`);
  const [head = "", tail] = address.split("::");
  const groups = (text: string) => text.split(":").filter((group) => group !== "");
  const before = groups(head);
  const after = groups(tail ?? "");
  const middle = Array.from({ length: 8 - before.length - after.length }, () => "0");
  return Buffer.from(
    [...before, ...middle, ...after].map((group) => group.padStart(4, "0")).join(""),
    "hex",
  );
}

function extension(type: string, critical: boolean, value: Buffer): Buffer {
  return sequence(oid(type), ...(critical ? [boolean(true)] : []), octets(value));
}

function keyUsage(allowed: readonly string[]): Buffer | undefined {
  const wanted = KEY_USES.map((use) => allowed.includes(use));
  const last = wanted.lastIndexOf(true);
  if (last < 0) return undefined;
  const bytes = Buffer.alloc((last >> 3) + 1);
  for (const [bit, on] of wanted.entries()) {
    if (on) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  }
  return bits(bytes, 7 - (last & 7));
}

function spkiOf(publicKey: KeyObject): Buffer {
  return publicKey.export({ type: "spki", format: "der" });
}

/** SHA-1 of the bare public key, as everybody computes it. */
function keyId(spki: Buffer): Buffer {
  const key = elements(elements(spki)[0]?.contents ?? Buffer.of())[1];
  return createHash("sha1")
    .update(key?.contents.subarray(1) ?? Buffer.of())
    .digest();
}

function readRequest(pem: string) {
  const [body, , signature] = parts(fromPem("CERTIFICATE REQUEST", pem));
  const [, subject, spki, attributes] = elements(body.contents);
  if (!subject || !spki || !signature) throw new Error("certRequestPem is not a request");
  const key = createPublicKey({ key: spki.whole, format: "der", type: "spki" });
  const { hash } = signatureAlgorithm(key);
  if (!verify(hash, body.whole, key, signature.contents.subarray(1))) {
    throw new Error("certRequestPem is not signed by the key it names");
  }
  const wanted = elements(attributes?.contents ?? Buffer.of()).find((attribute) =>
    elements(attribute.contents)[0]?.whole.equals(oid(EXTENSION_REQUEST)),
  );
  const values = wanted && elements(wanted.contents)[1];
  const extensions = values ? elements(elements(values.contents)[0]?.contents ?? Buffer.of()) : [];
  return {
    subject: subject.whole,
    spki: spki.whole,
    alternativeName: find(extensions, ALTERNATIVE_NAME)?.whole,
  };
}

function readCertificate(pem: string) {
  const [body] = parts(fromPem("CERTIFICATE", pem));
  const fields = elements(body.contents);
  // Version and extensions are optional; the subject is the fifth of those that are not.
  const from = fields[0]?.tag === 0xa0 ? 1 : 0;
  const subject = fields[from + 4];
  const spki = fields[from + 5];
  if (!subject || !spki) throw new Error("caCertPem is not a certificate");
  const wrapped = fields.find(({ tag }) => tag === 0xa3);
  const extensions = wrapped
    ? elements(elements(wrapped.contents)[0]?.contents ?? Buffer.of())
    : [];
  const id = find(extensions, SUBJECT_KEY_ID);
  const value = id && elements(id.contents).at(-1);
  return {
    subject: subject.whole,
    spki: spki.whole,
    subjectKeyId: value && elements(value.contents)[0]?.contents,
  };
}

function find(extensions: Element[], type: string): Element | undefined {
  return extensions.find((one) => elements(one.contents)[0]?.whole.equals(oid(type)));
}

function parts(der: Buffer): [Element, Element | undefined, Element | undefined] {
  const [body, algorithm, signature] = elements(elements(der)[0]?.contents ?? Buffer.of());
  if (!body) throw new Error("not a signed structure");
  return [body, algorithm, signature];
}
