import type { DnsFault, DnsRecordData } from "../protocol/dns/index.ts";
import type { MtaStsPolicy } from "../protocol/mta-sts/index.ts";

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
  /** For `dane` by an authority (usage 2): the certificate must have one of them (RFC 7672 section 3.2.2). */
  names: string[];
  /** What the host is asked for by (SNI): the TLSA base domain, or its name; empty for an address literal. */
  servername: string;
  /** The host must offer REQUIRETLS itself. */
  requireTls: boolean;
};

/** What the DNS says about the certificate of one mail host (RFC 7672 section 2.2). */
export type HostDane =
  /** DANE does not apply: nothing is signed, or signed that there is no record. `why`: a few words. */
  | { status: "none"; why: string }
  /** `unusable`: there are records, and none that SMTP uses; TLS is a must, the peer is whoever it is. */
  | {
      status: "usable" | "unusable";
      /** The TLSA base domain: the host's name, or the end of its CNAMEs. */
      base: string;
      /** That, and the names of the mail domain where its MX records are signed. */
      names: string[];
      records: DnsRecordData["TLSA"][];
    }
  /** It could not be known: nothing is sent to this host. */
  | { status: "fault"; kind: DnsFault | undefined; detail: string };

/** One mail host of a domain, as the DNS has it. */
export type TlsHost = {
  /** The exchange of the MX record, or the domain itself; the address of a literal. */
  name: string;
  /** The MX records, or that there is none, are signed. */
  mxSecure: boolean;
  dane: HostDane;
};

/** What MTA-STS says of a domain now (RFC 8461). */
export type StsState = {
  /** The policy in force; undefined: none is known. */
  policy: MtaStsPolicy | undefined;
  /** There is a record, and its policy could not be had; an older one may be in force all the same. */
  fault: { type: StsFault; reason: string } | undefined;
};
export type StsFault = Extract<
  TlsResultType,
  "sts-policy-fetch-error" | "sts-policy-invalid" | "sts-webpki-invalid"
>;

/** Everything that holds for all hosts of a recipient domain. */
export type DomainTransport = { domain: string; sts: StsState; rule: DomainRule | undefined };

/**
 * What the message asks for. `require-tls`: the parameter of RFC 8689; `tls-optional`: its header `TLS-Required: No`;
 * `tls-report`: a mailed report of RFC 8460, which must arrive where TLS fails.
 */
export type MessageAsk = "usual" | "require-tls" | "tls-optional" | "tls-report";

/** What the recipient's own policy asks of a host, whatever we make of it: what reports tell of. */
export type Published = {
  policy: TlsObservation["policy"];
  /** What a session must show to fulfil it. */
  need: TlsNeed;
};

export type TlsDecision =
  | { ok: true; need: TlsNeed; published: Published }
  /** The host is not to be asked. `permanent`: asking later does not help. */
  | { ok: false; permanent: boolean; type: TlsResultType; why: string; published: Published };

export type TlsVerdict = { ok: true } | { ok: false; type: TlsResultType; why: string; permanent: boolean };

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
