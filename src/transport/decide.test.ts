import { describe, expect, test } from "vitest";
import { certificates } from "../protocol/dane/certificates.fixture.ts";
import { tlsaOf } from "../protocol/dane/index.ts";
import { judgeOf, satisfies, tlsFor } from "./decide.ts";
import type {
  DomainRule,
  HostDane,
  MessageAsk,
  StsState,
  TlsDecision,
  TlsHost,
  TlsNeed,
  TlsProof,
} from "./types.ts";

const { root, intermediate, leaf, lone } = certificates;
const record = tlsaOf(leaf)!;
const HOST = "mx.x.test";
const daneOf = (status: "usable" | "unusable"): HostDane => ({
  status,
  base: HOST,
  names: [HOST, "x.test"],
  records: [record],
});
const dane: Record<string, HostDane> = {
  none: { status: "none", why: "nothing is signed" },
  usable: daneOf("usable"),
  unusable: daneOf("unusable"),
  bogus: { status: "fault", kind: "bogus", detail: "RRSIG" },
  silent: { status: "fault", kind: "timeout", detail: "no answer" },
};
const sts = (mode: "enforce" | "testing" | "none", mx = ["*.x.test"]): StsState => ({
  policy: { mode, mx, maxAge: 1000 },
  fault: undefined,
});
const policies: Record<string, StsState> = {
  none: { policy: undefined, fault: undefined },
  enforce: sts("enforce"),
  testing: sts("testing"),
  off: sts("none"),
  elsewhere: sts("enforce", ["mx.y.test"]),
  "testing elsewhere": sts("testing", ["mx.y.test"]),
  unfetched: { policy: undefined, fault: { type: "sts-policy-fetch-error", reason: "404" } },
};
const rules: Record<string, DomainRule | undefined> = {
  none: undefined,
  clear: { tls: "clear", minVersion: "TLSv1.2" },
  verified: { tls: "verified", minVersion: "TLSv1.2" },
  "1.3": { tls: "floor", minVersion: "TLSv1.3" },
};

type Case = {
  mx?: "signed" | "unsigned";
  dane?: keyof typeof dane;
  sts?: keyof typeof policies;
  rule?: keyof typeof rules;
  ask?: MessageAsk;
};

function decide(given: Case): TlsDecision {
  const host: TlsHost = {
    name: HOST,
    mxSecure: given.mx !== "unsigned",
    dane: dane[given.dane ?? "none"]!,
  };
  const domain = { domain: "x.test", sts: policies[given.sts ?? "none"]!, rule: rules[given.rule ?? "none"] };
  return tlsFor(host, domain, given.ask ?? "usual");
}

/** `reason authenticate`, with what is unusual about it. */
function inWords(decision: TlsDecision): string {
  if (!decision.ok) return `passed over: ${decision.type}${decision.permanent ? ", for good" : ""}`;
  const { reason, authenticate, encrypted, minVersion, requireTls } = decision.need;
  return [
    reason,
    authenticate,
    ...(encrypted ? [] : ["or clear"]),
    ...(minVersion === "TLSv1.3" ? ["1.3"] : []),
    ...(requireTls ? ["REQUIRETLS"] : []),
  ].join(" ");
}

describe("what a host must show", () => {
  const cases: [string, Case, string][] = [
    ["nothing is published", {}, "floor none"],
    ["DANE", { dane: "usable" }, "dane dane"],
    ["DANE before MTA-STS", { dane: "usable", sts: "enforce" }, "dane dane"],
    [
      "DANE before an MTA-STS policy that does not name the host",
      { dane: "usable", sts: "elsewhere" },
      "dane dane",
    ],
    ["DANE by unsigned MX records, for want of better", { mx: "unsigned", dane: "usable" }, "dane dane"],
    [
      "MTA-STS before DANE by unsigned MX records",
      { mx: "unsigned", dane: "usable", sts: "enforce" },
      "mta-sts pkix",
    ],
    [
      "and it says which hosts there are",
      { mx: "unsigned", dane: "usable", sts: "elsewhere" },
      "passed over: validation-failure",
    ],
    [
      "DANE by unsigned MX records before a policy on trial",
      { mx: "unsigned", dane: "usable", sts: "testing" },
      "dane dane",
    ],
    ["no usable TLSA record: TLS all the same", { dane: "unusable" }, "dane none"],
    ["no usable TLSA record, and MTA-STS", { dane: "unusable", sts: "enforce" }, "mta-sts pkix"],
    ["TLSA records that are bogus", { dane: "bogus" }, "passed over: dnssec-invalid"],
    ["TLSA records that nobody tells", { dane: "silent", sts: "enforce" }, "passed over: dnssec-invalid"],
    [
      "the same by unsigned MX records under MTA-STS",
      { mx: "unsigned", dane: "silent", sts: "enforce" },
      "mta-sts pkix",
    ],
    [
      "the same by unsigned MX records alone",
      { mx: "unsigned", dane: "silent" },
      "passed over: dnssec-invalid",
    ],
    ["MTA-STS", { sts: "enforce" }, "mta-sts pkix"],
    ["a host that MTA-STS does not name", { sts: "elsewhere" }, "passed over: validation-failure"],
    ["MTA-STS on trial", { sts: "testing" }, "floor none"],
    ["MTA-STS on trial, and not this host", { sts: "testing elsewhere" }, "floor none"],
    ["MTA-STS taken back", { sts: "off" }, "floor none"],
    ["MTA-STS that could not be fetched", { sts: "unfetched" }, "floor none"],

    ["the operator lets it go in clear", { rule: "clear" }, "exception none or clear"],
    ["also where DANE asks for more", { rule: "clear", dane: "usable" }, "exception none or clear"],
    ["also where the DNS is broken", { rule: "clear", dane: "bogus" }, "exception none or clear"],
    ["also where MTA-STS names other hosts", { rule: "clear", sts: "elsewhere" }, "exception none or clear"],
    ["the operator asks for a good certificate", { rule: "verified" }, "operator pkix"],
    ["which DANE gives", { rule: "verified", dane: "usable" }, "dane dane"],
    ["and MTA-STS", { rule: "verified", sts: "enforce" }, "mta-sts pkix"],
    ["but not DANE without a usable record", { rule: "verified", dane: "unusable" }, "operator pkix"],
    ["the operator asks for TLS 1.3", { rule: "1.3" }, "floor none 1.3"],
    ["with DANE too", { rule: "1.3", dane: "usable" }, "dane dane 1.3"],

    ["TLS-Required: No", { ask: "tls-optional" }, "floor none"],
    ["TLS-Required: No before DANE", { ask: "tls-optional", dane: "usable" }, "floor none"],
    ["TLS-Required: No where the DNS is broken", { ask: "tls-optional", dane: "bogus" }, "floor none"],
    ["TLS-Required: No before MTA-STS", { ask: "tls-optional", sts: "elsewhere" }, "floor none"],
    ["but not before the operator", { ask: "tls-optional", rule: "verified" }, "operator pkix"],
    ["which may have said clear", { ask: "tls-optional", rule: "clear" }, "exception none or clear"],
    [
      "a mailed report on TLS arrives",
      { ask: "tls-report", sts: "elsewhere", dane: "bogus" },
      "exception none or clear",
    ],

    ["REQUIRETLS with DANE", { ask: "require-tls", dane: "usable" }, "dane dane REQUIRETLS"],
    ["REQUIRETLS with signed MX records alone", { ask: "require-tls" }, "requiretls pkix REQUIRETLS"],
    [
      "REQUIRETLS without a usable TLSA record",
      { ask: "require-tls", dane: "unusable" },
      "requiretls pkix REQUIRETLS",
    ],
    [
      "REQUIRETLS with MTA-STS",
      { ask: "require-tls", mx: "unsigned", sts: "enforce" },
      "mta-sts pkix REQUIRETLS",
    ],
    [
      "REQUIRETLS with MTA-STS on trial, which names the host all the same",
      { ask: "require-tls", mx: "unsigned", sts: "testing" },
      "requiretls pkix REQUIRETLS",
    ],
    [
      "REQUIRETLS with DANE by MX records that only MTA-STS vouches for",
      { ask: "require-tls", mx: "unsigned", sts: "testing", dane: "usable" },
      "dane dane REQUIRETLS",
    ],
    [
      "REQUIRETLS where nobody says whose hosts they are",
      { ask: "require-tls", mx: "unsigned" },
      "passed over: dane-required, for good",
    ],
    [
      "DANE alone does not say it",
      { ask: "require-tls", mx: "unsigned", dane: "usable" },
      "passed over: dane-required, for good",
    ],
    [
      "nor a policy that was taken back",
      { ask: "require-tls", mx: "unsigned", sts: "off" },
      "passed over: dane-required, for good",
    ],
    [
      "nor a policy that names other hosts",
      { ask: "require-tls", mx: "unsigned", sts: "testing elsewhere" },
      "passed over: dane-required, for good",
    ],
    [
      "REQUIRETLS waits for a policy that could not be had",
      { ask: "require-tls", mx: "unsigned", sts: "unfetched" },
      "passed over: dane-required",
    ],
    [
      "REQUIRETLS waits for a broken DNS",
      { ask: "require-tls", dane: "silent" },
      "passed over: dnssec-invalid",
    ],
    [
      "REQUIRETLS before the operator's exception",
      { ask: "require-tls", rule: "clear" },
      "requiretls pkix REQUIRETLS",
    ],
    ["REQUIRETLS with TLS 1.3", { ask: "require-tls", rule: "1.3" }, "requiretls pkix 1.3 REQUIRETLS"],
  ];
  test.each(cases)("%s", (_, given, words) => expect(inWords(decide(given))).toBe(words));
});

describe("what reports tell of", () => {
  test.each<[Case, string, string]>([
    [{}, "no-policy-found", "none"],
    [{ dane: "usable" }, "tlsa", "dane"],
    [{ dane: "unusable", sts: "enforce" }, "tlsa", "none"],
    [{ dane: "bogus" }, "tlsa", "none"],
    [{ sts: "enforce" }, "sts", "pkix"],
    [{ sts: "testing" }, "sts", "pkix"],
    [{ sts: "off" }, "no-policy-found", "none"],
    [{ sts: "unfetched" }, "sts", "none"],
    [{ mx: "unsigned", dane: "usable", sts: "enforce" }, "sts", "pkix"],
    [{ rule: "clear", dane: "usable" }, "tlsa", "dane"],
    [{ ask: "tls-optional", sts: "enforce" }, "sts", "pkix"],
  ])("%o: %s, measured by %s", (given, type, authenticate) => {
    const { published } = decide(given);
    expect([published.policy.type, published.need.authenticate]).toEqual([type, authenticate]);
  });

  test("the lines of the policy and its patterns; the TLSA records", () => {
    expect(decide({ sts: "enforce" }).published.policy).toEqual({
      type: "sts",
      strings: ["version: STSv1", "mode: enforce", "mx: *.x.test", "max_age: 1000"],
      mxHosts: ["*.x.test"],
    });
    expect(decide({ dane: "usable" }).published.policy).toMatchObject({
      type: "tlsa",
      strings: [expect.stringMatching(/^3 1 1 [0-9a-f]{64}$/)],
      mxHosts: [HOST],
    });
  });
});

test("SNI is the TLSA base domain, else the host's name; an address has none", () => {
  const host = (name: string, how: HostDane): TlsHost => ({ name, mxSecure: true, dane: how });
  const domain = { domain: "x.test", sts: policies.none!, rule: undefined };
  const sni = (one: TlsHost) => {
    const decision = tlsFor(one, domain, "usual");
    return decision.ok && decision.need.servername;
  };
  expect(sni(host(HOST, dane.none!))).toBe(HOST);
  expect(sni(host("alias.x.test", { ...daneOf("usable"), base: HOST } as HostDane))).toBe(HOST);
  expect(sni(host("198.41.0.4", dane.none!))).toBe("");
  expect(sni(host("2001:503:ba3e::2:30", dane.none!))).toBe("");
});

describe("whether a connection has shown it", () => {
  const NOW = Date.parse("2027-01-01T00:00:00Z");
  const floor: TlsNeed = {
    reason: "floor",
    encrypted: true,
    minVersion: "TLSv1.2",
    authenticate: "none",
    tlsa: [],
    names: [],
    servername: HOST,
    requireTls: false,
  };
  const need = (change: Partial<TlsNeed>): TlsNeed => ({ ...floor, ...change });
  const proof: TlsProof = {
    version: "TLSv1.3",
    cipher: "TLS_AES_256_GCM_SHA384",
    chain: [leaf, intermediate, root],
    untrusted: undefined,
    named: true,
    offersRequireTls: true,
  };
  const shown = (change: Partial<TlsProof>): TlsProof => ({ ...proof, ...change });
  const inClear = shown({ version: "", cipher: "", chain: [], named: false });
  const ee = need({ authenticate: "dane", tlsa: [record], names: [HOST] });
  const anchor = { ...tlsaOf(root)!, usage: 2 };
  const ta = need({ authenticate: "dane", tlsa: [anchor], names: [HOST] });
  const pkix = need({ authenticate: "pkix" });

  const cases: [string, TlsNeed, TlsProof, string][] = [
    ["the floor", floor, proof, "ok"],
    ["the floor by a stranger", floor, shown({ untrusted: "SELF_SIGNED_CERT", named: false }), "ok"],
    ["the floor with TLS 1.2", floor, shown({ version: "TLSv1.2" }), "ok"],
    ["below the floor", floor, shown({ version: "TLSv1.1" }), "validation-failure"],
    ["in clear", floor, inClear, "starttls-not-supported"],
    ["in clear, by exception", need({ encrypted: false }), inClear, "ok"],
    [
      "TLS 1.2 where 1.3 is asked for",
      need({ minVersion: "TLSv1.3" }),
      shown({ version: "TLSv1.2" }),
      "validation-failure",
    ],
    ["the server's own key", ee, proof, "ok"],
    ["whatever its name, trust and time", ee, shown({ named: false, untrusted: "CERT_HAS_EXPIRED" }), "ok"],
    ["another key", ee, shown({ chain: [lone] }), "validation-failure"],
    ["one of two keys, in a roll-over", need({ ...ee, tlsa: [tlsaOf(lone)!, record] }), proof, "ok"],
    ["an authority above it", ta, shown({ untrusted: "SELF_SIGNED_CERT_IN_CHAIN" }), "ok"],
    [
      "an authority above it, by the mail domain's name",
      need({ ...ta, names: ["mx2.x.test", HOST] }),
      proof,
      "ok",
    ],
    [
      "an authority above it, for another name",
      need({ ...ta, names: ["mx2.x.test"] }),
      proof,
      "validation-failure",
    ],
    ["an authority that is not above it", ta, shown({ chain: [lone, root] }), "validation-failure"],
    ["DANE in clear", ee, inClear, "starttls-not-supported"],
    ["a trusted certificate with the name", pkix, proof, "ok"],
    ["a trusted certificate without it", pkix, shown({ named: false }), "certificate-host-mismatch"],
    ["an expired one", pkix, shown({ untrusted: "CERT_HAS_EXPIRED" }), "certificate-expired"],
    [
      "one of nobody known",
      pkix,
      shown({ untrusted: "DEPTH_ZERO_SELF_SIGNED_CERT" }),
      "certificate-not-trusted",
    ],
    ["REQUIRETLS is offered", need({ requireTls: true }), proof, "ok"],
    [
      "REQUIRETLS is not offered",
      need({ requireTls: true }),
      shown({ offersRequireTls: false }),
      "validation-failure for good",
    ],
  ];
  test.each(cases)("%s", (_, asked, seen, expected) => {
    const verdict = satisfies(asked, seen, NOW);
    expect(verdict.ok ? "ok" : `${verdict.type}${verdict.permanent ? " for good" : ""}`).toBe(expected);
    if (!verdict.ok) expect(verdict.why).toMatch(/^\S.{20,}$/);
  });

  test("a connection judges each need once", () => {
    let asked = 0;
    const judge = judgeOf(proof, () => (asked++, NOW));
    expect([judge(ee).ok, judge(ee).ok, judge(pkix).ok]).toEqual([true, true, true]);
    expect(asked).toBe(2);
  });
});

test("a stronger digest displaces the weaker of the same usage and selector; reports tell of both", () => {
  const stronger = { ...record, matchingType: 2, certificate: Buffer.alloc(64, 1) };
  const dane = { status: "usable" as const, base: HOST, names: [HOST], records: [record, stronger] };
  const host = { name: HOST, mxSecure: true, dane };
  const around = { domain: "x.test", sts: { policy: undefined, fault: undefined }, rule: undefined };
  const decision = tlsFor(host, around, "usual");
  expect(decision.ok && decision.need.tlsa).toEqual([stronger]);
  expect(decision.published.policy.strings).toHaveLength(2);
});
