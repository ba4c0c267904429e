import { describe, expect, test } from "vitest";
import type { DnsAnswer, DnsType, Resolver } from "../../protocol/dns/index.ts";
import { targetsOf, findRoute, isPrivate, type Route } from "./route.ts";

/** `signed`: with the AD bit; `alias`: the records stand at this other name; `silence`: nothing comes. */
type Entry = object[] | "nxdomain" | "temperror" | "silence" | { signed: object[]; alias?: string };
type Zone = Record<string, Entry>;

function resolverOf(zone: Zone): Resolver {
  return {
    async resolve<T extends DnsType>(name: string, type: T): Promise<DnsAnswer<T>> {
      const entry = zone[`${name} ${type}`] ?? zone[name];
      if (entry === "temperror") return { status: "temperror", detail: "time-out" };
      if (entry === "nxdomain") return { status: "nxdomain", authentic: false };
      if (entry === "silence") return new Promise(() => undefined);
      if (!entry) return { status: "nodata", authentic: false };
      const { signed, alias } = "signed" in entry ? entry : { signed: undefined, alias: undefined };
      const records = (signed ?? (entry as object[])).map((record) => ({ ...record, ttl: 60 }));
      const answer = {
        status: "ok",
        authentic: signed !== undefined,
        records,
        ...(alias && { canonical: alias }),
      };
      return answer as unknown as DnsAnswer<T>;
    },
  };
}

const find = (zone: Zone, allowPrivate = false, domain = "a.test"): Promise<Route> =>
  findRoute(domain, {
    hostMs: 50,
    resolver: resolverOf(zone),
    ownHosts: ["relay.pool.test"],
    isOwnAddress: (address) => address === "198.41.0.99" || address === "2001:503::99",
    allowPrivate,
    random: () => 0.5,
    providerOf: (host) => (host.endsWith(".google.com") ? "gmail" : "other"),
  });
const mx = (preference: number, exchange: string) => ({ preference, exchange });
const v4 = (n: number) => [{ address: `198.41.0.${n}` }];

describe("findRoute", () => {
  test.each<[string, Zone, [string, string[]][]]>([
    [
      "MX by preference, both families",
      {
        "a.test MX": [mx(20, "two.test"), mx(10, "ONE.test.")],
        "one.test A": v4(1),
        "one.test AAAA": [{ address: "2001:503::1" }],
        "two.test A": v4(2),
      },
      [
        ["one.test", ["198.41.0.1", "2001:503::1"]],
        ["two.test", ["198.41.0.2"]],
      ],
    ],
    ["implicit MX", { "a.test A": v4(3) }, [["a.test", ["198.41.0.3"]]]],
    [
      "a host without address is passed over",
      { "a.test MX": [mx(1, "none.test"), mx(2, "one.test")], "one.test A": v4(1) },
      [["one.test", ["198.41.0.1"]]],
    ],
    [
      "only hosts before ourselves",
      {
        "a.test MX": [mx(10, "one.test"), mx(20, "relay.pool.test"), mx(30, "three.test")],
        "one.test A": v4(1),
        "three.test A": v4(3),
      },
      [["one.test", ["198.41.0.1"]]],
    ],
    [
      "only hosts before one that has our address, whatever it is called",
      {
        "a.test MX": [mx(10, "one.test"), mx(20, "two.test"), mx(20, "us.a.test"), mx(30, "three.test")],
        "one.test A": v4(1),
        "two.test A": v4(2),
        "us.a.test AAAA": [{ address: "2001:503::99" }],
        "three.test A": v4(3),
      },
      [["one.test", ["198.41.0.1"]]],
    ],
    [
      "500 MX records: the first ten hosts",
      {
        "a.test MX": Array.from({ length: 500 }, (_, i) => mx(500 - i, `h${500 - i}.test`)),
        ...Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`h${i + 1}.test A`, v4((i % 90) + 1)])),
      },
      Array.from({ length: 10 }, (_, i) => [`h${i + 1}.test`, [`198.41.0.${i + 1}`]]),
    ],
    [
      "500 addresses of one host: eight",
      { "a.test A": Array.from({ length: 500 }, (_, i) => ({ address: `198.${i >> 8}.7.${i & 255}` })) },
      [["a.test", Array.from({ length: 8 }, (_, i) => `198.0.7.${i}`)]],
    ],
    [
      "an address of our own network among others",
      { "a.test A": [{ address: "10.0.0.1" }, { address: "169.254.169.254" }, ...v4(1)] },
      [["a.test", ["198.41.0.1"]]],
    ],
  ])("%s", async (_name, zone, hosts) => {
    const route = await find(zone);
    expect(route.ok && route.hosts.map((h) => [h.name, h.addresses])).toEqual(hosts);
  });

  test.each<[string, string[], string]>([
    ["all of one provider", ["aspmx.l.google.com", "alt1.aspmx.l.google.com"], "gmail"],
    ["nobody known", ["mx.evil.test", "mx2.evil.test"], "other"],
    ["a provider's name before one's own host", ["www.google.com", "mx.evil.test"], "other"],
    ["a provider's name behind it", ["mx.evil.test", "aspmx.l.google.com"], "other"],
    ["a host of others that has no address", ["aspmx.l.google.com", "x.invalid"], "gmail"],
  ])("who is behind the hosts: %s", async (_name, names, provider) => {
    const zone = Object.fromEntries(names.map((name, i) => [`${name} A`, v4(i + 1)]));
    if ("x.invalid A" in zone) zone["x.invalid A"] = [];
    const route = await find({ ...zone, "a.test MX": names.map((name, i) => mx(i, name)) });
    expect(route.ok && route.provider).toBe(provider);
  });

  test("both families in turn", async () => {
    const four = [1, 2, 3].map((n) => ({ address: `198.41.0.${n}` }));
    const six = [{ address: "2001:503:ba3e::1" }];
    const route = await find({ "a.test A": four, "a.test AAAA": six });
    expect(route.ok && route.hosts[0]!.addresses).toEqual([
      "198.41.0.1",
      "2001:503:ba3e::1",
      "198.41.0.2",
      "198.41.0.3",
    ]);
  });

  test.each<[string, Entry]>([
    ["is silent", "silence"],
    ["fails", "temperror"],
    ["does not exist", "nxdomain"],
  ])("a host about which the DNS %s is passed over", async (_name, one) => {
    const zone = {
      "a.test MX": [mx(1, "one.test"), mx(2, "two.test")],
      "one.test": one,
      "two.test A": v4(2),
    };
    const route = await find(zone);
    expect(route.ok && route.hosts.map((host) => host.name)).toEqual(["two.test"]);
  });

  test("a domain about which the DNS is silent waits", async () => {
    expect(await find({ "a.test MX": "silence" })).toMatchObject({ ok: false, permanent: false });
  });

  const tlsa = [{ usage: 3, selector: 1, matchingType: 1, certificate: Buffer.alloc(32) }];
  const signed = (...records: object[]) => ({ signed: records });
  const AT = "_25._tcp.one.test TLSA";
  test.each<[string, Zone, mxSecure: boolean, dane: string]>([
    [
      "signed all the way",
      { "a.test MX": signed(mx(1, "one.test")), "one.test A": signed(...v4(1)), [AT]: signed(...tlsa) },
      true,
      "usable",
    ],
    [
      "unsigned MX records",
      { "a.test MX": [mx(1, "one.test")], "one.test A": signed(...v4(1)), [AT]: signed(...tlsa) },
      false,
      "usable",
    ],
    [
      "unsigned addresses",
      { "a.test MX": signed(mx(1, "one.test")), "one.test A": v4(1), [AT]: signed(...tlsa) },
      true,
      "none",
    ],
    [
      "TLSA records that nobody tells",
      { "a.test MX": signed(mx(1, "one.test")), "one.test A": signed(...v4(1)), [AT]: "temperror" },
      true,
      "fault",
    ],
  ])("the AD bits of a host: %s", async (_name, zone, mxSecure, dane) => {
    const route = await find(zone);
    expect(route.ok && route.hosts).toMatchObject([{ name: "one.test", mxSecure, dane: { status: dane } }]);
  });

  test("TLSA records that never come cost their host, and no more", async () => {
    const zone = {
      "a.test MX": signed(mx(1, "one.test"), mx(2, "two.test")),
      "one.test A": signed(...v4(1)),
      [AT]: "silence" as const,
      "two.test A": v4(2),
    };
    const route = await find(zone);
    expect(route.ok && route.hosts.map((host) => host.name)).toEqual(["two.test"]);
  });

  test("a domain that is an alias: its certificate may have either name", async () => {
    const zone = {
      "a.test MX": { signed: [mx(1, "one.test")], alias: "b.test" },
      "one.test A": signed(...v4(1)),
      [AT]: signed(...tlsa),
    };
    const route = await find(zone);
    expect(route.ok && route.hosts[0]!.dane).toMatchObject({ names: ["one.test", "a.test", "b.test"] });
  });

  test("an alias with addresses is a mail host of its own (implicit MX)", async () => {
    const route = await find({ "a.test A": { signed: v4(1), alias: "host.b.test" } });
    expect(route.ok && route.hosts).toMatchObject([{ name: "a.test", addresses: ["198.41.0.1"] }]);
  });

  test.each<[string, boolean, string]>([
    ["[198.41.0.4]", false, "198.41.0.4"],
    ["[IPv6:2001:503:BA3E::2:30]", false, "2001:503:ba3e::2:30"],
    ["[127.0.0.1]", true, "127.0.0.1"],
    ["[127.0.0.1]", false, "5.4.4"],
    ["[10.0.0.1]", false, "5.4.4"],
    ["[IPv6:::1]", false, "5.4.4"],
    ["[IPv6:::ffff:127.0.0.1]", false, "5.4.4"],
    ["[198.41.0.99]", false, "5.4.6"],
    ["[x]", false, "5.1.3"],
  ])("the address literal %s, private ones allowed: %s", async (domain, allowPrivate, expected) => {
    const route = await find({}, allowPrivate, domain);
    expect(route.ok ? route.hosts[0]!.addresses[0] : route.enhanced).toBe(expected);
    expect(route.ok || route.permanent).toBe(true);
  });

  test.each<[string, Zone, permanent: boolean, kind: string, enhanced: string]>([
    ["no such domain", { "a.test": "nxdomain" }, true, "bad-domain", "5.1.2"],
    ["null MX", { "a.test MX": [mx(0, "")] }, true, "bad-domain", "5.1.10"],
    ["no address at all", {}, true, "bad-domain", "5.4.4"],
    [
      "MX without address",
      { "a.test MX": [mx(1, "one.test")], "one.test": "nxdomain" },
      true,
      "bad-domain",
      "5.4.4",
    ],
    [
      "we are the best MX",
      { "a.test MX": [mx(1, "relay.pool.test"), mx(1, "x.test")] },
      true,
      "system",
      "5.4.6",
    ],
    ["we are the host ourselves (implicit MX)", {}, true, "system", "5.4.6"],
    [
      "the best MX has our address",
      {
        "a.test MX": [mx(1, "us.a.test"), mx(2, "x.test")],
        "us.a.test A": [{ address: "198.41.0.99" }],
        "x.test A": v4(2),
      },
      true,
      "system",
      "5.4.6",
    ],
    [
      "the domain itself has our address",
      { "a.test A": [{ address: "198.41.0.99" }] },
      true,
      "system",
      "5.4.6",
    ],
    [
      "nobody is before us who has an address",
      { "a.test MX": [mx(1, "x.test"), mx(2, "relay.pool.test")], "x.test": "nxdomain" },
      true,
      "system",
      "5.4.6",
    ],
    [
      "who is before us is not told of",
      { "a.test MX": [mx(1, "x.test"), mx(2, "relay.pool.test")], "x.test": "temperror" },
      false,
      "network",
      "4.4.3",
    ],
    [
      "an address in our own network",
      { "a.test A": [{ address: "127.0.0.1" }] },
      true,
      "bad-domain",
      "5.4.4",
    ],
    ["DNS says nothing", { "a.test": "temperror" }, false, "network", "4.4.3"],
    [
      "DNS says nothing of the host",
      { "a.test MX": [mx(1, "one.test")], "one.test": "temperror" },
      false,
      "network",
      "4.4.3",
    ],
  ])("%s", async (name, zone, permanent, kind, enhanced) => {
    const domain = name.startsWith("we are the host") ? "relay.pool.test" : "a.test";
    expect(await find(zone, false, domain)).toMatchObject({ ok: false, permanent, class: kind, enhanced });
  });

  test("a loop is told with the host and the address that lead back", async () => {
    const zone = { "a.test MX": [mx(1, "us.a.test")], "us.a.test A": [{ address: "198.41.0.99" }] };
    const route = await find(zone);
    expect(!route.ok && route.text).toMatch(
      /^mail for a\.test loops back to us: its mail host us\.a\.test \[198\.41\.0\.99\] is this relay.*MX record must/,
    );
  });

  test.each<[string, Zone, boolean]>([
    ["all is told", { "a.test MX": [mx(1, "one.test")], "one.test A": v4(1) }, true],
    [
      "the DNS does not say where the first host is",
      { "a.test MX": [mx(1, "x.test"), mx(2, "one.test")], "x.test": "temperror", "one.test A": v4(1) },
      false,
    ],
    [
      "the TLSA records are not told",
      { "a.test MX": signed(mx(1, "one.test")), "one.test A": signed(...v4(1)), [AT]: "temperror" },
      false,
    ],
  ])("a route is settled or for now: %s", async (_name, zone, settled) => {
    const route = await find(zone);
    expect(route.ok && !route.unsettled).toBe(settled);
  });

  test("the provider is that of the best host", async () => {
    const zone = {
      "a.test MX": [mx(5, "gmail-smtp-in.l.google.com")],
      "gmail-smtp-in.l.google.com A": v4(9),
    };
    expect(await find(zone)).toMatchObject({ ok: true, provider: "gmail" });
  });

  test("a sandbox may use loopback", async () => {
    expect(await find({ "a.test A": [{ address: "127.0.0.1" }] }, true)).toMatchObject({ ok: true });
  });
});

test.each([
  ["127.0.0.1", true],
  ["10.1.2.3", true],
  ["172.31.0.1", true],
  ["192.168.0.1", true],
  ["169.254.169.254", true],
  ["100.64.0.1", true],
  ["0.0.0.0", true],
  ["::1", true],
  ["fd00::1", true],
  ["fe80::1", true],
  ["::ffff:127.0.0.1", true],
  ["::7f00:1", true],
  ["64:ff9b::10.1.2.3", true],
  ["64:ff9b::7f00:1", true],
  ["64:ff9b::808:808", false],
  ["2002:7f00:1::1", true],
  ["fec0::1", true],
  ["192.0.2.1", true],
  ["2001:db8::1", true],
  ["198.41.0.4", false],
  ["8.8.8.8", false],
  ["2001:503::1", false],
])("%s is private: %s", (address, expected) => expect(isPrivate(address)).toBe(expected));

test.each<[string, [string, number][], string[]]>([
  ["one host: six of its addresses", [["a", 8]], ["a1", "a2", "a3", "a4", "a5", "a6"]],
  [
    "two hosts: the second has its turn",
    [
      ["a", 8],
      ["b", 8],
    ],
    ["a1", "a2", "a3", "b1", "b2", "b3"],
  ],
  ["none", [], []],
])("an attempt may try few addresses of a host: %s", (_name, hosts, expected) => {
  const list = hosts.map(([name, n]) => ({
    name,
    addresses: Array.from({ length: n }, (_, i) => String(i + 1)),
  }));
  expect(targetsOf(list).map(({ host, address }) => host.name + address)).toEqual(expected);
});
