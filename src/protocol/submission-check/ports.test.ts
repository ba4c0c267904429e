import { describe, expect, test } from "vitest";
import {
  adviseNone,
  bestPort,
  judgePort,
  type PortFacts,
  type PortFinding,
  type PortStatus,
} from "./ports.ts";

const NOW = Date.parse("2026-06-01T00:00:00Z");
const tls = {
  protocol: "TLSv1.3",
  named: true,
  names: "DNS:mail.test",
  issuer: "CN=Some Authority",
  notBefore: NOW - 1,
  notAfter: NOW + 86_400_000,
};
const open = {
  port: 465,
  mode: "implicit",
  tcp: "open",
  tls,
  greeting: "220 mail.test ESMTP",
  auth: true,
} as const;
const starttls = {
  ...open,
  port: 587,
  mode: "starttls",
  clear: "220 mail.test ESMTP",
  starttls: "offered",
} as const;
const { tls: _tls, greeting: _greeting, auth: _auth, ...bare } = starttls;

describe("what was seen at a port means", () => {
  test.each<[PortStatus, PortFacts, RegExp]>([
    ["right", open, /open, TLSv1.3.*until 2026-06-02/],
    ["right", { ...starttls, greeting: "250-mail.test" }, /open/],
    ["blocked", { port: 465, mode: "implicit", tcp: "timeout" }, /hosting company/],
    ["refused", { port: 465, mode: "implicit", tcp: "refused" }, /nothing listens/],
    ["unreachable", { port: 465, mode: "implicit", tcp: "unreachable" }, /no way/],
    ["silent", { port: 465, mode: "implicit", tcp: "open" }, /nothing is said/],
    ["silent", { ...open, greeting: undefined } as never, /does not greet/],
    [
      "wrong-mode",
      { port: 465, mode: "implicit", tcp: "open", clear: "220 x", otherMode: true },
      /STARTTLS \(smtp:/,
    ],
    ["wrong-mode", { port: 587, mode: "starttls", tcp: "open", otherMode: true }, /TLS at once \(smtps:/],
    ["not-smtp", { port: 587, mode: "starttls", tcp: "open", clear: "SSH-2.0-x" }, /no mail server: "SSH/],
    ["not-smtp", { port: 465, mode: "implicit", tcp: "open", clear: "HTTP/1.1 400 Bad Request" }, /HTTP/],
    ["not-smtp", { ...open, greeting: "* OK IMAP4rev1" }, /IMAP/],
    ["unwilling", { port: 587, mode: "starttls", tcp: "open", clear: "554 go away" }, /554 go away/],
    ["unwilling", { ...open, greeting: "421 busy" }, /421 busy/],
    ["starttls-stripped", { ...bare, starttls: "missing" }, /not offered/],
    ["starttls-stripped", { ...bare, starttls: "masked" }, /firewall that inspects/],
    ["starttls-stripped", { ...bare, starttls: "refused" }, /then refused/],
    ["tls-failed", { ...open, tls: { fault: "handshake failure" } }, /handshake failure/],
    [
      "certificate-name",
      { ...open, tls: { ...tls, named: false, names: "DNS:other.test" } },
      /DNS:other\.test/,
    ],
    ["certificate-expired", { ...open, tls: { ...tls, notAfter: NOW } }, /expired on 2026-06-01/],
    ["certificate-expired", { ...open, tls: { ...tls, notBefore: NOW + 1 } }, /clock/],
    [
      "certificate-untrusted",
      { ...open, tls: { ...tls, untrusted: "SELF_SIGNED_CERT_IN_CHAIN" } },
      /Some Authority/,
    ],
    ["no-login", { ...open, auth: false }, /no log-in/],
  ])("%s: %j", (status, facts, text) => {
    const finding = judgePort(facts, "mail.test", NOW);
    expect(finding.status).toBe(status);
    expect(finding.text).toMatch(text);
  });
});

const found = (...list: [number, PortFinding["mode"], PortStatus][]): PortFinding[] =>
  list.map(([port, mode, status]) => ({ port, mode, status, text: "" }));

test.each([
  [found([465, "implicit", "right"], [587, "starttls", "right"]), 465],
  [found([465, "implicit", "blocked"], [2465, "implicit", "right"], [587, "starttls", "right"]), 2465],
  [found([465, "implicit", "blocked"], [587, "starttls", "right"]), 587],
  [found([465, "implicit", "blocked"]), undefined],
])("TLS at once comes before STARTTLS", (findings, port) => expect(bestPort(findings)?.port).toBe(port));

test.each<[PortStatus[], RegExp]>([
  [["blocked", "blocked"], /hosting company/],
  [["refused", "blocked"], /no mail server listens/],
  [["unreachable", "blocked"], /cannot reach/],
  [["certificate-name", "blocked"], /host name that the certificate names/],
  [["certificate-expired", "refused"], /must renew/],
  [["certificate-untrusted", "refused"], /--ca FILE/],
  [["wrong-mode", "refused"], /another way/],
  [["not-smtp", "refused"], /what is said of each/],
])("when none is right: %j", (statuses, text) =>
  expect(adviseNone(found(...statuses.map((s) => [465, "implicit", s] as never)), "mail.test")).toMatch(text),
);
