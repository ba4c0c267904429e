import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseReply, type ReplyPhase } from "../protocol/smtp-reply/index.ts";
import { builtInShaping, readShaping, unknownProvider } from "./index.ts";

const shaping = builtInShaping();

/**
 * Replies as providers give them, from their own pages and from what operators have published; addresses and names are
 * those of examples.
 */
type Case = {
  mx: string;
  phase: ReplyPhase;
  reply: string;
  rule: string | null;
  class: string;
  permanent: boolean;
  measure: string | null;
};
const replies = readFileSync(join(import.meta.dirname, "replies.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Case);

const judge = ({ mx, phase, reply }: Case) =>
  shaping.judge(shaping.providerOf(mx), { ...parseReply(reply), phase });

describe("what providers say", () => {
  test.each(replies)("$mx, $phase: $reply", (one) => {
    const { rule = null, class: kind, permanent, measure } = judge(one);
    expect([rule, kind, permanent, measure?.do ?? null]).toEqual([
      one.rule,
      one.class,
      one.permanent,
      one.measure,
    ]);
  });

  test("each rule that matches says what to do", () => {
    for (const { rule, advice } of replies.map(judge))
      if (rule !== undefined) expect(advice).toMatch(/\w.*[.)?]$/);
  });

  test.each([
    "user ",
    "exceeded ",
    "header",
    "as(1",
    "listed in ",
    "AUP#I-",
    "OFR",
    "unusual rate of ",
    "s314",
  ])("a host that says %s without end is judged at once", (unit) => {
    const endless = { ...parseReply(`550 ${unit.repeat(200_000)}`), phase: "rcpt" } as const;
    const started = performance.now();
    for (const provider of shaping.providers()) shaping.judge(provider, endless);
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  test("our own words match nothing, with or without a code", () => {
    const text = "blocked using zen.spamhaus.org [TSS04] unusual rate of your DKIM domain";
    const own = { code: 550, enhanced: "5.7.26", text, phase: "mail", own: true } as const;
    expect(shaping.judge("gmail", own)).toMatchObject({ rule: undefined, measure: undefined });
    const silent = { code: 0, enhanced: "", text, phase: "mail" } as const;
    expect(shaping.judge("gmail", silent)).toMatchObject({ rule: undefined, class: "network" });
  });
});

test("every rule of the built-in file says what it means and what the operator should do", () => {
  const read = readShaping(undefined);
  const rules = read.ok ? [...read.data.providers, read.data.other].flatMap((one) => one.rules) : [];
  expect(rules.length).toBeGreaterThan(500);
  const bare = rules.filter(({ class: kind, advice }) => kind === undefined || advice === undefined);
  expect(bare.map(({ name }) => name)).toEqual([]);
  const wayward = rules.filter(({ class: kind, measure }) => measure && /bad-|mailbox-full/.test(kind!));
  expect(wayward.map(({ name }) => name)).toEqual([]);
});

describe("who is behind a host", () => {
  test.each([
    ["gmail-smtp-in.l.google.com", "gmail"],
    ["ALT1.ASPMX.L.GOOGLE.COM.", "gmail"],
    ["smtp.google.com", "gmail"],
    ["example-org.mail.protection.outlook.com", "microsoft"],
    ["example-org.k-v1.mx.microsoft", "microsoft"],
    ["hotmail-com.olc.protection.outlook.com", "outlook"],
    ["mta5.am0.yahoodns.net", "yahoo"],
    ["mx-att.mail.am0.yahoodns.net", "yahoo"],
    ["mx.yahoo.co.jp", "yahoo-japan"],
    ["mx01.mail.icloud.com", "apple"],
    ["mail.protonmail.ch", "proton"],
    ["in1-smtp.messagingengine.com", "fastmail"],
    ["mx-ha03.web.de", "gmx"],
    ["mx00.ionos.de", "ionos"],
    ["emx.mail.ru", "mailru"],
    ["mx.yandex.net", "yandex"],
    ["mxbiz1.qq.com", "qq"],
    ["126mx03.mxmail.netease.com", "netease"],
    ["mx2.zoho.eu", "zoho"],
    ["mail.tutanota.de", "tuta"],
    ["inbound-smtp.eu-west-1.amazonaws.com", "amazon"],
    ["ec2-192-0-2-1.eu-west-1.compute.amazonaws.com", "other"],
    ["route1.mx.cloudflare.net", "cloudflare"],
    ["mx1.mail.ovh.net", "ovh"],
    ["vps-1.vps.ovh.net", "other"],
    ["mailstore1.secureserver.net", "godaddy"],
    ["ip-192-0-2-1.ip.secureserver.net", "other"],
    ["aspmx1.migadu.com", "migadu"],
    ["mxext1.mailbox.org", "mailbox-org"],
    ["mx01.posteo.de", "posteo"],
    ["mx1.seznam.cz", "seznam"],
    ["mx.wp.pl", "wp"],
    ["mx.poczta.onet.pl", "onet"],
    ["mx2.emailsrvr.com", "rackspace"],
    ["mx.notgoogle.com", "other"],
    ["google.com.example.org", "other"],
    ["mail.example.org", "other"],
    ["", "other"],
    // Customers' lines and servers, whose owners do not speak for the provider.
    ["c-192-0-2-1.hsd1.ca.comcast.net", "other"],
    ["cpe-192-0-2-1.res.rr.com", "other"],
    ["ip192-0-2-1.ph.ph.cox.net", "other"],
    ["lfbn-par-1-1-1.w192-0.abo.wanadoo.fr", "other"],
    ["adsl-192-0-2-1.dsl.prodigy.net", "other"],
    ["host1-2-0-192.serverdedicati.aruba.it", "other"],
  ])("%s: %s", (host, provider) => expect(shaping.providerOf(host)).toBe(provider));

  test.each([
    ["gmail.com", "gmail"],
    ["Hotmail.com", "outlook"],
    ["web.de.", "gmx"],
    ["a.test", undefined],
  ])("mailboxes at %s: %s", (domain, provider) => expect(shaping.providerOfMailbox(domain)).toBe(provider));
});

describe("limits", () => {
  test("every provider has some, and none is without bound but a rate", () => {
    for (const provider of [...shaping.providers(), "other"]) {
      const { connections, connectionsPerAddress, ...rest } = shaping.limitsOf(provider);
      expect(connectionsPerAddress).toBeLessThanOrEqual(connections);
      expect(connections).toBeLessThanOrEqual(20);
      expect(rest.messagesPerConnection).toBeLessThanOrEqual(100);
      if (rest.perMinute !== undefined) expect(rest.perMinute).toBeGreaterThan(0);
    }
  });

  test("one that is like another has its limits and its rules", () => {
    expect(shaping.limitsOf("outlook")).toEqual(shaping.limitsOf("microsoft"));
    expect(shaping.limitsOf("nobody")).toEqual(shaping.limitsOf("other"));
  });
});

test.each([
  ["gmail", undefined],
  ["gmial", /no provider; did you mean gmail\?/],
  ["bigmail-of-somewhere", /no provider; there are gmail, microsoft/],
])("a provider named %s", (name, why) => {
  const words = unknownProvider(shaping, name);
  if (why) expect(words).toMatch(why);
  else expect(words).toBeUndefined();
});

test("no domain has a rule in the built-in file", () => {
  expect(shaping.domainRule("gmail.com")).toBeUndefined();
  expect(shaping.clearDomains()).toEqual([]);
});

test("every rule of the package says what to do", () => {
  const read = readShaping(undefined);
  if (!read.ok) throw new Error(read.problems.join("\n"));
  const rules = [...read.data.providers, read.data.other].flatMap((provider) => provider.rules);
  expect(rules.length).toBeGreaterThan(100);
  for (const { name, advice, source } of rules) {
    expect(advice, name).toMatch(/\w.*[.)?]$/);
    if (source !== undefined) expect(source, name).toMatch(/^https?:/);
  }
});
