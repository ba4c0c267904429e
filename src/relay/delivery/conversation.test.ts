import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { DEADLINES, openConversation, type Transfer } from "./conversation.ts";

const servers: Server[] = [];
const sockets: Socket[] = [];
/** What came in one piece. */
const heardAtOnce: string[] = [];
afterEach(() => {
  heardAtOnce.length = 0;
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

/** A peer that answers each line (and the final dot) by a script; undefined: silence; "drop": the connection ends. */
async function peer(script: (line: string) => string | undefined): Promise<number> {
  const server = createServer((socket) => {
    sockets.push(socket);
    let inData = false;
    let text = "";
    const say = (line: string) => {
      const reply = script(line);
      if (reply === "drop") socket.destroy();
      else if (reply) socket.write(reply + "\r\n");
      if (line === "DATA" && reply?.startsWith("354")) inData = true;
    };
    socket.on("error", () => undefined);
    say("CONNECT");
    socket.on("data", (chunk) => {
      heardAtOnce.push(chunk.toString("latin1"));
      text += chunk.toString("latin1");
      for (let end = text.indexOf("\r\n"); end >= 0; end = text.indexOf("\r\n")) {
        const line = text.slice(0, end);
        text = text.slice(end + 2);
        if (!inData) say(line);
        else if (line === ".") {
          inData = false;
          say(".");
        }
      }
    });
  }).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

const open = (port: number, clear = false) =>
  openConversation({
    name: "mx.test",
    address: "127.0.0.1",
    port,
    servername: "mx.test",
    clear,
    ehlo: "relay.pool.test",
    withinMs: 5_000,
    deadlines: {
      ...DEADLINES,
      greeting: 200,
      ehlo: 200,
      tls: 200,
      mail: 200,
      rcpt: 200,
      dataStart: 200,
      body: 300,
      dataEnd: 200,
    },
  });

async function* content(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("Subject: x\r\n\r\nbody\r\n");
}
const to = (address: string) => ({ address, notify: null, orcpt: null });
const message = (change: Partial<Transfer> = {}): Transfer => ({
  from: "b+x@bounce.test",
  recipients: [to("bob@a.test")],
  size: 20,
  eightBit: false,
  smtpUtf8: false,
  requireTls: false,
  ret: null,
  envid: null,
  content: content(),
  mayFinish: () => true,
  isRetry: false,
  ...change,
});

const OK: Record<string, string> = {
  CONNECT: "220 mx.test",
  EHLO: "250-mx.test\r\n250 8BITMIME",
  MAIL: "250 2.1.0 ok",
  RCPT: "250 2.1.5 ok",
  DATA: "354 go",
  ".": "250 2.0.0 kept",
  RSET: "250 ok",
  QUIT: "221 bye",
};
const answering =
  (change: Record<string, string | undefined>) =>
  (line: string): string | undefined => {
    const verb = line.split(" ")[0]!;
    return verb in change ? change[verb] : OK[verb];
  };

async function outcome(change: Record<string, string | undefined>): Promise<string> {
  const opened = await open(await peer(answering(change)));
  if (!opened.ok) return `not open: ${opened.reply.phase} ${opened.reply.code}`;
  const result = await opened.conversation.transfer(message());
  opened.conversation.close();
  if (result.aborted) return "aborted";
  const { phase, code, enhanced } = result.replies[0]!;
  return `${phase} ${code} ${enhanced} ${result.usable ? "usable" : "spent"}`;
}

describe("a conversation ends with the reply and its phase", () => {
  test.each<[string, Record<string, string | undefined>, string]>([
    ["all well", {}, "body 250 2.0.0 usable"],
    ["sender refused", { MAIL: "550 5.7.1 no" }, "mail 550 5.7.1 usable"],
    ["recipient refused", { RCPT: "550 5.1.1 no" }, "rcpt 550 5.1.1 usable"],
    ["recipient later", { RCPT: "450 4.2.0 later" }, "rcpt 450 4.2.0 usable"],
    ["DATA refused", { DATA: "451 4.3.0 later" }, "data 451 4.3.0 usable"],
    ["another yes to DATA (RFC 5321 section 4.2.1)", { DATA: "350 go" }, "body 250 2.0.0 usable"],
    ["another yes to DATA, and a refusal", { DATA: "399 go", ".": "554 no" }, "body 554  usable"],
    ["message refused", { ".": "550 5.7.1 spam" }, "body 550 5.7.1 usable"],
    ["closing", { MAIL: "421 4.7.0 bye" }, "mail 421 4.7.0 spent"],
    ["a refusal, and no RSET", { RCPT: "550 5.1.1 no", RSET: "drop" }, "rcpt 550 5.1.1 spent"],
    ["greeting 554", { CONNECT: "554 no" }, "not open: connect 554"],
    ["EHLO refused", { EHLO: "550 no", HELO: "550 no" }, "not open: ehlo 550"],
    ["dropped at RCPT", { RCPT: "drop" }, "rcpt 0  spent"],
    ["dropped after the final dot", { ".": "drop" }, "body 0  spent"],
    ["silent from the start", { CONNECT: undefined }, "not open: connect 0"],
    ["silent at EHLO", { EHLO: undefined }, "not open: ehlo 0"],
    ["silent at MAIL", { MAIL: undefined }, "mail 0  spent"],
    ["silent at RCPT", { RCPT: undefined }, "rcpt 0  spent"],
    ["silent at DATA", { DATA: undefined }, "data 0  spent"],
    ["silent after the final dot", { ".": undefined }, "body 0  spent"],
  ])("%s", async (_name, change, expected) => {
    expect(await outcome(change)).toBe(expected);
  });
});

test("what we say in the host's place is known to be ours", async () => {
  const opened = await open(await peer(answering({ EHLO: "250-mx.test\r\n250 SIZE 10" })));
  if (!opened.ok) throw new Error("not open");
  const result = await opened.conversation.transfer(message());
  expect(result).toMatchObject({ replies: [{ code: 552, own: true }] });
  opened.conversation.close();
});

test("nobody there", async () => {
  const opened = await open(1);
  expect(opened).toMatchObject({ ok: false, reply: { code: 0, phase: "connect" } });
});

test("several messages go over one connection, each with its own words", async () => {
  const opened = await open(await peer(answering({})));
  if (!opened.ok) throw new Error("not open");
  const first = await opened.conversation.transfer(message());
  const second = await opened.conversation.transfer(message({ recipients: [to("carol@a.test")] }));
  expect(first.transcript).toMatch(/S: 220 mx\.test[^]*bob@a\.test/);
  expect(second.transcript).toMatch(
    /^\*: message 2 over an open connection to mx\.test \[127\.0\.0\.1\] from 127\.0\.0\.1, in clear\nC: MAIL FROM[^]*carol@a\.test/,
  );
  expect(second.transcript).not.toMatch(/bob|Subject/);
  opened.conversation.close();
});

test("what may not finish gets no final dot", async () => {
  let dot = false;
  const opened = await open(await peer((line) => ((dot ||= line === "."), answering({})(line))));
  if (!opened.ok) throw new Error("not open");
  expect(await opened.conversation.transfer(message({ mayFinish: () => false }))).toMatchObject({
    aborted: true,
  });
  expect(dot).toBe(false);
});

test("an abort ends a transfer before the final dot, and not after", async () => {
  const before = await open(await peer(answering({ RCPT: undefined })));
  if (!before.ok) throw new Error("not open");
  const stopped = before.conversation.transfer(message());
  before.conversation.abort();
  expect(await stopped).toMatchObject({ aborted: true });

  const dotSeen = Promise.withResolvers<void>();
  const script = answering({ ".": undefined });
  const after = await open(await peer((line) => (line === "." && dotSeen.resolve(), script(line))));
  if (!after.ok) throw new Error("not open");
  const sent = after.conversation.transfer(message());
  await dotSeen.promise;
  after.conversation.abort();
  expect(await sent).toMatchObject({ aborted: false, replies: [{ phase: "body", code: 0 }] });
});

test("a host that fails at TLS gets no mail; asked to go in clear it does", async () => {
  const refuses = await open(await peer(answering({ ...OFFER_TLS, STARTTLS: "454 4.7.0 not now" })));
  expect(refuses).toMatchObject({
    ok: false,
    reply: { phase: "starttls", code: 454 },
    tlsFault: "starttls-not-supported",
  });
  const port = await peer(answering({ ...OFFER_TLS, STARTTLS: "220 go" }));
  const silent = await open(port);
  expect(silent).toMatchObject({
    ok: false,
    reply: { phase: "starttls", code: 0 },
    tlsFault: "validation-failure",
  });
  const inClear = await open(port, true);
  if (!inClear.ok) throw new Error("not open");
  expect(inClear.conversation.proof.version).toBe("");
  expect(await inClear.conversation.transfer(message())).toMatchObject({ replies: [{ code: 250 }] });
});

test("words put in behind STARTTLS end it (CVE-2011-0411)", async () => {
  const said = "220 go\r\n250 2.1.0 what was never said";
  const opened = await open(await peer(answering({ ...OFFER_TLS, STARTTLS: said })));
  expect(opened).toMatchObject({ ok: false, reply: { phase: "starttls", code: 0 } });
  expect(!opened.ok && opened.reply.text).toMatch(/in clear after STARTTLS/);
});

test("an old host that knows only HELO is spoken to in clear alone", async () => {
  const port = await peer(answering({ EHLO: "502 what", HELO: "250 mx.old" }));
  expect(await open(port)).toMatchObject({
    ok: false,
    reply: { phase: "starttls", code: 0, text: expect.stringMatching(/does not understand EHLO.*502/) },
  });
  const old = await open(port, true);
  expect(old.ok && old.conversation.peer.helo).toBe("mx.old");
});

const PIPELINING = { EHLO: "250-mx.test\r\n250 PIPELINING" };
const OFFER_TLS = { EHLO: "250-mx.test\r\n250 STARTTLS" };
const three = ["bob@a.test", "carol@a.test", "dave@a.test"].map(to);

/** A script in which each RCPT is answered by its address. */
const byRecipient =
  (replies: Record<string, string>, change: Record<string, string | undefined> = {}) =>
  (line: string): string | undefined => {
    const name = /^RCPT TO:<(\w+)@/.exec(line)?.[1];
    return name !== undefined && name in replies ? replies[name] : answering(change)(line);
  };

async function toThree(script: (line: string) => string | undefined) {
  const opened = await open(await peer(script));
  if (!opened.ok) throw new Error("not open");
  const result = await opened.conversation.transfer(message({ recipients: three }));
  if (result.aborted) throw new Error("aborted");
  const { conversation } = opened;
  return { ...result, codes: result.replies.map(({ phase, code }) => `${phase} ${code}`), conversation };
}

describe.each([
  ["one by one", {}],
  ["pipelined", PIPELINING],
])("several recipients in one transaction, %s", (_how, change) => {
  test.each<[string, Record<string, string>, Record<string, string>, string[], boolean]>([
    ["all taken", {}, {}, ["body 250", "body 250", "body 250"], true],
    ["one refused", { carol: "550 no" }, {}, ["body 250", "rcpt 550", "body 250"], true],
    ["one later", { dave: "452 4.5.3 too many" }, {}, ["body 250", "body 250", "rcpt 452"], true],
    [
      "all refused",
      { bob: "550 no", carol: "550 no", dave: "450 no" },
      {},
      ["rcpt 550", "rcpt 550", "rcpt 450"],
      true,
    ],
    [
      "the sender refused",
      {},
      { MAIL: "550 no", DATA: "503 no" },
      ["mail 550", "mail 550", "mail 550"],
      true,
    ],
    ["the content refused", { bob: "550 no" }, { ".": "554 no" }, ["rcpt 550", "body 554", "body 554"], true],
    ["DATA refused", { bob: "550 no" }, { DATA: "451 no" }, ["rcpt 550", "data 451", "data 451"], true],
    [
      "closing at the second",
      { bob: "550 no", carol: "421 bye" },
      {},
      ["rcpt 550", "rcpt 421", "rcpt 421"],
      false,
    ],
    ["gone at the second", { carol: "drop" }, {}, ["rcpt 0", "rcpt 0", "rcpt 0"], false],
    ["gone after the dot", { carol: "550 no" }, { ".": "drop" }, ["body 0", "rcpt 550", "body 0"], false],
    ["a yes to RCPT that is none", { carol: "354 go" }, {}, ["rcpt 0", "rcpt 0", "rcpt 0"], false],
    ["a yes to DATA that is none", {}, { DATA: "250 ok" }, ["data 0", "data 0", "data 0"], false],
    ["a yes to the dot that is none", {}, { ".": "354 go" }, ["body 0", "body 0", "body 0"], false],
  ])("%s", async (_, replies, more, codes, usable) => {
    const result = await toThree(byRecipient(replies, { ...change, ...more }));
    expect(result.codes).toEqual(codes);
    expect(result.usable).toBe(usable);
    expect(result.conversation.isUsable()).toBe(usable);
  });
});

test("pipelined commands go in one piece, the message and its dot in the next", async () => {
  await toThree(byRecipient({}, PIPELINING));
  expect(heardAtOnce[1]).toBe(
    "MAIL FROM:<b+x@bounce.test>\r\nRCPT TO:<bob@a.test>\r\nRCPT TO:<carol@a.test>\r\nRCPT TO:<dave@a.test>\r\nDATA\r\n",
  );
  expect(heardAtOnce[2]).toBe("Subject: x\r\n\r\nbody\r\n.\r\n");
});

test("a host that takes a message for nobody gets an empty one, and the next is told apart", async () => {
  const refusals = { bob: "550 no", carol: "550 no", dave: "550 no" };
  const first = await toThree(byRecipient(refusals, { ...PIPELINING, ".": "554 no recipients" }));
  expect(first.codes).toEqual(["rcpt 550", "rcpt 550", "rcpt 550"]);
  expect(first.usable).toBe(true);
  expect(heardAtOnce.at(-1)).toBe(".\r\n");
  const next = await first.conversation.transfer(message({ recipients: [to("erin@a.test")] }));
  expect(next).toMatchObject({ replies: [{ phase: "body", code: 554 }] });
});

test("a long message that is refused before its end is not sent to the end", async () => {
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 100_000; i++) yield Buffer.alloc(16_384, "x\r\n");
  }
  let socket: Socket | undefined;
  const server = createServer((one) => {
    socket = one;
    sockets.push(one);
    one.on("error", () => undefined);
    one.write("220 mx.test\r\n");
    one.on("data", (chunk) => {
      const verb = chunk.toString("latin1", 0, 4);
      if (verb === "EHLO") one.write("250 mx.test\r\n");
      if (verb === "MAIL" || verb === "RCPT") one.write("250 ok\r\n");
      if (verb === "DATA") one.write("354 go\r\n552 5.3.4 too big\r\n");
    });
  }).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  const opened = await open((server.address() as AddressInfo).port);
  if (!opened.ok) throw new Error("not open");
  const result = await opened.conversation.transfer(message({ content: endless() }));
  expect(result).toMatchObject({ replies: [{ phase: "body", code: 552 }], usable: false });
  expect(socket!.bytesRead).toBeLessThan(5_000_000);
});

test("a host that does not take the message in has its deadline", async () => {
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) yield Buffer.alloc(65_536, "x\r\n");
  }
  const script = answering({});
  const port = await peer((line) => {
    if (line === "DATA") setImmediate(() => sockets[0]!.pause());
    return script(line);
  });
  const opened = await open(port);
  if (!opened.ok) throw new Error("not open");
  const result = await opened.conversation.transfer(message({ content: endless() }));
  expect(result).toMatchObject({ replies: [{ phase: "body", code: 0 }], usable: false });
});

describe("a connection that ends between two messages", () => {
  test.each<[string, (n: number) => string | undefined, boolean]>([
    ["by 421 in place of an answer", (n) => (n > 1 ? "421 4.3.2 enough" : undefined), true],
    ["by closing", (n) => (n > 1 ? "drop" : undefined), true],
    ["by a refusal, which is an answer", (n) => (n > 1 ? "451 4.3.2 later" : undefined), false],
    ["at the first message: that is its answer", () => "421 4.3.2 no", false],
  ])("%s", async (_, say, unheard) => {
    let mails = 0;
    const script = answering({});
    const port = await peer((line) => (line.startsWith("MAIL") ? say(++mails) : undefined) ?? script(line));
    const opened = await open(port);
    if (!opened.ok) throw new Error("not open");
    let result = await opened.conversation.transfer(message());
    if (!result.aborted && result.usable) result = await opened.conversation.transfer(message());
    expect(result).toMatchObject({ unheard });
  });
});

test("what a host says unasked makes the connection of no more use", async () => {
  const opened = await open(await peer(answering({ ".": "250 ok\r\n421 4.4.2 bye" })));
  if (!opened.ok) throw new Error("not open");
  expect(await opened.conversation.transfer(message())).toMatchObject({ replies: [{ code: 250 }] });
  await expect.poll(() => opened.conversation.isUsable()).toBe(false);
});
