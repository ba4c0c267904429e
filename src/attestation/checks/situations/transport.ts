import { PUBLIC, type Situations } from "./fixture.ts";
import { mailServer, web } from "./web.ts";

const mail = ["x.test MX 10 mx.x.test", `mx.x.test A ${PUBLIC}`];
const record = "_mta-sts.x.test TXT v=STSv1; id=1";
const url = "https://mta-sts.x.test/.well-known/mta-sts.txt";
const policy = (mode: string, host: string, age = 604_800) => ({
  transport: web({ [url]: `version: STSv1\nmode: ${mode}\nmx: ${host}\nmax_age: ${age}\n` }),
});
const html = new Response("version: STSv1", { headers: { "content-type": "text/html" } });

export const mtaSts: Situations = {
  check: "mta-sts",
  cases: [
    ["no record", mail, "pass", "mta-sts-missing"],
    ["a record, and nobody fetches", [...mail, record], "pass", ""],
    ["two records", [record, "_mta-sts.x.test TXT v=STSv1; id=2"], "warn", "mta-sts-multiple"],
    ["beside another record", [record, "_mta-sts.x.test TXT hello"], "pass", ""],
    ["no id", ["_mta-sts.x.test TXT v=STSv1; mode=enforce"], "warn", "mta-sts-syntax"],
    ["silent", ["! _mta-sts.x.test timeout"], "temperror", "dns-timeout"],
    ["enforced", [...mail, record], "pass", "", policy("enforce", "mx.x.test")],
    ["enforced by a pattern", [...mail, record], "pass", "", policy("enforce", "*.x.test")],
    ["a pattern is one label", [...mail, record], "warn", "mta-sts-mx-mismatch", policy("enforce", "*.test")],
    ["testing", [...mail, record], "pass", "mta-sts-not-enforced", policy("testing", "mx.x.test")],
    [
      "testing, and another host",
      [...mail, record],
      "warn",
      "mta-sts-mx-mismatch mta-sts-not-enforced",
      policy("testing", "mx.y.test"),
    ],
    ["none", [...mail, record], "pass", "mta-sts-not-enforced", policy("none", "mx.x.test", 60)],
    ["short-lived", [...mail, record], "warn", "mta-sts-short", policy("enforce", "mx.x.test", 3600)],
    ["not there", [...mail, record], "warn", "mta-sts-unreachable", { transport: web({}) }],
    ["a web page", [...mail, record], "warn", "mta-sts-unreachable", { transport: web({ [url]: html }) }],
    ["not a policy", [...mail, record], "warn", "mta-sts-syntax", { transport: web({ [url]: "hello" }) }],
  ],
};

const hello = ["220 mx ESMTP", "250-mx", "250 STARTTLS", "220 go"];
const serving = (tls: Parameters<typeof mailServer>[1]) => ({ transport: mailServer(hello, tls) });
const tlsa = `_25._tcp.mx.x.test TLSA 3 0 1 ${"0".repeat(64)}`;

export const startTls: Situations = {
  check: "starttls",
  cases: [
    ["not asked for", mail, "-", ""],
    ["no mail host", ["x.test MX 0 ."], "-", "", { transport: web({}) }],
    ["nothing seen", mail, "-", "", { transport: { ...web({}), probe: async () => undefined } }],
    ["in order", mail, "pass", "", serving({})],
    ["TLS 1.2", mail, "pass", "", serving({ protocol: "TLSv1.2" })],
    ["TLS 1.0", mail, "warn", "starttls-old", serving({ protocol: "TLSv1" })],
    ["another name", mail, "warn", "starttls-certificate", serving({ named: false })],
    [
      "self-signed",
      mail,
      "warn",
      "starttls-certificate",
      serving({ untrusted: "DEPTH_ZERO_SELF_SIGNED_CERT" }),
    ],
    ["ended", mail, "warn", "starttls-certificate", serving({ expiresAt: 4 })],
    ["ending", mail, "warn", "starttls-expires", serving({ expiresAt: 86_400_000 })],
    ["fails", mail, "warn", "starttls-failed", serving({ fault: "wrong version number" })],
    ["not offered", mail, "warn", "starttls-missing", { transport: mailServer(["220 mx", "250 mx"]) }],
    ["busy", mail, "warn", "starttls-unwilling", { transport: mailServer(["421 later"]) }],
    ["nobody there", mail, "warn", "starttls-unreachable", { transport: web({}) }],
    [
      "another key than in the DNS",
      [...mail, tlsa],
      "warn",
      "dane-mismatch",
      serving({ chain: [Buffer.from("a")] }),
    ],
    ["MX silent", ["! x.test servfail"], "temperror", "dns-servfail", serving({})],
    ["the host silent", [...mail, "! mx.x.test timeout"], "temperror", "dns-timeout", serving({})],
    ["the host without address is the concern of MX", [mail[0]!], "pass", "", serving({})],
  ],
};

const hash = "ab".repeat(32);
const good = `_25._tcp.mx.x.test TLSA 3 1 1 ${hash}`;
const signed = mail.map((line) => `* ${line}`);
const validating = "* org SOA ns.test root.test";

export const dane: Situations = {
  check: "dane",
  cases: [
    ["no mail host", [], "-", ""],
    ["none", mail, "pass", "dane-missing"],
    ["under a validated chain", [...signed, `* ${good}`], "pass", "dane-secured"],
    [
      "the host's addresses badly signed",
      [...signed, `* ${good}`, "! mx.x.test bogus"],
      "temperror",
      "dns-bogus",
    ],
    [
      "two hosts, one with records",
      [...signed, `* ${good}`, "* x.test MX 20 m2.test"],
      "pass",
      "dane-secured dane-missing",
    ],
    ["the resolver does not validate", [...mail, good], "pass", "dane-resolver-not-validating"],
    ["the zone is not signed", [...mail, good, validating], "warn", "dane-not-signed dane-mx-not-signed"],
    [
      "the host's addresses are not signed",
      [signed[0]!, mail[1]!, `* ${good}`, validating],
      "warn",
      "dane-not-signed",
    ],
    [
      "the MX answer is not signed",
      [mail[0]!, signed[1]!, `* ${good}`],
      "warn",
      "dane-mx-not-signed dane-secured",
    ],
    [
      "a usage that SMTP does not use",
      [...signed, `* _25._tcp.mx.x.test TLSA 1 1 1 ${hash}`],
      "warn",
      "dane-unusable",
    ],
    [
      "a hash of the wrong length",
      [...signed, "* _25._tcp.mx.x.test TLSA 3 1 1 abab"],
      "warn",
      "dane-unusable",
    ],
    ["silent", [...mail, "! _25._tcp.mx.x.test servfail"], "temperror", "dns-servfail"],
    ["badly signed", [...mail, "! _25._tcp.mx.x.test bogus"], "temperror", "dns-bogus"],
    ["MX silent", ["! x.test timeout"], "temperror", "dns-timeout"],
  ],
};

const tlsRptName = "_smtp._tls.x.test";
export const tlsRpt: Situations = {
  check: "tls-rpt",
  cases: [
    ["none", [], "pass", "tls-rpt-missing"],
    ["there", [`${tlsRptName} TXT v=TLSRPTv1; rua=mailto:t@x.test`], "pass", ""],
    [
      "two",
      [
        `${tlsRptName} TXT v=TLSRPTv1; rua=mailto:t@x.test`,
        `${tlsRptName} TXT v=TLSRPTv1; rua=mailto:u@x.test`,
      ],
      "warn",
      "tls-rpt-multiple",
    ],
    ["unreadable", [`${tlsRptName} TXT v=TLSRPTv1; rua=t@x.test`], "warn", "tls-rpt-syntax"],
    ["something else", [`${tlsRptName} TXT hello`], "pass", "tls-rpt-missing"],
    ["silent", [`! ${tlsRptName} bogus`], "temperror", "dns-bogus"],
  ],
};

const bimiName = "default._bimi.x.test";
const reject = "_dmarc.x.test TXT v=DMARC1; p=reject";
export const bimi: Situations = {
  check: "bimi",
  cases: [
    ["none", [], "pass", "bimi-missing"],
    [
      "whole",
      [`${bimiName} TXT v=BIMI1; l=https://x.test/l.svg; a=https://x.test/c.pem`, reject],
      "pass",
      "",
    ],
    [
      "no certificate",
      [`${bimiName} TXT v=BIMI1; l=https://x.test/l.svg`, reject],
      "pass",
      "bimi-no-certificate",
    ],
    [
      "no DMARC",
      [`${bimiName} TXT v=BIMI1; l=https://x.test/l.svg; a=https://x.test/c.pem`],
      "pass",
      "bimi-needs-dmarc",
    ],
    ["declined", [`${bimiName} TXT v=BIMI1; l=; a=`], "pass", ""],
    ["unreadable", [`${bimiName} TXT v=BIMI1; l=http://x.test/l.svg`], "pass", "bimi-syntax"],
    ["silent", [`! ${bimiName} timeout`], "temperror", "dns-timeout"],
  ],
};
