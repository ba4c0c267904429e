import { POOL, PUBLIC, RELAY, type Situations } from "./fixture.ts";

const rua = "rua=mailto:d@x.test";
const at = (name: string, text: string) => `_dmarc.${name} TXT ${text}`;
const own = (text: string) => [at("m.x.test", text)];
const parent = (text: string) => [at("x.test", text)];
const relayed = { pool: POOL, attestation: { relay: RELAY } };
const domain = "m.x.test";
const bounce = "bounce.m.x.test CNAME bounce.pool.test";

export const dmarc: Situations = {
  check: "dmarc",
  cases: (
    [
      ["its own", [...own(`v=DMARC1; p=reject; ${rua}`), ...parent("v=DMARC1; p=none")], "pass", ""],
      ["of the parent", parent(`v=DMARC1; p=none; sp=quarantine; ${rua}`), "pass", "dmarc-inherited"],
      [
        "of the parent, for subdomains weaker",
        parent(`v=DMARC1; p=reject; sp=none; ${rua}`),
        "warn",
        "dmarc-none dmarc-inherited",
      ],
      [
        "of a parent, for names that do not exist",
        parent(`v=DMARC1; p=quarantine; np=none; ${rua}`),
        "warn",
        "dmarc-none dmarc-inherited dmarc-np-weaker",
      ],
      [
        "of a parent, for one that exists",
        [...parent(`v=DMARC1; p=quarantine; np=none; ${rua}`), `m.x.test A ${PUBLIC}`],
        "pass",
        "dmarc-inherited dmarc-np-weaker",
      ],
      [
        "existence silent",
        [...parent(`v=DMARC1; p=quarantine; np=none; ${rua}`), "! m.x.test timeout"],
        "temperror",
        "dns-timeout",
      ],
      [
        "of a public suffix",
        [at("test", `v=DMARC1; p=quarantine; psd=y; rua=mailto:d@test`)],
        "pass",
        "dmarc-inherited dmarc-psd",
      ],
      ["watching only", own(`v=DMARC1;p=none;${rua}`), "warn", "dmarc-none"],
      ["testing", own(`v=DMARC1; p=reject; t=y; ${rua}`), "warn", "dmarc-testing"],
      [
        "testing, one step below quarantine",
        own(`v=DMARC1; p=quarantine; t=y; ${rua}`),
        "warn",
        "dmarc-testing",
      ],
      ["not testing", own(`v=DMARC1; p=reject; t=n; ${rua}`), "pass", ""],
      [
        "weak for names that do not exist",
        own(`v=DMARC1; p=reject; np=none; ${rua}`),
        "pass",
        "dmarc-np-weaker",
      ],
      ["says that it is a public suffix", own(`v=DMARC1; p=reject; psd=y; ${rua}`), "warn", "dmarc-psd"],
      ["says that it is none", own(`v=DMARC1; p=reject; psd=n; ${rua}`), "pass", ""],
      ["tags of old", own(`v=DMARC1; p=reject; pct=50; ri=3600; ${rua}`), "pass", "dmarc-removed-tag"],
      [
        "beside other records",
        [...own(`v=DMARC1; p=reject; ${rua}`), "_dmarc.m.x.test TXT hello"],
        "pass",
        "",
      ],
      ["no reports", own("v=DMARC1; p=reject"), "pass", "dmarc-no-reports"],
      ["none", [], "fail", "dmarc-missing"],
      ["two", [...own("v=DMARC1; p=none"), at("m.x.test", "v=DMARC1; p=reject")], "fail", "dmarc-multiple"],
      [
        "two at the parent count as none",
        [...parent("v=DMARC1; p=none"), at("x.test", "v=DMARC1; p=reject")],
        "fail",
        "dmarc-missing",
      ],
      ["without policy and reports", own("v=DMARC1"), "fail", "dmarc-syntax"],
      ["without policy, with reports", own(`v=DMARC1; ${rua}`), "warn", "dmarc-no-policy"],
      ["an unknown policy", own("v=DMARC1; p=all"), "fail", "dmarc-syntax"],
      ["a tag twice", own("v=DMARC1; p=none; p=reject"), "fail", "dmarc-syntax"],
      ["no separators", own("v=DMARC1 p=none"), "fail", "dmarc-syntax"],
      ["no version", own("p=reject"), "fail", "dmarc-syntax"],
      ["silent", ["! _dmarc.m.x.test timeout"], "temperror", "dns-timeout"],
      ["the parent silent", ["! _dmarc.x.test servfail"], "temperror", "dns-servfail"],
      ["badly signed", ["! _dmarc.m.x.test bogus"], "temperror", "dns-bogus"],

      [
        "reports to the same organisation",
        [...own("v=DMARC1; p=reject; rua=mailto:d@x.test"), ...parent("v=DMARC1; p=reject")],
        "pass",
        "",
      ],
      [
        "reports to others who want them",
        [
          ...own("v=DMARC1; p=reject; rua=mailto:d@r.test!10m"),
          "m.x.test._report._dmarc.r.test TXT v=DMARC1;",
        ],
        "pass",
        "",
      ],
      [
        "reports to others who do not",
        own("v=DMARC1; p=reject; rua=mailto:d@r.test"),
        "warn",
        "dmarc-report-unauthorized",
      ],
      [
        "failure reports too",
        own(`v=DMARC1; p=reject; rua=mailto:d@m.x.test; ruf=mailto:d@r.test`),
        "warn",
        "dmarc-report-unauthorized",
      ],
      [
        "others who say something else",
        [...own("v=DMARC1; p=reject; rua=mailto:d@r.test"), "m.x.test._report._dmarc.r.test TXT hello"],
        "warn",
        "dmarc-report-unauthorized",
      ],
      [
        "others who are silent",
        [...own("v=DMARC1; p=reject; rua=mailto:d@r.test"), "! m.x.test._report._dmarc.r.test timeout"],
        "pass",
        "dmarc-report-unknown",
      ],
      [
        "reports to an address without mailto:",
        own(`v=DMARC1; p=reject; rua=d@x.test`),
        "warn",
        "dmarc-report-syntax",
      ],

      [
        "relayed, the bounce name delegated",
        [...own(`v=DMARC1; p=reject; ${rua}`), bounce],
        "pass",
        "",
        relayed,
      ],
      ["relayed, not delegated", own(`v=DMARC1; p=reject; ${rua}`), "pass", "dmarc-spf-unaligned", relayed],
      [
        "relayed, strict",
        [...own(`v=DMARC1; p=reject; aspf=s; ${rua}`), bounce],
        "pass",
        "dmarc-strict-spf",
        relayed,
      ],
      [
        "relayed, strict for DKIM only",
        [...own(`v=DMARC1; p=reject; adkim=s; ${rua}`), bounce],
        "pass",
        "",
        relayed,
      ],
    ] as Situations["cases"]
  ).map(([when, zone, status, codes, more]) => [
    when,
    // Reports go to x.test in most: it takes those of its own organisation.
    [...zone, "m.x.test._report._dmarc.x.test TXT v=DMARC1"],
    status,
    codes,
    { domain, ...more },
  ]),
};
