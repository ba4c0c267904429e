import { generateKeyPairSync } from "node:crypto";
import { dkimSign } from "mailauth/lib/dkim/sign.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { snippets } from "../../src/allowlist/index.ts";
import { startList, ZONE, type TestList } from "./list.ts";
import { startDns, type DnsServer } from "./servers/dns.ts";
import { startRspamd, type Rspamd } from "./servers/rspamd.ts";
import { startSpamAssassin, type SpamAssassin } from "./servers/spamassassin.ts";
import { startUnbound, type Unbound } from "./servers/unbound.ts";

/* The settings that we print, in the programs for which they are. */

const POOL = "198.51.100.7";
const OTHER = "198.51.100.99";
const { privateKey, publicKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "der" },
});

let list: TestList;
let dns: DnsServer;
let unbound: Unbound;
let rspamd: Rspamd;
let assassin: SpamAssassin;

const DOMAINS = ["alder.example", "clean.example", "gone.example", "stranger.example", "mail.alder.example"];

beforeAll(async () => {
  list = await startList({ addresses: [POOL] });
  list.add("alder.example");
  list.add("clean.example", { clean: true });
  list.add("gone.example");
  await list.publish();
  dns = await startDns(
    DOMAINS.map((domain) => ({
      name: `s1._domainkey.${domain}`,
      type: "TXT" as const,
      ttl: 60,
      // Character-strings of at most 255 octets.
      data: `v=DKIM1; k=rsa; p=${publicKey.toString("base64")}`.match(/.{1,250}/g)!,
    })),
  );
  unbound = await startUnbound({ dns, zones: ["example"], stubs: { [ZONE]: list.server } });
  const all = snippets({ zone: ZONE });
  const filesOf = (name: string) => all.find((one) => one.name === name)!.files;
  rspamd = await startRspamd({
    dns: unbound,
    localFiles: Object.fromEntries(
      filesOf("rspamd").map(({ path, text }) => [path.replace(/.*\//, ""), text]),
    ),
  });
  assassin = await startSpamAssassin({ dns: unbound, rules: filesOf("spamassassin")[0]!.text });
});
afterAll(async () => {
  for (const one of [assassin, rspamd, unbound, dns, list]) await one?.stop();
});

type Mail = { from: string; signedBy?: string[]; spoilt?: boolean; ip?: string };

async function compose({ from, signedBy = [], spoilt, ip = OTHER }: Mail): Promise<Buffer> {
  const received = `Received: from mx.sender.example (mx.sender.example [${ip}])\r\n\tby mx.here.example with ESMTP id 1; Mon, 5 Jan 2026 10:00:00 +0000\r\n`;
  const text = [
    `From: Ada <noreply@${from}>`,
    "To: ada@here.example",
    "Subject: Your code",
    "Date: Mon, 5 Jan 2026 09:59:59 +0000",
    `Message-ID: <1@${from}>`,
    "",
    "Your code is 123456.",
    "",
  ].join("\r\n");
  const signatures = await Promise.all(
    signedBy.map(async (signingDomain) => {
      const key = { signingDomain, selector: "s1", privateKey };
      return (await dkimSign(text, { ...key, signatureData: [key] })).signatures;
    }),
  );
  const body = spoilt === true ? text.replace("123456", "654321") : text;
  return Buffer.from(`${received}${signatures.join("")}${body}`);
}

const listSymbols = (found: Record<string, number>) =>
  Object.keys(found)
    .filter((name) => name.startsWith("ATMOS"))
    .toSorted();

const CASES: [string, Mail, string[]][] = [
  ["listed and aligned", { from: "alder.example", signedBy: ["alder.example"] }, ["ATMOS_DWL_MEMBER"]],
  ["clean for long", { from: "clean.example", signedBy: ["clean.example"] }, ["ATMOS_DWL_CLEAN"]],
  ["signed by a listed third party", { from: "stranger.example", signedBy: ["alder.example"] }, []],
  [
    "signed by its own unlisted domain and by a listed third party",
    { from: "stranger.example", signedBy: ["stranger.example", "alder.example"] },
    [],
  ],
  ["listed, and not signed at all", { from: "alder.example" }, []],
  [
    "listed, with a signature that does not hold",
    { from: "alder.example", signedBy: ["alder.example"], spoilt: true },
    [],
  ],
  ["signed and unlisted", { from: "stranger.example", signedBy: ["stranger.example"] }, []],
  ["a name below what is listed", { from: "mail.alder.example", signedBy: ["mail.alder.example"] }, []],
  ["nothing but an address of the pool", { from: "stranger.example", ip: POOL }, ["ATMOS_IP_POOL"]],
  [
    "both",
    { from: "alder.example", signedBy: ["alder.example"], ip: POOL },
    ["ATMOS_DWL_MEMBER", "ATMOS_IP_POOL"],
  ],
];

describe("rspamd", () => {
  test.each(CASES)("%s", async (_, mail, expected) => {
    const found = await rspamd.scan(await compose(mail), mail.ip ?? OTHER);
    expect(listSymbols(found)).toEqual(expected);
    for (const name of expected) expect(found[name]).toBeLessThan(0);
  });
});

describe("SpamAssassin", () => {
  test("has nothing against the rules", async () => {
    expect(await assassin.lint()).toBe("");
  });
  test.each(CASES)("%s", async (_, mail, expected) => {
    const found = await assassin.scan(await compose(mail));
    expect(listSymbols(found)).toEqual(expected);
    for (const name of expected) expect(found[name]).toBeLessThan(0);
  });
});

describe("afterwards", () => {
  const gone = { from: "gone.example", signedBy: ["gone.example"] };
  const both = async (mail: Mail) => [
    listSymbols(await rspamd.scan(await compose(mail), mail.ip ?? OTHER)),
    listSymbols(await assassin.scan(await compose(mail))),
  ];

  test("who is taken back counts for nothing", async () => {
    expect(await both(gone)).toEqual([["ATMOS_DWL_MEMBER"], ["ATMOS_DWL_MEMBER"]]);
    list.remove("gone.example");
    await list.publish();
    expect(await both(gone)).toEqual([[], []]);
  });
});
