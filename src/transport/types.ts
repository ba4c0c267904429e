import type { DnsRecordData } from "../protocol/dns/index.ts";

export type TlsVersion = "TLSv1.2" | "TLSv1.3";

/** Why a connection must be as it must be: the precedence is DANE, MTA-STS, the floor (RFC 8461 section 2). */
export type TlsReason =
  | "dane"
  | "mta-sts"
  /** The message asks for it (RFC 8689). */
  | "requiretls"
  /** The operator's shaping file asks for more for this domain. */
  | "operator"
  /** TLS 1.2 with a peer whose certificate is not judged. */
  | "floor"
  /** The operator lets this domain go in clear, or it is a mailed TLS report (RFC 8460 section 5.3). */
  | "exception";

/** What a connection to one host must prove before mail of one recipient domain may use it. */
export type TlsNeed = {
  reason: TlsReason;
  /** False only for an exception: TLS is used where it is offered. */
  encrypted: boolean;
  minVersion: TlsVersion;
  /** `dane`: one of `tlsa` matches. `pkix`: a trusted chain with the host's name. `none`: whoever it is. */
  authenticate: "dane" | "pkix" | "none";
  /** The usable records, for `dane`. */
  tlsa: DnsRecordData["TLSA"][];
  /** The host must offer REQUIRETLS itself. */
  requireTls: boolean;
};

/** What a connection has shown. Taken of every connection, whatever was needed of it. */
export type TlsProof = {
  /** Protocol and cipher, or empty: no TLS. */
  version: string;
  cipher: string;
  /** Certificates in DER, the host's own first. */
  chain: readonly Uint8Array[];
  /** Why the system's authorities do not vouch for the chain (OpenSSL's code), or undefined: they do. */
  untrusted: string | undefined;
  /** The certificate has the name of the host that was asked for. */
  named: boolean;
  offersRequireTls: boolean;
};

/** What the operator's shaping file says of a recipient domain. */
export type DomainRule = {
  /** `clear`: may go without TLS. `verified`: the certificate must be trusted and have the host's name. */
  tls: "clear" | "floor" | "verified";
  minVersion: TlsVersion;
};

/** One of RFC 8460 section 4.3. */
export type TlsResultType =
  | "starttls-not-supported"
  | "certificate-host-mismatch"
  | "certificate-expired"
  | "certificate-not-trusted"
  | "validation-failure"
  | "tlsa-invalid"
  | "dnssec-invalid"
  | "dane-required"
  | "sts-policy-fetch-error"
  | "sts-policy-invalid"
  | "sts-webpki-invalid";

/** One TLS session that was tried for a recipient domain, or a policy that could not be had: for TLS-RPT. */
export type TlsObservation = {
  at: number;
  domain: string;
  policy: { type: "tlsa" | "sts" | "no-policy-found"; strings: string[]; mxHosts: string[] };
  /** Undefined: it succeeded. */
  failure:
    | {
        type: TlsResultType;
        reason: string;
        sendingIp: string;
        mxHost: string;
        mxHelo: string;
        receivingIp: string;
      }
    | undefined;
};
