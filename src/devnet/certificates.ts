import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
} from "node:crypto";
import type { KeyObject } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { AsnParser, AsnSerializer, OctetString } from "@peculiar/asn1-schema";
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  id_kp_clientAuth,
  id_kp_serverAuth,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from "@peculiar/asn1-x509";

/** PEM, as `tls.createServer` takes it; `cert` carries the authority behind the leaf. */
type Leaf = { key: string; cert: string };

/** Ms since the epoch. */
type Life = { notBefore: number; notAfter: number };

/** A certificate authority of the sandbox: trust `cert` and nothing else. */
export type Authority = {
  /** PEM. */
  cert: string;
  /** A certificate for these DNS names or IP addresses; from yesterday for ten years, unless told. */
  issue(names: readonly string[], life?: Life): Leaf;
};

const ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";
const COMMON_NAME = "2.5.4.3";
const DAY_MS = 86_400_000;
const YEARS_MS = 3650 * DAY_MS;

/** The authority that is kept in `directory` (`ca.key`, `ca.pem`), made on first use. */
export function openAuthority(directory: string): Authority {
  const keyFile = join(directory, "ca.key");
  const certFile = join(directory, "ca.pem");
  if (!existsSync(keyFile) || !existsSync(certFile)) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const made = makeRoot();
    writeFileSync(keyFile, made.key, { mode: 0o600 });
    writeFileSync(certFile, made.cert);
  }
  return authority(readFileSync(keyFile, "utf8"), readFileSync(certFile, "utf8"));
}

/** An authority that lives as long as the program. */
export function createAuthority(): Authority {
  const { key, cert } = makeRoot();
  return authority(key, cert);
}

const AUTHORITY_NAME = "Atmosphere Mail sandbox authority";

function makeRoot(): Leaf {
  const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const usage = KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign;
  const cert = certificate({
    subject: AUTHORITY_NAME,
    publicKey: keys.publicKey,
    issuerKey: keys.privateKey,
    extensions: [
      extension(id_ce_basicConstraints, new BasicConstraints({ cA: true }), true),
      extension(id_ce_keyUsage, new KeyUsage(usage), true),
    ],
  });
  return { key: pem(keys.privateKey), cert };
}

function authority(rootKey: string, rootCert: string): Authority {
  const issuerKey = createPrivateKey(rootKey);
  return {
    cert: rootCert,
    issue(names, life) {
      const [first] = names;
      if (!first) throw new Error("A certificate needs at least one name");
      const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const alternatives = names.map(
        (name) => new GeneralName(isIP(name) ? { iPAddress: name } : { dNSName: name }),
      );
      const cert = certificate({
        subject: first.slice(0, 64),
        publicKey: keys.publicKey,
        issuerKey,
        ...(life && { life }),
        extensions: [
          extension(id_ce_basicConstraints, new BasicConstraints({ cA: false }), true),
          extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.digitalSignature), true),
          extension(id_ce_extKeyUsage, new ExtendedKeyUsage([id_kp_serverAuth, id_kp_clientAuth])),
          extension(id_ce_subjectAltName, new SubjectAlternativeName(alternatives)),
        ],
      });
      return { key: pem(keys.privateKey), cert: `${cert}${rootCert}` };
    },
  };
}

function certificate(fields: {
  subject: string;
  publicKey: KeyObject;
  issuerKey: KeyObject;
  extensions: Extension[];
  life?: Life;
}): string {
  const algorithm = new AlgorithmIdentifier({ algorithm: ECDSA_WITH_SHA256 });
  const now = Date.now();
  const { notBefore, notAfter } = fields.life ?? { notBefore: now - DAY_MS, notAfter: now + YEARS_MS };
  const subjectKey = publicKeyInfo(fields.publicKey);
  const issuerKey = publicKeyInfo(createPublicKey(fields.issuerKey));
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: serialNumber(),
    signature: algorithm,
    issuer: commonName(AUTHORITY_NAME),
    validity: new Validity({ notBefore: new Date(notBefore), notAfter: new Date(notAfter) }),
    subject: commonName(fields.subject),
    subjectPublicKeyInfo: subjectKey,
    extensions: new Extensions([
      ...fields.extensions,
      extension(id_ce_subjectKeyIdentifier, new SubjectKeyIdentifier(keyId(subjectKey))),
      extension(
        id_ce_authorityKeyIdentifier,
        new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(keyId(issuerKey)) }),
      ),
    ]),
  });
  const toSign = Buffer.from(AsnSerializer.serialize(tbsCertificate));
  const signature = sign("sha256", toSign, fields.issuerKey);
  const der = AsnSerializer.serialize(
    new Certificate({
      tbsCertificate,
      signatureAlgorithm: algorithm,
      signatureValue: new Uint8Array(signature).buffer,
    }),
  );
  const lines = Buffer.from(der)
    .toString("base64")
    .replace(/.{64}(?=.)/g, "$&\n");
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

function publicKeyInfo(key: KeyObject): SubjectPublicKeyInfo {
  return AsnParser.parse(key.export({ type: "spki", format: "der" }), SubjectPublicKeyInfo);
}

/** RFC 5280 section 4.2.1.2, method 1. */
function keyId(info: SubjectPublicKeyInfo): ArrayBuffer {
  const digest = createHash("sha1").update(Buffer.from(info.subjectPublicKey)).digest();
  return new Uint8Array(digest).buffer;
}

/** Positive, at most 20 octets (RFC 5280 section 4.1.2.2). */
function serialNumber(): ArrayBuffer {
  const serial = new Uint8Array(randomBytes(16));
  serial[0] = (serial[0]! & 0x3f) | 0x40;
  return serial.buffer;
}

function commonName(text: string): Name {
  const value = new AttributeValue({ utf8String: text });
  return new Name([new RelativeDistinguishedName([new AttributeTypeAndValue({ type: COMMON_NAME, value })])]);
}

function extension(extnID: string, value: object, critical = false): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnSerializer.serialize(value)) });
}

function pem(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}
