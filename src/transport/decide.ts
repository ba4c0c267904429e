import { formatTlsa, matches, strongest } from "../protocol/dane/index.ts";
import { covers, policyLines, type MtaStsPolicy } from "../protocol/mta-sts/index.ts";
import type {
  DomainRule,
  DomainTransport,
  MessageAsk,
  Published,
  StsState,
  TlsDecision,
  TlsHost,
  TlsNeed,
  TlsProof,
  TlsResultType,
  TlsVerdict,
  TlsVersion,
} from "./types.ts";

type Refusal = { type: TlsResultType; why: string };

/**
 * What a connection to a host must prove before mail of this domain may use it, or why the host is not to be asked.
 * DANE comes before MTA-STS, that before the floor: TLS 1.2 with whoever answers (RFC 8461 section 2).
 *
 * DANE by unsigned MX records authenticates only a host that anybody could have named: there an MTA-STS policy, which
 * authenticates the naming, comes first. The operator's `clear` is local policy and relaxes all of it; a message that
 * requires TLS is not relaxed by it (RFC 8689 section 4.2.1).
 */
export function tlsFor(host: TlsHost, { sts, rule }: DomainTransport, ask: MessageAsk): TlsDecision {
  const published = publishedOf(host, sts);
  const own = ownerAsks(host, sts.policy);
  const refused = (refusal: Refusal, permanent = false): TlsDecision => ({
    ok: false,
    permanent,
    ...refusal,
    published,
  });
  if (ask === "require-tls") {
    const strict = "type" in own ? own : authenticated(host, sts.policy, own);
    // A policy that could not be had now may name the host later.
    if ("type" in strict) return refused(strict, strict !== own && sts.fault === undefined);
    return { ok: true, need: { ...atLeast(strict, rule), requireTls: true }, published };
  }
  if (ask === "tls-report" || rule?.tls === "clear") {
    const need: TlsNeed = { ...floor(host), reason: "exception", encrypted: false };
    return { ok: true, need, published };
  }
  if (ask === "tls-optional") return { ok: true, need: atLeast(floor(host), rule), published };
  return "type" in own ? refused(own) : { ok: true, need: atLeast(own, rule), published };
}

/** What the owner of the domain asks for; `type`: by its own policy this host takes no mail now. */
function ownerAsks(host: TlsHost, policy: MtaStsPolicy | undefined): TlsNeed | Refusal {
  const { dane, mxSecure, name } = host;
  const enforced = policy?.mode === "enforce";
  if (mxSecure || !enforced) {
    if (dane.status === "fault") return faultOf(host);
    if (dane.status === "usable") return daneNeed(host);
  }
  if (enforced) {
    return policy.mx.some((pattern) => covers(pattern, name))
      ? { ...floor(host), reason: "mta-sts", authenticate: "pkix" }
      : {
          type: "validation-failure",
          why: `${name} is not one of the mail hosts that the MTA-STS policy names`,
        };
  }
  return dane.status === "unusable" ? { ...floor(host), reason: "dane" } : floor(host);
}

/** The same need, or a stricter one: the naming of the host and the host itself must be authenticated. */
function authenticated(host: TlsHost, policy: MtaStsPolicy | undefined, need: TlsNeed): TlsNeed | Refusal {
  const covered =
    policy !== undefined && policy.mode !== "none" && policy.mx.some((pattern) => covers(pattern, host.name));
  if (!host.mxSecure && !covered) {
    return {
      type: "dane-required",
      why: `the message requires TLS with an authenticated host, and neither DNSSEC nor MTA-STS says that ${host.name} is one of the domain`,
    };
  }
  return need.authenticate === "none" ? { ...need, reason: "requiretls", authenticate: "pkix" } : need;
}

function floor({ name }: TlsHost): TlsNeed {
  return {
    reason: "floor",
    encrypted: true,
    minVersion: "TLSv1.2",
    authenticate: "none",
    tlsa: [],
    names: [],
    servername: /^[\d.]+$|:/.test(name) ? "" : name,
    requireTls: false,
  };
}

function daneNeed(host: TlsHost): TlsNeed {
  const { dane } = host;
  if (dane.status !== "usable") return floor(host);
  const { records, names, base } = dane;
  return {
    ...floor(host),
    reason: "dane",
    authenticate: "dane",
    tlsa: strongest(records),
    names,
    servername: base,
  };
}

function faultOf({ name, dane }: TlsHost): Refusal {
  if (dane.status !== "fault") throw new Error(`the TLSA records of ${name} are known`);
  const what = dane.kind === "bogus" ? "have signatures that do not hold" : "could not be looked up";
  return { type: "dnssec-invalid", why: `the TLSA records of ${name} ${what}: ${dane.detail}` };
}

/** The operator may ask for more than the owner. */
function atLeast(need: TlsNeed, rule: DomainRule | undefined): TlsNeed {
  if (!rule || rule.tls === "clear") return need;
  const strict: TlsNeed =
    rule.tls === "verified" && need.authenticate === "none"
      ? { ...need, reason: "operator", authenticate: "pkix" }
      : need;
  const minVersion: TlsVersion = rule.minVersion > strict.minVersion ? rule.minVersion : strict.minVersion;
  return minVersion === strict.minVersion ? strict : { ...strict, minVersion };
}

function publishedOf(host: TlsHost, { policy, fault }: StsState): Published {
  const { dane, name } = host;
  if (dane.status !== "none" && (host.mxSecure || policy === undefined || policy.mode === "none")) {
    const strings = dane.status === "fault" ? [] : dane.records.map(formatTlsa);
    const need = dane.status === "usable" ? daneNeed(host) : { ...floor(host), reason: "dane" as const };
    return { policy: { type: "tlsa", strings, mxHosts: [name] }, need };
  }
  if (policy && policy.mode !== "none") {
    const need: TlsNeed = { ...floor(host), reason: "mta-sts", authenticate: "pkix" };
    return { policy: { type: "sts", strings: policyLines(policy), mxHosts: policy.mx }, need };
  }
  const type = fault ? "sts" : "no-policy-found";
  return { policy: { type, strings: [], mxHosts: [] }, need: floor(host) };
}

/** Whether a connection has shown what is needed. `at`: now, in real time, as certificates live in it. */
export function satisfies(need: TlsNeed, proof: TlsProof, at: number): TlsVerdict {
  if (!need.encrypted) return { ok: true };
  if (proof.version === "")
    return failed("starttls-not-supported", "the host offers no encryption (STARTTLS)");
  if (!/^TLSv1\.[23]$/.test(proof.version) || proof.version < need.minVersion) {
    return failed("validation-failure", `the host speaks ${proof.version}, and ${need.minVersion} is needed`);
  }
  const fault = authenticationFault(need, proof, at);
  if (fault) return fault;
  return need.requireTls && !proof.offersRequireTls
    ? failed(
        "validation-failure",
        "the message requires TLS to its end, and the host does not offer that (REQUIRETLS)",
        true,
      )
    : { ok: true };
}

function authenticationFault(need: TlsNeed, proof: TlsProof, at: number): TlsVerdict | undefined {
  if (need.authenticate === "none") return undefined;
  if (need.authenticate === "dane") {
    const presented = { chain: proof.chain, names: need.names, at };
    if (need.tlsa.some((record) => matches(record, presented))) return undefined;
    return failed("validation-failure", "the certificate matches none of the host's TLSA records (DANE)");
  }
  if (proof.untrusted === "CERT_HAS_EXPIRED")
    return failed("certificate-expired", "the certificate has ended");
  if (proof.untrusted !== undefined) {
    const why = `no known authority stands behind the certificate (${proof.untrusted})`;
    return failed("certificate-not-trusted", why);
  }
  return proof.named
    ? undefined
    : failed("certificate-host-mismatch", "the certificate does not have the name of the host");
}

function failed(type: TlsResultType, why: string, permanent = false): TlsVerdict {
  return { ok: false, type, why, permanent };
}

/** `satisfies` of one connection, which judges each need once. */
export function judgeOf(proof: TlsProof, now: () => number): (need: TlsNeed) => TlsVerdict {
  const judged = new WeakMap<TlsNeed, TlsVerdict>();
  return (need) => {
    const verdict = judged.get(need) ?? satisfies(need, proof, now());
    judged.set(need, verdict);
    return verdict;
  };
}
