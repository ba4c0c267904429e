import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { DEADLINES, openConversation, type Transfer } from "./conversation.ts";

const servers: Server[] = [];
const sockets: Socket[] = [];
afterEach(() => {
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
  expect(second.transcript).toMatch(/^C: MAIL FROM[^]*carol@a\.test/);
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
