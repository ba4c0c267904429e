import { PUBLIC, PUBLIC6, type Situations } from "./fixture.ts";

const two = [
  "x.test MX 20 mx2.x.test",
  "x.test MX 10 mx1.x.test",
  `mx1.x.test A ${PUBLIC}`,
  `mx2.x.test AAAA ${PUBLIC6}`,
];
const hosts = (...names: string[]) => ({ attestation: { mx: names.map((host) => ({ host })) } });

export const mx: Situations = {
  check: "mx",
  cases: [
    ["equal, whatever the case, order and final dot", two, "pass", "", hosts("MX2.x.test.", "mx1.X.test")],
    ["nothing attested to compare", two, "pass", ""],
    ["a record that names no hosts claims nothing", two, "pass", "", { attestation: {} }],
    ["attested, gone", two, "fail", "mx-not-in-dns", hosts("mx1.x.test", "mx2.x.test", "mx3.x.test")],
    ["not attested", two, "fail", "mx-not-attested", hosts("mx1.x.test")],
    ["moved", two, "fail", "mx-not-in-dns mx-not-attested mx-not-attested", hosts("mx.other.test")],
    ["null MX and none attested", ["x.test MX 0 ."], "pass", "mx-null", hosts()],
    ["null MX against the record", ["x.test MX 0 ."], "fail", "mx-not-in-dns mx-null", hosts("mx1.x.test")],
    ["null MX beside another", [...two, "x.test MX 0 ."], "fail", "mx-null-mixed"],
    ["no MX, but an address", [`x.test A ${PUBLIC}`], "warn", "mx-implicit"],
    ["no MX, but an IPv6 address", [`x.test AAAA ${PUBLIC6}`], "warn", "mx-implicit"],
    ["nothing at all: NXDOMAIN", [], "fail", "mx-missing"],
    ["nothing at all: no data", ["x.test TXT hello"], "fail", "mx-missing"],
    ["a host that does not exist", ["x.test MX 10 mx1.x.test"], "fail", "mx-no-address"],
    ["a host without address", ["x.test MX 10 mx1.x.test", "mx1.x.test TXT hello"], "fail", "mx-no-address"],
    ["one of two without address", two.slice(0, 3), "fail", "mx-no-address"],
    ["an alias", ["x.test MX 10 m.test", "m.test CNAME n.test", `n.test A ${PUBLIC}`], "warn", "mx-is-alias"],
    [
      "an alias of nothing",
      ["x.test MX 10 m.test", "m.test CNAME n.test"],
      "fail",
      "mx-no-address mx-is-alias",
    ],
    ["an address instead of a name", [`x.test MX 10 ${PUBLIC}`], "fail", "mx-is-address"],
    [
      "a private address",
      ["x.test MX 10 m.test", "m.test A 10.0.0.1"],
      "fail",
      "mx-unreachable mx-private-address",
    ],
    [
      "a private address, in a sandbox",
      ["x.test MX 10 m.test", "m.test A 10.0.0.1"],
      "pass",
      "",
      { allowPrivate: true },
    ],
    [
      "one of two on a private address",
      [...two, "x.test MX 30 m.test", "m.test A 10.0.0.1"],
      "warn",
      "mx-private-address",
    ],
    ["loopback", ["x.test MX 10 m.test", "m.test AAAA ::1"], "fail", "mx-unreachable mx-private-address"],
    [
      "private beside public",
      ["x.test MX 10 m.test", "m.test A 192.168.0.1", `m.test A ${PUBLIC}`],
      "warn",
      "mx-private-address",
    ],
    ["no answer in time", ["! x.test timeout"], "temperror", "dns-timeout"],
    ["badly signed", ["! x.test bogus"], "temperror", "dns-bogus"],
    ["a host's name servers broken", [...two, "! mx1.x.test servfail"], "temperror", "dns-servfail"],
    ["one family silent, the other answers", [...two, "! mx1.x.test AAAA timeout"], "pass", ""],
    ["no MX, and the address silent", ["x.test TXT hello", "! x.test A timeout"], "temperror", "dns-timeout"],
    [
      "a failure beside silence",
      ["x.test MX 1 a.test", "x.test MX 2 b.test", "! a.test timeout"],
      "fail",
      "mx-no-address dns-timeout",
    ],
  ],
};
