import { describe, expect, test } from "vitest";
import type { DnsAnswer, DnsType, Resolver } from "../protocol/dns/index.ts";
import { lookUpDane } from "./dane.ts";
import { tlsFor } from "./decide.ts";

const digest = Buffer.alloc(32, 7);
const tlsa = (usage: number, selector = 1, matchingType = 1) => ({
  usage,
  selector,
  matchingType,
  certificate: matchingType === 2 ? Buffer.alloc(64, 7) : digest,
  ttl: 60,
});

type Say = {
  records?: object[];
  signed?: boolean;
  status?: "nodata" | "nxdomain" | "bogus" | "servfail" | "timeout";
};
type Zone = Record<string, Say>;

function answerOf<T extends DnsType>(say: Say | undefined, canonical?: string): DnsAnswer<T> {
  const authentic = say?.signed ?? true;
  if (say?.status === "bogus" || say?.status === "servfail" || say?.status === "timeout")
    return { status: "temperror", detail: say.status, kind: say.status };
  if (say?.status) return { status: say.status, authentic };
  if (!say?.records) return { status: "nodata", authentic };
  const answer = { status: "ok", authentic, records: say.records, ...(canonical && { canonical }) };
  return answer as unknown as DnsAnswer<T>;
}

function resolverOf(zone: Zone): Resolver & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    async resolve<T extends DnsType>(name: string, type: T): Promise<DnsAnswer<T>> {
      asked.push(`${name} ${type}`);
      return answerOf<T>(zone[`${name} ${type}`]);
    },
  };
}

const HOST = "mx.x.test";
const TLSA = "_25._tcp.mx.x.test TLSA";
const A = { records: [{ address: "198.41.0.4", ttl: 60 }] };

type Given = { mx?: boolean; addresses?: boolean; alias?: string; zone: Zone };

async function look({ mx = true, addresses = true, alias, zone }: Given) {
  const answers = [
    answerOf<"A">({ ...A, signed: addresses }, alias),
    answerOf<"AAAA">({ status: "nodata", signed: addresses }),
  ];
  const resolver = resolverOf(zone);
  const securedDomains = mx ? ["x.test"] : [];
  const dane = await lookUpDane({ name: HOST, answers, securedDomains }, resolver);
  return { dane, asked: resolver.asked };
}

/** The table in KumoMTA's reference of `enable_dane`; its row of unsigned MX records is ours, as RFC 7672 section 2.2.1 lets us. */
describe("outcomes", () => {
  const usable = { [TLSA]: { records: [tlsa(3)] } };
  const rows: [chain: string, lookup: string, Given, dane: string, tls: string][] = [
    ["secure", "DANE-EE(3)", { zone: usable }, "usable", "dane dane"],
    ["secure", "DANE-TA(2)", { zone: { [TLSA]: { records: [tlsa(2, 0)] } } }, "usable", "dane dane"],
    [
      "secure",
      "whole certificate, matching type 0",
      { zone: { [TLSA]: { records: [tlsa(3, 0, 0)] } } },
      "usable",
      "dane dane",
    ],
    [
      "secure",
      "SHA-512, matching type 2",
      { zone: { [TLSA]: { records: [tlsa(3, 0, 2)] } } },
      "usable",
      "dane dane",
    ],
    [
      "secure",
      "one usable beside others",
      { zone: { [TLSA]: { records: [tlsa(1), tlsa(3), tlsa(3, 1, 9)] } } },
      "usable",
      "dane dane",
    ],
    [
      "secure",
      "PKIX-TA(0) and PKIX-EE(1) only",
      { zone: { [TLSA]: { records: [tlsa(0), tlsa(1)] } } },
      "unusable",
      "dane none",
    ],
    [
      "secure",
      "an unknown selector",
      { zone: { [TLSA]: { records: [tlsa(3, 2)] } } },
      "unusable",
      "dane none",
    ],
    [
      "secure",
      "an unknown matching type",
      { zone: { [TLSA]: { records: [tlsa(3, 1, 3)] } } },
      "unusable",
      "dane none",
    ],
    ["secure", "NODATA", { zone: { [TLSA]: { status: "nodata" } } }, "none", "floor none"],
    ["secure", "NXDOMAIN", { zone: { [TLSA]: { status: "nxdomain" } } }, "none", "floor none"],
    ["secure", "SERVFAIL", { zone: { [TLSA]: { status: "servfail" } } }, "fault", "passed over"],
    ["secure", "time-out", { zone: { [TLSA]: { status: "timeout" } } }, "fault", "passed over"],
    ["secure", "bogus", { zone: { [TLSA]: { status: "bogus" } } }, "fault", "passed over"],
    [
      "secure",
      "records, unsigned",
      { zone: { [TLSA]: { records: [tlsa(3)], signed: false } } },
      "none",
      "floor none",
    ],
    ["unsigned MX records", "DANE-EE(3)", { mx: false, zone: usable }, "usable", "dane dane"],
    ["unsigned addresses", "not asked", { addresses: false, zone: usable }, "none", "floor none"],
    ["nothing signed", "not asked", { mx: false, addresses: false, zone: usable }, "none", "floor none"],
  ];
  test.each(rows)("%s, %s", async (_chain, lookup, given, expected, tls) => {
    const { dane, asked } = await look(given);
    expect(dane.status).toBe(expected);
    expect(asked).toEqual(lookup === "not asked" ? [] : [TLSA]);
    const none = { policy: undefined, fault: undefined };
    const host = { name: HOST, mxSecure: given.mx ?? true, dane };
    const decision = tlsFor(host, { domain: "x.test", sts: none, rule: undefined }, "usual");
    const words = decision.ok ? `${decision.need.reason} ${decision.need.authenticate}` : "passed over";
    expect(words).toBe(tls);
  });
});

describe("a mail host that is an alias", () => {
  const END = "mail.y.test";
  const atEnd = "_25._tcp.mail.y.test TLSA";
  const ee = { records: [tlsa(3)] };
  const alias = { records: [{ target: END, ttl: 60 }] };
  const cases: [string, Given, status: string, base: string | undefined, asked: string[]][] = [
    ["records at its end", { zone: { [atEnd]: ee, [TLSA]: ee } }, "usable", END, [atEnd]],
    ["records at its name only", { zone: { [TLSA]: ee } }, "usable", HOST, [atEnd, TLSA]],
    ["no records", { zone: {} }, "none", undefined, [atEnd, TLSA]],
    [
      "a fault at its end",
      { zone: { [atEnd]: { status: "servfail" }, [TLSA]: ee } },
      "fault",
      undefined,
      [atEnd],
    ],
    [
      "signed, into an unsigned zone",
      { addresses: false, zone: { [`${HOST} CNAME`]: alias, [TLSA]: ee, [atEnd]: ee } },
      "usable",
      HOST,
      [`${HOST} CNAME`, TLSA],
    ],
    [
      "unsigned itself",
      { addresses: false, zone: { [`${HOST} CNAME`]: { ...alias, signed: false }, [TLSA]: ee } },
      "none",
      undefined,
      [`${HOST} CNAME`],
    ],
    [
      "and nobody says whether it is signed",
      { addresses: false, zone: { [`${HOST} CNAME`]: { status: "timeout" }, [TLSA]: ee } },
      "fault",
      undefined,
      [`${HOST} CNAME`],
    ],
  ];
  test.each(cases)("%s", async (_, given, status, base, asked) => {
    const found = await look({ ...given, alias: END });
    expect(found.dane.status).toBe(status);
    expect("base" in found.dane ? found.dane.base : undefined).toBe(base);
    expect(found.asked).toEqual(asked);
  });
});

test("names for the certificate: the base, and the mail domain where its MX records are signed", async () => {
  const zone = { [TLSA]: { records: [tlsa(2)] } };
  expect((await look({ zone })).dane).toMatchObject({ names: [HOST, "x.test"] });
  expect((await look({ zone, mx: false })).dane).toMatchObject({ names: [HOST] });
});

test("of a thousand records 32 are looked at", async () => {
  const resolver = resolverOf({
    [TLSA]: {
      records: [
        ...Array.from({ length: 1_000 }, () => tlsa(1)),
        ...Array.from({ length: 1_000 }, () => tlsa(2)),
      ],
    },
  });
  const answers = [{ status: "ok" as const, authentic: true, records: [{ address: "198.41.0.4", ttl: 60 }] }];
  const found = await lookUpDane({ name: HOST, answers, securedDomains: ["x.test"] }, resolver);
  expect(found).toMatchObject({ status: "usable" });
  expect("records" in found && found.records).toHaveLength(32);
});
