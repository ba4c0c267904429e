import { once } from "node:events";
import { readdirSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import PostalMime from "postal-mime";
import { describe, expect, test } from "vitest";
import { createAuthority } from "../../src/devnet/certificates.ts";
import type { BounceChoice } from "../../src/policy/index.ts";
import { client, member, signatures, told } from "../relay-harness.ts";
import { createPeers } from "../smtp-peers.ts";
import { useRelay } from "../use-relay.ts";

const here = useRelay();

/** Hands one message in; the last reply, or the first that is no yes. */
async function submit(
  text: string,
  { mail = "", rcpt = "", from = "alice@member.test", to = "bob@a.test" } = {},
): Promise<string> {
  const { say } = await here.loggedIn();
  for (const line of [`MAIL FROM:<${from}>${mail}`, `RCPT TO:<${to}>${rcpt}`, "DATA"]) {
    const reply = await say(Buffer.from(`${line}\r\n`, "utf8"));
    if (!/^[23]/.test(reply)) return reply;
  }
  return say(Buffer.from(`${text.replaceAll("\n", "\r\n")}\r\n.\r\n`, "utf8"));
}
const HEAD = "From: alice@member.test\nSubject: x\n\n";

test("what is offered", async () => {
  const { say } = await here.loggedIn();
  const offered = (await say("EHLO x\r\n")).split("\r\n").map((line) => line.slice(4));
  expect(offered.slice(1).sort()).toEqual([
    "8BITMIME",
    "DSN",
    "ENHANCEDSTATUSCODES",
    "PIPELINING",
    "REQUIRETLS",
    "SIZE 26214400",
    "SMTPUTF8",
  ]);
  expect(await say("NOOP\r\n")).toMatch(/^250 2\.0\.0 /);
  for (const joke of ["WIZ x", "SHELL", "KILL"]) expect(await say(`${joke}\r\n`)).toMatch(/^500 /);
  expect(await say("FOO\r\n")).toMatch(/^500 5\.5\.2 .*\[unknown-command\]$/);
  expect(await say("MAIL FROM:<alice@member.test> BODY=BINARYMIME\r\n")).toMatch(/^501 5\.5\.4 /);
});

describe.each(["TLSv1", "TLSv1.1"] as const)("a client that speaks %s", (version) => {
  const options = { minVersion: version, maxVersion: version, ciphers: "DEFAULT@SECLEVEL=0" };

  test("has no session", async () => {
    const { reply } = await here.overTls(options);
    expect(await reply()).toBe("closed");
    const newer = await here.overTls({ minVersion: "TLSv1.2", maxVersion: "TLSv1.2" });
    expect(await newer.say("EHLO x\r\n")).toMatch(/^250/);
  });

  test("has one with a server that lets it", async () => {
    const server = createTlsServer({ ...createAuthority().issue(["127.0.0.1"]), ...options }, (socket) =>
      socket.end("220 hello\r\n250 hello\r\n"),
    ).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const peer = await createPeers().overTls({ ports: { tls: port, starttls: port } }, options);
    expect(await peer.reply()).toBe("250 hello");
    peer.socket.destroy();
    server.close();
  });
});

describe("8-bit content", () => {
  test.each([" BODY=8BITMIME", ""])("is taken by what it is, with%s, and leaves as it came", async (mail) => {
    expect(await submit(`${HEAD}caf\u00e9`, { mail })).toMatch(/^250/);
    await here.bed.relay.settle();
    expect(here.sink.received[0]!.mail).toMatchObject({ BODY: "8BITMIME" });
    expect(Buffer.from(here.sink.received[0]!.raw, "latin1").toString("utf8")).toContain("caf\u00e9\r\n");
    expect((await signatures(here.sink.received[0]!.raw, here.bed.clock.now())).join()).not.toMatch(
      /fail|neutral/,
    );
  });

  test("comes back with an explanation where the host takes none; what is ASCII does not", async () => {
    await here.withSink({ hide: ["8BITMIME"] });
    expect(await submit(`${HEAD}caf\u00e9`, { mail: " BODY=8BITMIME" })).toMatch(/^250/);
    expect(await submit(`${HEAD}cafe`, { mail: " BODY=8BITMIME", to: "carol@a.test" })).toMatch(/^250/);
    await here.bed.relay.settle();
    const notice = here.sink.received.find((m) => m.to === "alice@member.test")!;
    expect(notice.raw).toMatch(/^Status: 5\.6\.3\r$/m);
    expect(notice.raw).toMatch(/takes no 8-bit content/);
    expect(here.sink.received.map((m) => m.to).sort()).toEqual(["alice@member.test", "carol@a.test"]);
  });
});

describe("SMTPUTF8", () => {
  const UTF8 = "From: J\u00fcrgen <j\u00fcrgen@member.test>\nSubject: \u4f60\u597d\n\nx";

  test("needs its parameter, in addresses and in the header", async () => {
    const reply = /^553 5\.6\.7 .*SMTPUTF8.*\[malformed\]$/;
    expect(await submit(UTF8, { from: "j\u00fcrgen@member.test" })).toMatch(reply);
    expect(await submit(UTF8, { to: "b\u00f6b@a.test" })).toMatch(reply);
    expect(await submit(UTF8, { to: "bob@\u4f8b\u5b50.test" })).toMatch(reply);
    expect(await submit(UTF8)).toMatch(/^550 5\.6\.7 .*\[malformed\]$/);
    expect(await here.bed.spool.openCount()).toBe(0);
  });

  test("passes on as it came, signed, to a host that takes it", async () => {
    const envelope = { mail: " SMTPUTF8", from: "j\u00fcrgen@member.test", to: "b\u00f6b@\u4f8b\u5b50.test" };
    expect(await submit(UTF8, envelope)).toMatch(/^250/);
    const [message] = await here.bed.spool.messages(member.did);
    expect(message).toMatchObject({ smtpUtf8: true, sender: "j\u00fcrgen@member.test" });
    expect(message!.recipients[0]!.address).toBe("b\u00f6b@xn--fsqu00a.test");
    await here.bed.relay.settle();
    expect(here.sink.received[0]!.mail).toMatchObject({ SMTPUTF8: true });
    const text = Buffer.from(here.sink.received[0]!.raw, "latin1").toString("utf8");
    expect(text).toMatch(/^Received: .* with UTF8SMTPSA id/m);
    expect(text).toContain("From: J\u00fcrgen <j\u00fcrgen@member.test>\r\nSubject: \u4f60\u597d\r\n");
    expect((await signatures(here.sink.received[0]!.raw, here.bed.clock.now())).join()).not.toMatch(
      /fail|neutral/,
    );
  });

  test("a header in UTF-8 to an ASCII address says so too, and one in ASCII does not", async () => {
    await submit("From: alice@member.test\nSubject: \u4f60\u597d\n\nx", { mail: " SMTPUTF8" });
    await submit(`${HEAD}x`, { mail: " SMTPUTF8", to: "carol@a.test" });
    await here.bed.relay.settle();
    const parameters = Object.fromEntries(here.sink.received.map((m) => [m.to, m.mail]));
    expect(parameters["bob@a.test"]).toMatchObject({ SMTPUTF8: true });
    expect(parameters["carol@a.test"]).not.toHaveProperty("SMTPUTF8");
  });

  test("comes back with an explanation where the host lacks it", async () => {
    await here.withSink({ hide: ["SMTPUTF8"] });
    await submit("From: alice@member.test\nSubject: \u4f60\u597d\n\nx", { mail: " SMTPUTF8" });
    await submit(`${HEAD}x`, { mail: " SMTPUTF8", to: "b\u00f6b@a.test" });
    await here.bed.relay.settle();
    const codes = (await told(here.bed)).flatMap((e) =>
      e.data.action_name === "recipient_bounced" ? [e.data.data.smtp?.enhanced] : [],
    );
    expect(codes.sort()).toEqual(["5.6.7", "5.6.9"]);
    // The reports about them are ASCII: the member's host is this one too.
    expect(await here.bed.spool.counts()).toEqual({ bounced: 2, delivered: 2 });
  });

  test.each([
    ["another's domain", "From: a@\u0435vil.test\n\n", /^550 5\.7\.1 .*\[foreign-domain\]$/],
    ["a wide at sign", "From: ceo\uff20evil.test <a@member.test>\n\n", /^550 5\.6\.0 .*one plain address/],
    ["a turned line", "From: \u202etset.rebmem <a@member.test>\n\n", /^550 5\.6\.0 .*one plain address/],
    ["a letter that looks like ours", "From: a@m\u0435mber.test\n\n", /^550 5\.7\.1 .*\[foreign-domain\]$/],
  ])("From in UTF-8 is judged as strictly: %s", async (_name, text, reply) => {
    expect(await submit(text, { mail: " SMTPUTF8" })).toMatch(reply);
  });
});

describe("DSN", () => {
  const asked = {
    mail: " RET=HDRS ENVID=QQ+2B314159",
    rcpt: " NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Bob+2Bx@a.test",
  };

  test("its parameters go on to a host that offers it, and it tells by itself", async () => {
    expect(await submit(`${HEAD}x`, asked)).toMatch(/^250/);
    await here.bed.relay.settle();
    expect(here.sink.received).toHaveLength(1);
    expect(here.sink.received[0]!.mail).toMatchObject({ RET: "HDRS", ENVID: "QQ+314159" });
    expect(here.sink.received[0]!.rcpt).toEqual({ NOTIFY: "SUCCESS,FAILURE", ORCPT: "rfc822;Bob+x@a.test" });
  });

  test("where a host does not tell, we tell that it was handed over", async () => {
    await here.withSink({ hide: ["DSN"] });
    await submit(`${HEAD}x`, asked);
    await here.bed.relay.settle();
    expect(here.sink.received.map((m) => m.to)).toEqual(["bob@a.test", "alice@member.test"]);
    const { raw } = here.sink.received[1]!;
    for (const line of [
      /^Original-Envelope-Id: QQ\+314159\r$/m,
      /^Original-Recipient: rfc822; Bob\+x@a\.test\r$/m,
      /^Action: relayed\r$/m,
      /^Status: 2\.0\.0\r$/m,
    ])
      expect(raw).toMatch(line);
  });

  test("NEVER means never, and is no business of the next host", async () => {
    here.sink.replies.rcpt = { "bob@a.test": [550, "5.1.1 No such user"] };
    await submit(`${HEAD}x`, { rcpt: " NOTIFY=NEVER" });
    await submit(`${HEAD}x`, { rcpt: " NOTIFY=NEVER", to: "carol@a.test" });
    await here.bed.relay.settle();
    expect(await here.bed.spool.counts()).toEqual({ bounced: 1, delivered: 1 });
    expect(here.sink.received.map((m) => [m.to, m.rcpt])).toEqual([["carol@a.test", false]]);
  });

  test.each([
    [" RET=FULL", /^Content-Type: message\/rfc822\r$[^]*^the whole of it\r$/m],
    [" RET=HDRS", /^Content-Type: text\/rfc822-headers\r$(?![^]*the whole of it)/m],
    ["", /^Content-Type: text\/rfc822-headers\r$(?![^]*the whole of it)/m],
  ])("the third part follows RET:%s", async (mail, part) => {
    here.sink.replies.rcpt = { "bob@a.test": [550, "5.1.1 No such user"] };
    await submit(`${HEAD}the whole of it`, { mail });
    await here.bed.relay.settle();
    expect(here.sink.received[0]!.raw).toMatch(part);
  });

  test("what was refused is written down also when its notice cannot be made", async () => {
    here.sink.replies.rcpt = { "bob@a.test": [550, "5.1.1 No such user"] };
    await here.bed.book.apply({ ...member, version: 2, paused: true });
    await submit(`${HEAD}${`${"x".repeat(900)}\n`.repeat(200)}`, { mail: " RET=FULL" });
    const bodies = join(here.directory.path, "spool.sqlite-bodies");
    for (const file of readdirSync(bodies)) rmSync(join(bodies, file));
    await here.bed.book.apply({ ...member, version: 3 });
    await here.bed.relay.settle();
    expect(await here.bed.spool.counts()).toEqual({ bounced: 1 });
    expect(await here.bed.spool.toldTo(member.did)).toMatchObject([
      { kind: "failed", address: "bob@a.test", sentTo: null, text: expect.stringContaining("No such user") },
    ]);
  });

  test.each([
    ["who did not say", "", ["delayed"]],
    ["who asked for failures only", " NOTIFY=FAILURE", []],
    ["who wants nothing", " NOTIFY=NEVER", []],
  ])("a delay of mail of %s", async (_name, rcpt, told) => {
    here.sink.replies.rcpt = { "bob@a.test": [451, "4.7.1 Later"] };
    await submit(`${HEAD}x`, { rcpt });
    for (let hour = 0; hour < 12; hour++) {
      await here.bed.relay.settle();
      here.bed.clock.advance(3_600_000);
    }
    expect(here.sink.received.map((m) => /^Action: (\w+)/m.exec(m.raw)?.[1])).toEqual(told);
  });

  test("a delay of several recipients is one notice", async () => {
    here.sink.replies.rcpt = { "bob@a.test": [451, "4.7.1 Later"], "eve@a.test": [451, "4.2.2 Full"] };
    await client(here.bed).sendMail({
      from: "alice@member.test",
      to: ["bob@a.test", "eve@a.test"],
      subject: "x",
      text: "x",
    });
    for (let hour = 0; hour < 12; hour++) {
      await here.bed.relay.settle();
      here.bed.clock.advance(3_600_000);
    }
    expect(here.sink.received.map((m) => m.to)).toEqual(["alice@member.test"]);
    expect(here.sink.received[0]!.raw.match(/^Final-Recipient: .*/gm)).toHaveLength(2);
    expect(await here.bed.spool.toldTo(member.did)).toMatchObject([{ kind: "delayed", state: "deferred" }]);
  });

  test.each<[string, BounceChoice, string[]]>([
    ["one address", { to: "address", address: "ops@a.test" }, ["ops@a.test"]],
    ["nobody", { to: "nobody" }, []],
  ])("a member that chose %s is told there, and on its page in any case", async (_name, bounces, to) => {
    here.sink.replies.rcpt = { "bob@a.test": [550, "5.1.1 No such user"] };
    await here.bed.book.apply({ ...member, version: 2, bounces });
    await submit(`${HEAD}x`);
    await here.bed.relay.settle();
    expect(here.sink.received.map((m) => m.to)).toEqual(to);
    expect(await here.bed.spool.toldTo(member.did)).toMatchObject([
      { kind: "failed", status: "5.1.1", sentTo: to[0] ?? null, state: "bounced" },
    ]);
  });

  test("a delay is told once, after four hours, to who asked", async () => {
    here.sink.replies.rcpt = { "bob@a.test": [451, "4.7.1 Later"] };
    await submit(`${HEAD}x`, { rcpt: " NOTIFY=DELAY" });
    for (let hour = 0; hour < 12; hour++) {
      await here.bed.relay.settle();
      here.bed.clock.advance(3_600_000);
    }
    expect(here.sink.received.map((m) => /^Action: (\w+)/m.exec(m.raw)?.[1])).toEqual(["delayed"]);
  });

  test("a report about mail with addresses in UTF-8 is one of RFC 6533, also at a host without SMTPUTF8", async () => {
    here.sink.replies.rcpt = { "b\u00f6b@a.test": [550, "5.1.1 No such user"] };
    await submit(`${HEAD}x`, { mail: " SMTPUTF8", to: "b\u00f6b@a.test" });
    await here.bed.relay.settle();
    const { raw, mail } = here.sink.received[0]!;
    expect(mail).not.toHaveProperty("SMTPUTF8");
    const { attachments } = await PostalMime.parse(raw, { forceRfc822Attachments: true });
    const status = attachments.find(({ mimeType }) => mimeType === "message/global-delivery-status");
    expect(Buffer.from(status!.content as ArrayBuffer).toString()).toMatch(
      /^Final-Recipient: utf-8; b\u00f6b@a\.test\r$/m,
    );
  });
});

describe("TLS on the way (RFC 8689)", () => {
  const asked = async () => (await here.bed.spool.messages(member.did)).map(({ ask }) => ask);

  test.each([
    ["REQUIRETLS", " REQUIRETLS", HEAD, "require-tls"],
    ["TLS-Required: No", "", `TLS-Required: No\n${HEAD}`, "tls-optional"],
    ["both: the parameter stands", " REQUIRETLS", `TLS-Required: No\n${HEAD}`, "require-tls"],
    ["nothing", "", HEAD, "usual"],
  ])("%s is kept with the message", async (_name, mail, head, ask) => {
    await here.bed.book.apply({ ...member, version: 2, paused: true });
    expect(await submit(`${head}x`, { mail })).toMatch(/^250/);
    expect(await asked()).toEqual([ask]);
  });

  test("what no host may have under REQUIRETLS comes back without anything of the message", async () => {
    await submit("Subject: secret plan\nFrom: alice@member.test\n\nx", { mail: " RET=FULL REQUIRETLS" });
    await here.bed.relay.settle();
    expect(here.sink.received.map((m) => m.to)).toEqual(["alice@member.test"]);
    const { raw } = here.sink.received[0]!;
    expect(raw).toMatch(/^Status: 5\.7\.30\r$/m);
    expect(raw).not.toMatch(/secret plan/);
  });
});
