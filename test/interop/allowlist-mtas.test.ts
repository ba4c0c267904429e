import { generateKeyPairSync } from "node:crypto";
import { connect } from "node:net";
import { dkimSign } from "mailauth/lib/dkim/sign.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { snippets } from "../../src/allowlist/index.ts";
import { startList, ZONE, type TestList } from "./list.ts";
import { startDns, type DnsServer } from "./servers/dns.ts";
import { startExim, type Exim } from "./servers/exim.ts";
import { startPostfix, type Postfix } from "./servers/postfix.ts";
import { until, type Address } from "./servers/process.ts";
import { startUnbound, type Unbound } from "./servers/unbound.ts";

/* Postfix and Exim with the settings that we print; they ask the resolver of their system, on port 53. */

const RESOLVER = "127.0.0.53";
/** Clients come from here: one is listed, one is not, one is on a blocklist too. */
const [LISTED, STRANGER, BLOCKED] = ["127.0.0.71", "127.0.0.72", "127.0.0.73"] as const;
const BLOCKLIST = "bl.example";
const { privateKey, publicKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "der" },
});

let list: TestList;
let dns: DnsServer;
let unbound: Unbound;
const filesOf = (name: string) => snippets({ zone: ZONE }).find((one) => one.name === name)!.files;

beforeAll(async () => {
  list = await startList({ addresses: [LISTED] });
  for (const domain of ["alder.example", "gone.example"]) list.add(domain);
  await list.publish();
  const reversed = (address: string) => address.split(".").toReversed().join(".");
  dns = await startDns([
    ...["alder.example", "gone.example", "stranger.example"].map((domain) => ({
      name: `s1._domainkey.${domain}`,
      type: "TXT" as const,
      ttl: 60,
      data: `v=DKIM1; k=rsa; p=${publicKey.toString("base64")}`.match(/.{1,250}/g)!,
    })),
    ...[STRANGER, BLOCKED, LISTED].map((address) => ({
      name: `${reversed(address)}.${BLOCKLIST}`,
      type: "A" as const,
      ttl: 60,
      data: "127.0.0.2",
    })),
  ]);
  unbound = await startUnbound({
    dns,
    zones: ["example"],
    host: RESOLVER,
    port: 53,
    stubs: { [ZONE]: list.server },
  });
});
afterAll(async () => {
  for (const one of [unbound, dns, list]) await one?.stop();
});

/** One conversation from an address; the replies, each a line, as far as it came. */
async function talk(
  to: Address,
  from: string,
  message = "Subject: Hello\r\n\r\nHello\r\n",
  recipient = "ada@here.example",
): Promise<string[]> {
  const socket = connect({ ...to, localAddress: from });
  const replies: string[] = [];
  const steps = [
    "EHLO mx.sender.example",
    "MAIL FROM:<a@sender.example>",
    `RCPT TO:<${recipient}>`,
    "DATA",
    `${message}.`,
    "QUIT",
  ];
  let text = "";
  await new Promise<void>((resolve, reject) => {
    socket.setTimeout(20_000, () => socket.destroy(new Error(`no answer after ${replies.join(" | ")}`)));
    socket.on("error", reject);
    socket.on("close", () => resolve());
    socket.on("data", (chunk) => {
      text += chunk.toString();
      const lines = text.split("\r\n");
      text = lines.pop()!;
      for (const line of lines) {
        if (!/^\d{3} /.test(line)) continue;
        replies.push(line);
        const next = steps.shift();
        if (line.startsWith("5") || line.startsWith("4") || next === undefined) return void socket.end();
        socket.write(`${next}\r\n`);
      }
    });
  });
  return replies;
}
const last = async (to: Address, from: string) =>
  (await talk(to, from)).find((line) => /^[45]/.test(line)) ?? "taken";

/** main.cf as it is printed, as settings. */
function settingsOf(text: string): Record<string, string> {
  const joined = text
    .split("\n")
    .filter((line) => !line.startsWith("#"))
    .join("\n")
    .replace(/\n[ \t]+/g, " ");
  return Object.fromEntries(
    joined.split("\n").flatMap((line) => {
      const [name, ...value] = line.split(" = ");
      return value.length > 0 ? [[name!.trim(), value.join(" = ").trim()]] : [];
    }),
  );
}

describe("Postfix", () => {
  const printed = () => settingsOf(filesOf("postfix")[0]!.text);
  let smtpd: Postfix;
  let screen: Postfix;
  beforeAll(async () => {
    const common = { hostname: "mx.here.example", domains: ["here.example"], resolver: RESOLVER };
    const restrictions = printed()["smtpd_recipient_restrictions"]!;
    smtpd = await startPostfix({
      ...common,
      // As somebody has it who refuses by a blocklist what the list does not speak for.
      settings: { smtpd_recipient_restrictions: `${restrictions}, reject_rbl_client ${BLOCKLIST}` },
    });
    const { smtpd_recipient_restrictions: _, ...screening } = printed();
    screen = await startPostfix({
      ...common,
      postscreen: true,
      settings: {
        ...screening,
        postscreen_dnsbl_sites: `${screening["postscreen_dnsbl_sites"]}, ${BLOCKLIST}*1`,
        postscreen_dnsbl_threshold: "1",
        postscreen_dnsbl_action: "enforce",
        postscreen_greet_wait: "1s",
        postscreen_access_list: "",
      },
    });
  });
  afterAll(async () => {
    await smtpd?.stop();
    await screen?.stop();
  });

  test("what is printed for both is in it", () => {
    expect(Object.keys(printed()).toSorted()).toEqual([
      "postscreen_dnsbl_allowlist_threshold",
      "postscreen_dnsbl_sites",
      "smtpd_recipient_restrictions",
    ]);
  });
  test.each([
    ["a listed address passes what would refuse it", LISTED, "taken"],
    ["another does not", STRANGER, expect.stringMatching(/^554 5\.7\.1/)],
  ])("smtpd: %s", async (_, from, expected) => {
    expect(await last(smtpd, from)).toEqual(expected);
  });
  test.each([
    ["a listed address weighs more than one blocklist", LISTED, "taken"],
    ["another is refused", BLOCKED, expect.stringMatching(/^550 5\.7\.1/)],
  ])("postscreen: %s", async (_, from, expected) => {
    expect(await last(screen, from)).toEqual(expected);
  });
  test("nobody relays by it", async () => {
    for (const server of [smtpd, screen]) {
      const replies = await talk(server, LISTED, undefined, "ada@elsewhere.example");
      expect(replies.at(-1)).toMatch(/^554 5\.7\.1 .*Relay access denied/);
      expect(await server.log()).not.toMatch(/fatal|warning: .*dnswl/);
    }
  });
});

describe("Exim", () => {
  let exim: Exim;
  beforeAll(async () => {
    const [main, acls, data] = filesOf("exim").map(({ text }) => text);
    exim = await startExim({
      hostname: "mx.here.example",
      domains: ["here.example"],
      resolver: RESOLVER,
      further: { main: main!, acls: acls!, data: data! },
    });
  });
  afterAll(() => exim?.stop());
  let sent = 0;

  async function send(from: string, signedBy: string[], spoilt = false): Promise<string | undefined> {
    const id = `${++sent}@${from}`;
    const text = `From: Ada <noreply@${from}>\r\nTo: ada@here.example\r\nSubject: Your code\r\nDate: Mon, 5 Jan 2026 09:59:59 +0000\r\nMessage-ID: <${id}>\r\n\r\nYour code is 123456.\r\n`;
    const signatures = await Promise.all(
      signedBy.map(async (signingDomain) => {
        const key = { signingDomain, selector: "s1", privateKey };
        return (await dkimSign(text, { ...key, signatureData: [key] })).signatures;
      }),
    );
    const mail = `${signatures.join("")}${spoilt ? text.replace("123456", "654321") : text}`;
    expect((await talk(exim, STRANGER, mail)).find((line) => /^[45]/.test(line))).toBeUndefined();
    const raw = await until("the mail", async () =>
      (await exim.rawMessages()).map(String).find((one) => one.includes(`<${id}>`)),
    );
    return /^X-Atmos-Member: (.*)$/m.exec(raw)?.[1];
  }

  test.each<[string, string, string[], boolean, string | undefined]>([
    ["listed and aligned", "alder.example", ["alder.example"], false, "alder.example 127.0.6.1"],
    ["signed by a listed third party", "stranger.example", ["alder.example"], false, undefined],
    ["by both", "stranger.example", ["stranger.example", "alder.example"], false, undefined],
    ["listed, and not signed", "alder.example", [], false, undefined],
    ["listed, with a signature that does not hold", "alder.example", ["alder.example"], true, undefined],
    ["signed and unlisted", "stranger.example", ["stranger.example"], false, undefined],
  ])("%s", async (_, from, signedBy, spoilt, expected) => {
    expect(await send(from, signedBy, spoilt)).toBe(expected);
  });

  test("who is taken back counts for nothing; without the list mail flows all the same", async () => {
    expect(await send("gone.example", ["gone.example"])).toBe("gone.example 127.0.6.1");
    list.remove("gone.example");
    await list.publish();
    expect(await send("gone.example", ["gone.example"])).toBeUndefined();
    await list.stopServing();
    expect(await send("alder.example", ["alder.example"])).toBeUndefined();
  });
});
