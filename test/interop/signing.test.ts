import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { POOL, startCooperative, tellLogOnFailure, type Cooperative, type Member } from "./cooperative.ts";
import { verifyWithDkimpy } from "./servers/dkimpy.ts";
import { verifyWithMailauth } from "./servers/mailauth.ts";
import { startOpenDkimVerifier, type OpenDkimVerifier, type SignatureResult } from "./servers/opendkim.ts";
import { until } from "./servers/process.ts";
import { startSink, type Copy, type Sink } from "./sink.ts";
import { openSubmission } from "./submission.ts";

const MAILBOXES = "127.0.0.29";
const DOMAIN = "alder.test";
const SENDER = `noreply@${DOMAIN}`;

let coop: Cooperative;
let sink: Sink;
let member: Member;
let opendkim: OpenDkimVerifier;

beforeAll(async () => {
  coop = await startCooperative();
  sink = await startSink(
    { host: MAILBOXES, port: coop.deliveryPort },
    await coop.authority.issue("mx.sink.test"),
  );
  coop.receives("sink.test", MAILBOXES);
  member = await coop.join(DOMAIN, { address: MAILBOXES, tier: "trusted" });
  opendkim = await startOpenDkimVerifier({ nameserver: coop.unbound });
});
afterAll(async () => {
  await opendkim?.stop();
  await coop?.stop();
  await sink?.stop();
});
tellLogOnFailure(() => coop?.product);

const VERIFIERS: [string, (raw: string) => Promise<SignatureResult[]>][] = [
  ["OpenDKIM", (raw) => opendkim.verify(Buffer.from(raw, "latin1"))],
  ["mailauth", (raw) => verifyWithMailauth(raw, coop.unbound)],
  ["dkimpy", (raw) => verifyWithDkimpy(Buffer.from(raw, "latin1"), coop.unbound)],
];
const GOOD = [`${DOMAIN} ed25519-sha256 pass`, `${DOMAIN} rsa-sha256 pass`, `${POOL} rsa-sha256 pass`];
const told = (results: SignatureResult[]) =>
  results.map(({ domain, algorithm, result }) => `${domain} ${algorithm} ${result}`).toSorted();

/** Octets as latin1, lines with CRLF. */
const octets = (text: string) => Buffer.from(text, "utf8").toString("latin1");
const FIELDS = `From: ${SENDER}\r\nTo: reader@sink.test\r\nSubject: Corpus\r\nDate: Fri, 02 Jan 2026 00:00:00 +0000\r\n`;
const plain = (body: string, more = "") => `${FIELDS}${more}\r\n${body}`;
const without = (name: string) => FIELDS.replace(new RegExp(`^${name}: .*\r\n`, "m"), "");
const LINE_998 = "x".repeat(998);
const BASE64 = `${"QUJD".repeat(19)}\r\n`;

type Case = { raw: string; utf8?: boolean; to?: string[] };
const CORPUS: Record<string, Case> = {
  "an ordinary message": { raw: plain("Your code is 123456.\r\n") },
  "an empty body": { raw: plain("") },
  "no body, and no line between": { raw: FIELDS },
  "a body of one empty line": { raw: plain("\r\n") },
  "a body of empty lines": { raw: plain("\r\n\r\n\r\n\r\n") },
  "trailing empty lines": { raw: plain("text\r\n\r\n\r\n\r\n") },
  "a last line of white space": { raw: plain("text\r\n \t \r\n") },
  "no final line end, which the client adds": { raw: plain("text without an end") },
  "white space at the ends of lines and inside": { raw: plain("a  \r\nb\t\r\n  c   d\t\te \r\n") },
  "lines that begin with dots": { raw: plain(".\r\n..\r\n.a\r\n...\r\nb.\r\n.\r\n") },
  "folded fields": {
    raw: plain(
      "x\r\n",
      "X-Long: one\r\n two\r\n\tthree\r\n   four\r\nReferences: <a@b.test>\r\n\t<c@d.test>\r\n",
    ),
  },
  "fields that occur twice, signed ones too": {
    raw: plain(
      "x\r\n",
      "X-Dup: 1\r\nList-Help: <mailto:a@b.test>\r\nX-Dup: 2\r\nList-Help: <mailto:c@d.test>\r\nComments: \r\nComments: b\r\n",
    ),
  },
  "odd spaces in fields": {
    raw: `From:${SENDER}\r\nTo:\t reader@sink.test  \r\nSubject:   many   spaces\tand\t\ttabs  \t\r\nDate:Fri,  02 Jan 2026 00:00:00 +0000\r\nX-Empty:\r\nX-Space: \r\n\r\nx\r\n`,
  },
  "field names in odd case": {
    raw: plain("x\r\n").replace("Subject:", "SUBJECT:").replace("From:", "fRoM:"),
  },
  "an empty subject": { raw: `${without("Subject")}Subject:\r\n\r\nx\r\n` },
  "no subject, no date": { raw: `From: ${SENDER}\r\nTo: reader@sink.test\r\n\r\nx\r\n` },
  "8-bit body in UTF-8": {
    raw: plain(octets("Grüße, 你好, \u{1f600}\r\n"), "Content-Transfer-Encoding: 8bit\r\n"),
  },
  "8-bit body in no known charset": {
    raw: plain(Array.from({ length: 128 }, (_, i) => String.fromCharCode(128 + i)).join("") + "\r\n"),
  },
  "control characters in the body": { raw: plain("\x01\x02\x07\x0b\x0c\x1b[0m\x7f\r\n") },
  "lines of 998 octets, in the body and in the header": {
    raw: plain(`${LINE_998}\r\n${LINE_998}\r\n`, `X-Long: ${"y".repeat(990)}\r\n`),
  },
  "a long field in many folds": {
    raw: plain(
      "x\r\n",
      `References: ${Array.from({ length: 70 }, (_, i) => `<m${i}@b.test>`).join("\r\n ")}\r\n`,
    ),
  },
  "base64 with spaces at its line ends": {
    raw: plain(`${BASE64}${BASE64.replace("\r\n", " \r\n")}${BASE64}`),
  },
  "a large body, which is a file in the spool": { raw: plain(`${"z".repeat(76)}  \r\n`.repeat(4_000)) },
  "the header in UTF-8": {
    raw: octets(
      `From: Jürgen <${SENDER}>\r\nTo: 山田 <reader@sink.test>\r\nSubject: Grüße 你好\r\n\r\nGrüße\r\n`,
    ),
    utf8: true,
  },
  "many recipients": {
    raw: plain("x\r\n").replace(/^To: .*$/m, `To: ${recipients(40).join(",\r\n ")}`),
    to: recipients(40),
  },
  "a DKIM signature of somebody else, broken on the way": {
    raw: `DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=sink.test; s=none;\r\n h=from; bh=AAAA; b=AAAA\r\n${plain("x\r\n")}`,
  },
};

function recipients(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `reader${i % 10}+${i}@sink.test`);
}

/** Submits octets as they are, dots stuffed; the reply to the final dot, or the refusal before it. */
async function submit(raw: string, { utf8 = false, to = ["reader@sink.test"] } = {}): Promise<string> {
  const client = await openSubmission(coop, member);
  try {
    for (const line of [
      `MAIL FROM:<${SENDER}> BODY=8BITMIME${utf8 ? " SMTPUTF8" : ""}`,
      ...to.map((one) => `RCPT TO:<${one}>`),
      "DATA",
    ]) {
      const reply = await client.say(line);
      if (!/^[23]/.test(reply)) return reply;
    }
    const whole = raw.endsWith("\r\n") ? raw : `${raw}\r\n`;
    client.socket.write(Buffer.from(whole.replaceAll(/^\./gm, ".."), "latin1"));
    return await client.say(".");
  } finally {
    client.destroy();
  }
}

let sent = 0;

/** Submits it under a Message-ID of its own, and waits for all copies. */
async function passThrough({ raw, ...how }: Case): Promise<{ submitted: string; copies: Copy[] }> {
  const id = `corpus-${++sent}@${DOMAIN}`;
  const submitted = `Message-ID: <${id}>\r\n${raw}`;
  expect(await submit(submitted, how)).toMatch(/^250 2\.0\.0 Queued as \w+\r\n$/);
  const count = how.to?.length ?? 1;
  await until("its copies", () => sink.byMessageId(id).length >= count);
  return { submitted, copies: sink.byMessageId(id) };
}

const parts = (message: string) => {
  const end = message.indexOf("\r\n\r\n");
  return end < 0
    ? { head: message, body: "" }
    : { head: message.slice(0, end + 2), body: message.slice(end + 4) };
};

describe("every verifier passes all three signatures of", () => {
  test.each(Object.entries(CORPUS))("%s", async (_name, item) => {
    const { submitted, copies } = await passThrough(item);
    const before = parts(submitted);
    const wanted = before.body === "" || before.body.endsWith("\r\n") ? before.body : `${before.body}\r\n`;
    const foreign = /^DKIM-Signature: /m.test(item.raw);
    for (const copy of new Set([copies[0]!, copies.at(-1)!])) {
      const message = copy.raw.toString("latin1");
      const after = parts(message);
      expect(after.body).toBe(wanted);
      expect(after.head.endsWith(before.head)).toBe(true);
      for (const [verifier, verify] of VERIFIERS) {
        const results = told(await verify(message)).filter((one) => !foreign || !one.startsWith("sink.test"));
        expect({ verifier, results }).toEqual({ verifier, results: GOOD });
      }
    }
    expect(copies).toHaveLength(item.to?.length ?? 1);
  });
});

describe("what cannot be signed so that all read the same is refused", () => {
  test.each<[string, string, RegExp]>([
    ["a line of 999 octets", plain(`${LINE_998}x\r\n`), /longer than 998/],
    ["a line of a megabyte", plain(`${"x".repeat(1_000_000)}\r\n`), /longer than 998/],
    [
      "a field of 999 octets in one line",
      plain("x\r\n", `X-Long: ${"y".repeat(991)}\r\n`),
      /longer than 998/,
    ],
    ["a bare CR inside base64", plain(BASE64.replace(/^.{40}/, "$&\r")), /CR stands alone/],
    ["a bare LF", plain("a\nb\r\n"), /bare LF/],
    ["NUL", plain("a\0b\r\n"), /NUL/],
    ["a header in UTF-8 without SMTPUTF8", plain("x\r\n", octets("X-Name: ü\r\n")), /SMTPUTF8/],
  ])("%s", async (_name, raw, why) => {
    const reply = await submit(raw);
    expect(reply).toMatch(/^550 5\.6\.\d .*\[malformed\]\r\n$/);
    expect(reply).toMatch(why);
  });
});

describe("what is changed on the way fails in every verifier", () => {
  let message: string;
  /** Names that a signature covers once more than they occur. */
  let oversigned: string[];

  beforeAll(async () => {
    const { copies } = await passThrough({ raw: plain("Your code is 123456.\r\n") });
    message = copies[0]!.raw.toString("latin1");
    const [list = ""] = /(?<=\bh=)[^;]+/.exec(message) ?? [];
    const signed = list.replaceAll(/\s/g, "").split(":");
    const occurs = (name: string) => parts(message).head.match(new RegExp(`^${name}:`, "gim"))?.length ?? 0;
    const times = (name: string) => signed.filter((one) => one === name).length;
    oversigned = [...new Set(signed)].filter((name) => times(name) > occurs(name));
  });

  async function expectNoPass(changed: string): Promise<void> {
    expect(changed).not.toBe(message);
    for (const [verifier, verify] of VERIFIERS) {
      const passes = told(await verify(changed)).filter((result) => result.endsWith(" pass"));
      expect({ verifier, passes }).toEqual({ verifier, passes: [] });
    }
  }

  test("unchanged it passes, and these fields are oversigned", async () => {
    for (const [, verify] of VERIFIERS) expect(told(await verify(message))).toEqual(GOOD);
    expect(oversigned).toEqual(
      expect.arrayContaining(["from", "to", "subject", "date", "message-id", "feedback-id"]),
    );
  });

  test("one bit of the body", () => expectNoPass(message.replace("123456", "123457")));

  test("a word of the subject", () => expectNoPass(message.replace("Subject: Corpus", "Subject: Corpse")));

  test("one more of each oversigned field, above or below the signed one", { timeout: 240_000 }, async () => {
    for (const name of oversigned) {
      const field = `${name}: ${name === "from" ? "eve@evil.test" : "added"}\r\n`;
      await expectNoPass(field + message);
      await expectNoPass(message.replace("\r\n\r\n", `\r\n${field}\r\n`));
    }
  });
});
