import { describe, expect, test } from "vitest";
import type { DnsAnswer, DnsType, Resolver } from "../../protocol/dns/index.ts";
import { targetsOf, findRoute, isPrivate, type Route } from "./route.ts";

type Zone = Record<string, object[] | "nxdomain" | "temperror">;

function resolverOf(zone: Zone): Resolver {
  return {
    async resolve<T extends DnsType>(name: string, type: T): Promise<DnsAnswer<T>> {
      const entry = zone[`${name} ${type}`] ?? zone[name];
      if (entry === "temperror") return { status: "temperror", detail: "time-out" };
      if (entry === "nxdomain") return { status: "nxdomain", authentic: false };
      if (!entry) return { status: "nodata", authentic: false };
      const records = entry.map((record) => ({ ...record, ttl: 60 }));
      return { status: "ok", authentic: false, records } as unknown as DnsAnswer<T>;
    },
  };
}

const find = (zone: Zone, allowPrivate = false): Promise<Route> =>
  findRoute("a.test", {
    resolver: resolverOf(zone),
    ownHosts: ["relay.pool.test"],
    allowPrivate,
    random: () => 0.5,
    providerOf: (host) => (host.endsWith(".google.com") ? "gmail" : "other"),
  });
const mx = (preference: number, exchange: string) => ({ preference, exchange });
const v4 = (n: number) => [{ address: `192.0.2.${n}` }];

describe("findRoute", () => {
  test.each<[string, Zone, [string, string[]][]]>([
    [
      "MX by preference, both families",
      {
        "a.test MX": [mx(20, "two.test"), mx(10, "ONE.test.")],
        "one.test A": v4(1),
        "one.test AAAA": [{ address: "2001:db8::1" }],
        "two.test A": v4(2),
      },
      [
        ["one.test", ["192.0.2.1", "2001:db8::1"]],
        ["two.test", ["192.0.2.2"]],
      ],
    ],
    ["implicit MX", { "a.test A": v4(3) }, [["a.test", ["192.0.2.3"]]]],
    [
      "a host without address is passed over",
      { "a.test MX": [mx(1, "none.test"), mx(2, "one.test")], "one.test A": v4(1) },
      [["one.test", ["192.0.2.1"]]],
    ],
    [
      "only hosts before ourselves",
      {
        "a.test MX": [mx(10, "one.test"), mx(20, "relay.pool.test"), mx(30, "three.test")],
        "one.test A": v4(1),
        "three.test A": v4(3),
      },
      [["one.test", ["192.0.2.1"]]],
    ],
  ])("%s", async (_name, zone, hosts) => {
    const route = await find(zone);
    expect(route.ok && route.hosts.map((h) => [h.name, h.addresses])).toEqual(hosts);
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
  ])("%s", async (_name, zone, permanent, kind, enhanced) => {
    expect(await find(zone)).toMatchObject({ ok: false, permanent, class: kind, enhanced });
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
  ["192.0.2.1", false],
  ["8.8.8.8", false],
  ["2001:db8::1", false],
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
  [
    "ten hosts: the first six",
    Array.from({ length: 10 }, (_, i) => [`h${i}`, 1]),
    ["h01", "h11", "h21", "h31", "h41", "h51"],
  ],
  ["none", [], []],
])("an attempt tries few addresses: %s", (_name, hosts, expected) => {
  const list = hosts.map(([name, n]) => ({
    name,
    addresses: Array.from({ length: n }, (_, i) => String(i + 1)),
  }));
  expect(targetsOf(list).map(({ host, address }) => host.name + address)).toEqual(expected);
});
