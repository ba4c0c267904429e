import { connect } from "node:tls";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { member, type RelayOptions } from "../relay-harness.ts";
import { auth } from "../smtp-peers.ts";
import { useRelay } from "../use-relay.ts";

/*
 * Each refusal that a submission client can get over a socket, smtp-server's own among them: its code, the name at its
 * end, and the same name in the metric. What the policy decides has its table in src/policy/decide.test.ts.
 */

const here = useRelay({ port: 1 });

type Peer = Awaited<ReturnType<typeof here.overTls>>;
const OPEN = ["EHLO x"];
const MAIL = "MAIL FROM:<alice@member.test>";
const RCPT = "RCPT TO:<bob@a.test>";
const HEAD = "From: alice@member.test\r\nSubject: x\r\n\r\n";

/** The last reply to these lines, one after the other. */
async function last({ say }: Peer, lines: string[]): Promise<string> {
  let reply = "";
  for (const line of lines) reply = await say(`${line}\r\n`);
  return reply;
}

async function counted(outcome: string, reason: string): Promise<boolean> {
  const text = await here.bed.metrics.registry.getSingleMetricAsString("atmos_submissions_total");
  return text.includes(`{outcome="${outcome}",reason="${reason}"} `);
}

async function expectNamed(reply: string, code: number, name: string): Promise<void> {
  // EHLO has no enhanced codes in its replies (RFC 2034 section 3), refusals neither.
  const enhanced = `(?:${String(code)[0]}\\.\\d+\\.\\d+ )?`;
  expect(reply).toMatch(new RegExp(`^${code} ${enhanced}\\D[^\\r\\n]* \\[${name}\\]$`));
  const outcome = code === 421 ? "end" : code < 500 ? "defer" : "refuse";
  // A log-in that failed is counted as one, also when it ends the connection.
  expect((await counted(outcome, name)) || (await counted("refuse", name))).toBe(true);
}

describe("to who has not logged in", () => {
  test.each<[what: string, lines: string[], code: number, name: string]>([
    ["an unknown command", ["FOO"], 500, "unknown-command"],
    ["one of old times", ["WIZ"], 500, "unknown-command"],
    ["one of proxies", ["XCLIENT ADDR=192.0.2.1"], 500, "unknown-command"],
    ["a command before EHLO", [MAIL], 503, "bad-sequence"],
    ["EHLO without a name", ["EHLO"], 501, "malformed"],
    ["EHLO with a bad name", [`EHLO ${"x".repeat(400)}`], 501, "malformed"],
    ["HELO without a name", ["HELO"], 501, "malformed"],
    ["VRFY without an address", [...OPEN, "VRFY"], 501, "malformed"],
    ["mail without a log-in", [...OPEN, MAIL], 530, "auth"],
    ["STARTTLS under TLS", [...OPEN, "STARTTLS"], 503, "bad-sequence"],
    ["an unknown mechanism", [...OPEN, "AUTH CRAM-MD5"], 504, "auth"],
    ["AUTH PLAIN with too much", [...OPEN, "AUTH PLAIN a b"], 501, "malformed"],
    ["AUTH PLAIN that is none", [...OPEN, "AUTH PLAIN eA=="], 501, "malformed"],
    ["AUTH LOGIN with too much", [...OPEN, "AUTH LOGIN a b"], 501, "malformed"],
    ["AUTH PLAIN broken off", [...OPEN, "AUTH PLAIN", "*"], 501, "auth"],
    ["AUTH LOGIN broken off", [...OPEN, "AUTH LOGIN", "*"], 501, "auth"],
    ["AUTH LOGIN broken off later", [...OPEN, "AUTH LOGIN", "YWxpY2U=", "*"], 501, "auth"],
    ["AUTH LOGIN without a name", [...OPEN, "AUTH LOGIN", ""], 501, "malformed"],
    ["a wrong secret", [...OPEN, auth("alice", "x").trim()], 535, "auth"],
    ["a wrong one by LOGIN", [...OPEN, "AUTH LOGIN", "YWxpY2U=", "eA=="], 535, "auth"],
    ["a third wrong one", [...OPEN, ...Array<string>(3).fill(auth("alice", "x").trim())], 421, "auth"],
    ["a control character", ["NOOP \u0001"], 500, "malformed"],
    ["ten unknown commands", Array<string>(10).fill("FOO"), 421, "too-many-errors"],
    ["ten commands", Array<string>(10).fill("NOOP"), 421, "too-many-errors"],
    ["HTTP", ["GET / HTTP/1.1"], 421, "not-smtp"],
    ["a command of many lines' length", [`NOOP ${"x".repeat(70_000)}`], 421, "malformed"],
  ])("%s", async (_what, lines, code, name) => {
    await expectNamed(await last(await here.overTls(), lines), code, name);
  });

  test.each<[what: string, lines: string[], code: number, name: string]>([
    ["AUTH in clear", [...OPEN, auth("alice", "secret").trim()], 500, "unknown-command"],
    ["mail in clear", [...OPEN, MAIL], 530, "auth"],
    ["a recipient in clear", [...OPEN, RCPT], 503, "bad-sequence"],
    ["STARTTLS with a word", [...OPEN, "STARTTLS now"], 501, "malformed"],
  ])("%s", async (_what, lines, code, name) => {
    await expectNamed(await last(await here.plain(), lines), code, name);
  });

  test("a revoked credential, the third time too", async () => {
    const credentials = member.credentials.map((c) => ({ ...c, revoked: true }));
    await here.bed.book.apply({ ...member, version: 2, credentials });
    const peer = await here.overTls();
    const replies = [await last(peer, [...OPEN, auth("alice", "secret").trim()])];
    for (let n = 0; n < 2; n++) replies.push(await peer.say(auth("alice", "secret")));
    await expectNamed(replies[0]!, 535, "revoked");
    await expectNamed(replies[2]!, 421, "revoked");
  });
});

describe("to who has logged in", () => {
  test.each<[what: string, lines: string[], code: number, name: string]>([
    ["a second log-in", [auth("alice", "secret").trim()], 503, "bad-sequence"],
    ["a recipient without a sender", [RCPT], 503, "bad-sequence"],
    ["DATA without a recipient", [MAIL, "DATA"], 503, "bad-sequence"],
    ["a second sender", [MAIL, MAIL], 503, "bad-sequence"],
    ["a sender that is none", ["MAIL FROM:<@@>"], 501, "malformed"],
    ["a recipient that is none", [MAIL, "RCPT TO:<>"], 501, "malformed"],
    ["a parameter twice", [`${MAIL} RET=FULL RET=HDRS`], 501, "malformed"],
    ["a parameter without a value", [`${MAIL} RET=`], 501, "malformed"],
    ["an unknown parameter", [`${MAIL} X=1`], 555, "malformed"],
    ["a size that is none", [`${MAIL} SIZE=x`], 501, "malformed"],
    ["a size that is too large", [`${MAIL} SIZE=30000000`], 552, "too-large"],
    ["an unknown body", [`${MAIL} BODY=BINARYMIME`], 501, "malformed"],
    ["SMTPUTF8 with a value", [`${MAIL} SMTPUTF8=1`], 501, "malformed"],
    ["an unknown RET", [`${MAIL} RET=ALL`], 501, "malformed"],
    ["an unknown NOTIFY", [MAIL, `${RCPT} NOTIFY=ALWAYS`], 501, "malformed"],
    ["NEVER with another", [MAIL, `${RCPT} NOTIFY=NEVER,DELAY`], 501, "malformed"],
    ["ORCPT that is none", [MAIL, `${RCPT} ORCPT=x`], 501, "malformed"],
    ["an empty sender", ["MAIL FROM:<>"], 550, "foreign-domain"],
    ["VRFY without an address", ["VRFY"], 501, "malformed"],
    ["a message that is none", [MAIL, RCPT, "DATA", "x\r\n."], 550, "malformed"],
    [
      "one that is too large",
      [MAIL, RCPT, "DATA", `${HEAD}${"0123456789abcdef\r\n".repeat(1_500_000)}.`],
      552,
      "too-large",
    ],
  ])("%s", async (_what, lines, code, name) => {
    await expectNamed(await last(await here.loggedIn(), lines), code, name);
  });

  test("a member's client that is wrong is told in an event, by the same name", async () => {
    await last(await here.loggedIn(), ["FOO"]);
    await expect
      .poll(async () =>
        (await here.bed.spool.outbox.read(10)).map((row) => JSON.parse(row.envelope) as object),
      )
      .toMatchObject([
        {
          data: {
            action_name: "message_refused",
            data: { credential: "c1", detail: { stage: "command", reason: "unknown-command", code: 500 } },
          },
        },
      ]);
  });
});

describe("what ends a connection", () => {
  const ended = async (options: RelayOptions, act: () => Promise<string>, name: string) => {
    await here.restart(options);
    await expectNamed(await act(), 421, name);
  };
  test("silence after the log-in", async () => {
    await ended({ idleMs: 300 }, async () => (await here.loggedIn()).reply(), "timeout");
  });
  test("no log-in in time", async () => {
    await ended({ loginMs: 300 }, async () => (await here.overTls()).reply(), "timeout");
  });
  test("a message that does not end", async () => {
    const act = async () => {
      const peer = await here.loggedIn();
      await last(peer, [MAIL, RCPT, "DATA"]);
      peer.socket.write(`${HEAD}never`);
      return peer.reply();
    };
    await ended({ dataMs: 300 }, act, "timeout");
  });

  test.each<[string, RelayOptions]>([
    ["from one address", { maxPerAddress: 2 }],
    ["at all", { maxConnections: 2 }],
  ])("too many connections %s", async (_what, options) => {
    const act = async () => {
      await here.overTls();
      await here.loggedIn();
      return greeting();
    };
    await ended(options, act, "too-many-connections");
  });

  test("its end by the operator", async () => {
    const peer = await here.loggedIn();
    const silent = await here.loggedIn();
    const closing = here.restart();
    await expectNamed(await peer.say("NOOP\r\n"), 421, "shutting-down");
    await expectNamed(await silent.reply(), 421, "shutting-down");
    await closing;
  });
});

describe("a fault of ours", () => {
  const broken = (): never => {
    throw new Error("a bug");
  };
  test("in what a command asks", async () => {
    const peer = await here.loggedIn();
    here.bed.spool.room = broken;
    await expectNamed(await last(peer, [MAIL]), 451, "internal");
  });

  test("in the log-in", async () => {
    const peer = await here.overTls();
    here.bed.book.byUsername = broken;
    await expectNamed(await last(peer, [...OPEN, auth("alice", "secret").trim()]), 451, "internal");
  });
});

/** The first that is said to a new connection. */
async function greeting(): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port: here.bed.ports.tls, rejectUnauthorized: false });
  const [said] = (await once(socket.setEncoding("latin1"), "data")) as [string];
  socket.destroy();
  return said.trimEnd();
}
