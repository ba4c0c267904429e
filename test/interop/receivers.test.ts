import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { POOL, startCooperative, tellLogOnFailure, type Cooperative, type Member } from "./cooperative.ts";
import { verifyWithDkimpy } from "./servers/dkimpy.ts";
import { startExim } from "./servers/exim.ts";
import { verifyWithMailauth } from "./servers/mailauth.ts";
import { startOpenDkimVerifier, type OpenDkimVerifier, type SignatureResult } from "./servers/opendkim.ts";
import { startOpenSmtpd } from "./servers/opensmtpd.ts";
import { startPostfix } from "./servers/postfix.ts";
import { freePort, until, type Address } from "./servers/process.ts";
import { openSubmission } from "./submission.ts";

/*
 * The built product delivers over STARTTLS to the three mail servers that most small hosts run: what they offer differs,
 * and what arrives must not.
 */

const MEMBER = "alder.test";
const SENDER = `noreply@${MEMBER}`;
const SMALL = 200_000;
const ADDRESSES = { postfix: "127.0.0.41", exim: "127.0.0.42", opensmtpd: "127.0.0.43" };
type Name = keyof typeof ADDRESSES;
const NAMES = Object.keys(ADDRESSES) as Name[];

type Receiver = { rawMessages(): Promise<Buffer[]>; connections(): Promise<number>; log(): Promise<string> };

const stack = new AsyncDisposableStack();
const receivers = {} as Record<Name, Receiver>;
let coop: Cooperative;
let member: Member;
let opendkim: OpenDkimVerifier;

const count = (text: string, what: RegExp) => text.match(what)?.length ?? 0;

beforeAll(async () => {
  coop = stack.use(await startCooperative());
  const port = coop.deliveryPort;
  const greylist = stack.use(await startPolicyServer());
  const at = (name: Name) => ({ hostname: `mx.${name}.test`, host: ADDRESSES[name], port });
  const tls = (name: Name) => coop.authority.issue(`mx.${name}.test`);
  const postfix = stack.use(
    await startPostfix({
      ...at("postfix"),
      tls: await tls("postfix"),
      domains: ["postfix.test"],
      unknown: ["nobody"],
      settings: {
        message_size_limit: String(SMALL),
        smtpd_recipient_restrictions: `check_policy_service inet:${greylist.host}:${greylist.port}`,
      },
    }),
  );
  const exim = stack.use(
    await startExim({
      ...at("exim"),
      tls: await tls("exim"),
      domains: ["exim.test"],
      unknown: ["nobody"],
      greylisted: ["grey"],
      maxSize: String(SMALL),
    }),
  );
  const opensmtpd = stack.use(
    await startOpenSmtpd({
      ...at("opensmtpd"),
      tls: await tls("opensmtpd"),
      domain: "opensmtpd.test",
      known: ["reader", "many"],
      maxSize: String(SMALL),
    }),
  );
  const fromUs = / connect from \S+\[127\.0\.0\.1\]/g;
  Object.assign(receivers, {
    postfix: {
      rawMessages: postfix.rawMessages,
      log: postfix.log,
      connections: async () => count(await postfix.log(), fromUs),
    },
    exim: {
      rawMessages: exim.rawMessages,
      log: exim.log,
      connections: async () => count(await exim.log(), /SMTP connection from \[127\.0\.0\.1\]/g),
    },
    opensmtpd: {
      rawMessages: opensmtpd.rawMessages,
      log: async () => opensmtpd.log(),
      connections: async () => count(opensmtpd.log(), / smtp connected address=127\.0\.0\.1 /g),
    },
  } satisfies Record<Name, Receiver>);
  for (const name of NAMES) coop.receives(`${name}.test`, ADDRESSES[name]);
  member = await coop.join(MEMBER, { address: ADDRESSES.postfix, tier: "trusted" });
  opendkim = stack.use(await startOpenDkimVerifier({ nameserver: coop.unbound }));
}, 120_000);
afterAll(() => stack.disposeAsync());
tellLogOnFailure(() => coop?.product);

/** Postfix's policy delegation: `grey@` is deferred the first time that a client comes with a sender and a recipient. */
async function startPolicyServer(): Promise<Address & AsyncDisposable> {
  const known = new Set<string>();
  const server = createServer((socket) => {
    let text = "";
    socket
      .on("error", () => undefined)
      .on("data", (chunk) => {
        text += chunk.toString("utf8");
        for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
          const asked = Object.fromEntries(
            text
              .slice(0, end)
              .split("\n")
              .map((line) => line.split("=", 2)),
          );
          text = text.slice(end + 2);
          const triplet = `${asked["client_address"]} ${asked["sender"]} ${asked["recipient"]}`;
          const fresh = asked["recipient"]?.startsWith("grey@") && !known.has(triplet);
          known.add(triplet);
          socket.write(`action=${fresh ? "defer_if_permit 4.2.0 Greylisted, see you later" : "dunno"}\n\n`);
        }
      });
  });
  const port = await freePort();
  await new Promise<void>((resolve) => void server.listen(port, "127.0.0.1", resolve));
  return { host: "127.0.0.1", port, [Symbol.asyncDispose]: async () => void server.close() };
}

type Sent = { id: string; reply: string };
type Asked = { mail?: string; rcpt?: string; text?: string; subject?: string };

/** Submits octets (latin1) for one recipient. */
async function submit(
  to: string,
  { mail = "", rcpt = "", text = "Hello.\r\n", subject = "x" }: Asked = {},
): Promise<Sent> {
  const client = await openSubmission(coop, member);
  try {
    const lines = [`MAIL FROM:<${SENDER}> BODY=8BITMIME${mail}`, `RCPT TO:<${octets(to)}>${rcpt}`, "DATA"];
    for (const line of lines) {
      client.socket.write(Buffer.from(`${line}\r\n`, "latin1"));
      const reply = await client.say();
      if (!/^[23]/.test(reply)) throw new Error(reply);
    }
    const fields = [
      `From: ${SENDER}`,
      `To: ${octets(to)}`,
      `Subject: ${octets(subject)}`,
      `Date: ${new Date().toUTCString()}`,
    ];
    client.socket.write(Buffer.from(`${fields.join("\r\n")}\r\n\r\n${text}`, "latin1"));
    const reply = await client.say(".");
    return { reply, id: / as (\S+)/.exec(reply)?.[1] ?? "" };
  } finally {
    client.destroy();
  }
}
const octets = (text: string) => Buffer.from(text, "utf8").toString("latin1");

type Shown = {
  message: { recipients: { state: string }[] };
  attempts: {
    class: string;
    permanent: boolean;
    text: string;
    code: number;
    tls: string;
    transcript: string;
  }[];
};
async function shown(id: string): Promise<{ state: string; last: Shown["attempts"][0]; attempts: number }> {
  const { message, attempts } = (await coop.product.cli("queue", "show", id)) as unknown as Shown;
  return { state: message.recipients[0]!.state, last: attempts.at(-1)!, attempts: attempts.length };
}
/** When it has been tried. */
const tried = (id: string, times = 1) =>
  until(`${times} attempts`, async () => {
    const found = await shown(id);
    return found.attempts >= times && !/^(?:queued)$/.test(found.state) && found;
  });

/** The stored message with this subject; lines end in CRLF. */
const stored = (name: Name, subject: string) =>
  until(`"${subject}" at ${name}`, async () => {
    const all = (await receivers[name].rawMessages()).map((raw) =>
      raw.toString("latin1").replaceAll(/\r?\n/g, "\r\n"),
    );
    return all.find((raw) => raw.includes(`\r\nSubject: ${octets(subject)}\r\n`));
  });

const VERIFIERS: [string, (raw: string) => Promise<SignatureResult[]>][] = [
  ["OpenDKIM", (raw) => opendkim.verify(Buffer.from(raw, "latin1"))],
  ["mailauth", (raw) => verifyWithMailauth(raw, coop.unbound)],
  ["dkimpy", (raw) => verifyWithDkimpy(Buffer.from(raw, "latin1"), coop.unbound)],
];
const GOOD = [`${MEMBER} ed25519-sha256 pass`, `${MEMBER} rsa-sha256 pass`, `${POOL} rsa-sha256 pass`];

describe.each(NAMES)("%s", (name) => {
  const domain = `${name}.test`;
  const pipelines = name !== "opensmtpd";

  test("8-bit and odd lines arrive under TLS 1.3 with all three signatures, which every verifier verifies", async () => {
    const subject = `Whole at ${name}`;
    const text = `${octets("Grüße, 你好")}\r\n.\r\n..\r\n.dot\r\n  trailing   \r\n${"x".repeat(990)}\r\n\r\nend\r\n`;
    const { id } = await submit(`reader@${domain}`, { subject, text: text.replaceAll(/^\./gm, "..") });
    const raw = await stored(name, subject);
    expect(raw.endsWith(`\r\n\r\n${text}`)).toBe(true);
    for (const [verifier, verify] of VERIFIERS) {
      const results = (await verify(raw)).map((one) => `${one.domain} ${one.algorithm} ${one.result}`);
      expect(results.toSorted(), verifier).toEqual(GOOD);
    }
    const { state, last } = await tried(id);
    expect([state, last.tls.split(" ")[0]]).toEqual(["delivered", "TLSv1.3"]);
    // A line that is longer than a command does not leave before the answers.
    if (pipelines) expect(last.transcript).toMatch(/C: MAIL FROM:.*\nC: RCPT TO:.*\nC: DATA\nS: /);
    else expect(last.transcript).not.toMatch(/C: MAIL FROM:.*\nC: /);
  });

  test(`8-bit and odd lines arrive ${pipelines ? "in one flight" : "without CHUNKING"} as they were signed`, async () => {
    const subject = `Chunk at ${name}`;
    const text = `${octets("Grüße, 你好")}\r\n.\r\n..\r\n.dot\r\n  trailing   \r\n${"x".repeat(500)}\r\n\r\nend\r\n`;
    const { id } = await submit(`reader@${domain}`, { subject, text: text.replaceAll(/^\./gm, "..") });
    const raw = await stored(name, subject);
    expect(raw.endsWith(`\r\n\r\n${text}`)).toBe(true);
    const results = (await opendkim.verify(Buffer.from(raw, "latin1"))).map(({ result }) => result);
    expect(results).toEqual(["pass", "pass", "pass"]);
    const { transcript } = (await tried(id)).last;
    if (pipelines) expect(transcript).toMatch(/C: MAIL FROM:.*\nC: RCPT TO:.*\nC: BDAT \d+ LAST\nS: /);
    else expect(transcript).not.toContain("BDAT");
  });

  test("thirty messages, each once, over a few connections", async () => {
    const before = await receivers[name].connections();
    const subjects = Array.from({ length: 30 }, (_, i) => `Number ${i} at ${name}`);
    for (const subject of subjects) await submit(`many@${domain}`, { subject });
    const arrived = async () =>
      (await receivers[name].rawMessages()).flatMap(
        (raw) => /^Subject: (Number .*?)\r?$/m.exec(raw.toString("latin1"))?.[1] ?? [],
      );
    await until("all thirty", async () => (await arrived()).length >= 30, 60_000);
    expect((await arrived()).toSorted()).toEqual(subjects.toSorted());
    const used = (await receivers[name].connections()) - before;
    expect(used).toBeGreaterThan(0);
    expect(used).toBeLessThan(15);
  }, 90_000);

  test(`an address and a header in UTF-8 ${pipelines ? "arrive" : "come back: it takes none"}`, async () => {
    const subject = `Grüße an ${name}`;
    const { id } = await submit(`jürgen@${domain}`, { subject, mail: " SMTPUTF8" });
    const { state, last } = await tried(id);
    if (!pipelines) {
      expect([state, last.permanent, last.text]).toEqual([
        "bounced",
        true,
        expect.stringMatching(/SMTPUTF8/),
      ]);
      expect(last.transcript).not.toMatch(/C: MAIL/);
      return;
    }
    expect(state, last.transcript).toBe("delivered");
    expect(last.transcript).toMatch(/C: MAIL FROM:.* SMTPUTF8/);
    const raw = await stored(name, subject);
    const results = (await opendkim.verify(Buffer.from(raw, "latin1"))).map(({ result }) => result);
    expect(results).toEqual(["pass", "pass", "pass"]);
  });

  test("what the member asks of notices is asked of the host", async () => {
    const asked = { mail: " RET=HDRS ENVID=abc", rcpt: " NOTIFY=FAILURE,DELAY ORCPT=rfc822;reader" };
    const { id } = await submit(`reader@${domain}`, asked);
    const { state, last } = await tried(id);
    expect(state).toBe("delivered");
    expect(last.transcript).toMatch(/C: MAIL FROM:.* RET=HDRS ENVID=abc/);
    expect(last.transcript).toMatch(/C: RCPT TO:.* NOTIFY=FAILURE,DELAY ORCPT=rfc822;reader/);
  });

  test("what is too large for it comes back, before a line of it was sent", async () => {
    const { id } = await submit(`reader@${domain}`, {
      text: "A long line of a large message.\r\n".repeat(10_000),
    });
    const { state, last } = await tried(id);
    expect([state, last.class, last.permanent]).toEqual(["bounced", "too-large", true]);
    expect(last.transcript).not.toMatch(/S: 354/);
  });

  test("whom it does not know is told at RCPT, and comes back at once", async () => {
    const { id } = await submit(`nobody@${domain}`);
    const { state, last } = await tried(id);
    expect([state, last.class, last.permanent]).toEqual(["bounced", "bad-mailbox", true]);
    expect(last.transcript).toMatch(/C: RCPT TO:<nobody@[^]*S: 550/);
    // What was sent behind it is refused too, and both sides are in step.
    if (pipelines)
      expect(last.transcript).toMatch(/C: BDAT \d+ LAST\nS: 250[^]*S: 550[^]*S: 5[^]*C: RSET\nS: 250/);
  });
});

test.each(["postfix", "exim"] as const)(
  "a greylist of %s puts it off, and takes it when it comes again",
  async (name) => {
    const subject = `Grey at ${name}`;
    const { id } = await submit(`grey@${name}.test`, { subject });
    const first = await tried(id);
    expect([first.state, first.last.class, first.last.permanent]).toEqual(["deferred", "greylisted", false]);
    await coop.product.cli("queue", "requeue", id, "--why", "the greylist knows it now");
    const second = await tried(id, 2);
    expect([second.state, second.attempts]).toEqual(["delivered", 2]);
    await stored(name, subject);
  },
);
