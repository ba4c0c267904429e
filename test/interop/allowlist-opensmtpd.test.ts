import { generateKeyPairSync } from "node:crypto";
import { dkimSign } from "mailauth/lib/dkim/sign.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { snippets } from "../../src/allowlist/index.ts";
import { startList, ZONE, type TestList } from "./list.ts";
import { startDns, type DnsServer } from "./servers/dns.ts";
import { startOpenSmtpd, type OpenSmtpd } from "./servers/opensmtpd.ts";
import { until } from "./servers/process.ts";
import { startRspamd, type Rspamd } from "./servers/rspamd.ts";
import { startUnbound, type Unbound } from "./servers/unbound.ts";
import { talk, verdict } from "./talk.ts";

/* OpenSMTPD with Debian's filter-rspamd and rspamd, both with the settings that we print. The filter writes what
   rspamd found into mail that it marks: here it marks all of it. */

const POOL = "198.51.100.7";
const GONE = "198.51.100.8";
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
let smtpd: OpenSmtpd;
const filesOf = (name: string) => snippets({ zone: ZONE }).find((one) => one.name === name)!.files;

beforeAll(async () => {
  list = await startList({ addresses: [POOL, GONE] });
  for (const domain of ["alder.example", "gone.example"]) list.add(domain);
  await list.publish();
  dns = await startDns(
    ["alder.example", "gone.example", "stranger.example"].map((domain) => ({
      name: `s1._domainkey.${domain}`,
      type: "TXT" as const,
      ttl: 60,
      data: `v=DKIM1; k=rsa; p=${publicKey.toString("base64")}`.match(/.{1,250}/g)!,
    })),
  );
  unbound = await startUnbound({ dns, zones: ["example"], stubs: { [ZONE]: list.server } });
  rspamd = await startRspamd({
    dns: unbound,
    // Where the filter looks for it.
    port: 11333,
    localFiles: {
      ...Object.fromEntries(filesOf("rspamd").map(({ path, text }) => [path.replace(/.*\//, ""), text])),
      "actions.conf": "reject = 1000;\nadd_header = -1000;\ngreylist = null;\n",
    },
  });
  const [main, listener] = filesOf("opensmtpd").map(({ text }) => text);
  const [, options] = /^listen on all (.*)\n$/.exec(listener!)!;
  smtpd = await startOpenSmtpd({
    hostname: "mx.here.example",
    domain: "here.example",
    known: ["ada"],
    // The address that hands a mail over comes by the PROXY protocol: rspamd verifies nothing of local ones.
    further: { main: main!, listener: `${options} proxy-v2` },
  });
});
afterAll(async () => {
  for (const one of [smtpd, rspamd, unbound, dns, list]) await one?.stop();
});

/** The PROXY protocol, version 2: TCP over IPv4. */
function proxied(from: string): Buffer {
  const octets = (address: string) => Buffer.from(address.split(".").map(Number));
  const signature = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
  return Buffer.concat([
    signature,
    Buffer.from([0x21, 0x11, 0, 12]),
    octets(from),
    octets("198.51.100.1"),
    Buffer.from([0x10, 0xe1, 0, 25]),
  ]);
}

interface Mail {
  from: string;
  signedBy?: string[];
  spoilt?: boolean;
  ip?: string;
}

let sent = 0;
/** The list's symbols in a mail that was taken, with their weights. */
async function symbols({ from, signedBy = [], spoilt = false, ip = OTHER }: Mail): Promise<string[]> {
  const id = `${++sent}@${from}`;
  const text = `From: Ada <noreply@${from}>\r\nTo: ada@here.example\r\nSubject: Your code\r\nDate: Mon, 5 Jan 2026 09:59:59 +0000\r\nMessage-ID: <${id}>\r\n\r\nYour code is 123456.\r\n`;
  const signatures = await Promise.all(
    signedBy.map(async (signingDomain) => {
      const key = { signingDomain, selector: "s1", privateKey };
      return (await dkimSign(text, { ...key, signatureData: [key] })).signatures;
    }),
  );
  const mail = `${signatures.join("")}${spoilt ? text.replace("123456", "654321") : text}`;
  expect(verdict(await talk(smtpd, { before: proxied(ip), mail }))).toBe("taken");
  const raw = await until("the mail", async () =>
    (await smtpd.rawMessages()).map(String).find((one) => one.includes(`<${id}>`)),
  );
  const status = /^X-Spam-Status: Yes, .*(?:\n\s.*)*/m.exec(raw)![0];
  return (status.match(/ATMOS\w+=[-\d.]+/g) ?? []).toSorted();
}

test.each<[string, Mail, string[]]>([
  ["listed and aligned", { from: "alder.example", signedBy: ["alder.example"] }, ["ATMOS_DWL_MEMBER=-2.000"]],
  ["signed by a listed third party", { from: "stranger.example", signedBy: ["alder.example"] }, []],
  [
    "listed, with a signature that does not hold",
    { from: "alder.example", signedBy: ["alder.example"], spoilt: true },
    [],
  ],
  ["listed, and not signed", { from: "alder.example" }, []],
  ["signed and unlisted", { from: "stranger.example", signedBy: ["stranger.example"] }, []],
  ["an address of the pool", { from: "stranger.example", ip: POOL }, ["ATMOS_IP_POOL=-0.200"]],
])("%s", async (_, mail, expected) => {
  expect(await symbols(mail)).toEqual(expected);
});

test("nobody relays by it", async () => {
  const from = { before: proxied(POOL), recipient: "ada@elsewhere.example" };
  expect(verdict(await talk(smtpd, from))).toMatch(/^550 Invalid recipient/);
});

test("who is taken back counts for nothing", async () => {
  const gone = { from: "gone.example", signedBy: ["gone.example"], ip: GONE };
  expect(await symbols(gone)).toEqual(["ATMOS_DWL_MEMBER=-2.000", "ATMOS_IP_POOL=-0.200"]);
  list.remove("gone.example");
  list.removeAddress(GONE);
  await list.publish();
  expect(await symbols(gone)).toEqual([]);
});

test("without the list mail flows, and nobody counts", async () => {
  await list.stopServing();
  // rspamd says that it got no answer, which weighs nothing.
  const found = await symbols({ from: "alder.example", signedBy: ["alder.example"], ip: POOL });
  expect(found).toEqual(["ATMOS_DWL_FAIL=0.000", "ATMOS_IP_FAIL=0.000"]);
});

test("without rspamd all mail is deferred", async () => {
  await rspamd.stop();
  expect(verdict(await talk(smtpd, { before: proxied(POOL) }))).toMatch(/^421 /);
});
