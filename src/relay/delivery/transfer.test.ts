import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { DEADLINES, openConversation, type Transfer } from "./conversation.ts";

const servers: Server[] = [];
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

type Answers = Record<string, string | undefined>;
type Peer = {
  port: number;
  answers: Answers;
  /** What came in one piece. */ pieces: string[];
  /** Contents. */ taken: string[];
};

const OK: Answers = {
  EHLO: "250-mx.test\r\n250-PIPELINING\r\n250 CHUNKING",
  MAIL: "250 2.1.0 ok",
  RCPT: "250 2.1.5 ok",
  BDAT: "250 2.0.0 kept",
  DATA: "354 go",
  ".": "250 2.0.0 kept",
  RSET: "250 ok",
  QUIT: "221 bye",
};

/**
 * A host that offers CHUNKING, and answers by a table, each RCPT by the name of its address; undefined: silence. `swallows`:
 * it takes a chunk in also when it refuses it (RFC 3030 section 2).
 */
async function peer(change: Answers = {}, swallows = true): Promise<Peer> {
  const answers: Answers = { ...OK, ...change };
  const all: Peer = { port: 0, answers, pieces: [], taken: [] };
  const server = createServer((socket) => {
    sockets.push(socket);
    let text = "";
    let inData = false;
    const say = (verb: string) => {
      const { then = "", says } = /^(?<says>.*?)(?: then (?<then>drop))?$/s.exec(
        answers[verb] ?? "",
      )!.groups!;
      if (answers[verb] === "drop") socket.destroy();
      else if (then) socket.end(`${says}\r\n`);
      else if (answers[verb] !== undefined) socket.write(`${answers[verb]}\r\n`);
    };
    socket.on("error", () => undefined);
    socket.write("220 mx.test\r\n");
    socket.on("data", (piece) => {
      all.pieces.push(piece.toString("latin1"));
      text += piece.toString("latin1");
      for (let end = text.indexOf("\r\n"); end >= 0; end = text.indexOf("\r\n")) {
        const line = text.slice(0, end);
        if (inData) {
          const last = text.indexOf("\r\n.\r\n");
          if (last < 0) return;
          all.taken.push(text.slice(0, last + 2));
          text = text.slice(last + 5);
          inData = false;
          say(".");
          continue;
        }
        const verb = line.split(" ")[0]!;
        const size = Number(/^BDAT (\d+) LAST$/.exec(line)?.[1] ?? 0);
        const isTaken = answers["BDAT"]?.startsWith("250") === true;
        if (verb === "BDAT" && (isTaken || swallows)) {
          if (text.length < end + 2 + size) return;
          if (isTaken) all.taken.push(text.slice(end + 2, end + 2 + size));
          text = text.slice(end + 2 + size);
          say("BDAT");
          continue;
        }
        text = text.slice(end + 2);
        const name = /^RCPT TO:<(\w+)@/.exec(line)?.[1];
        if (name !== undefined && name in answers) say(name);
        else if (verb in answers) say(verb);
        else socket.write("500 what\r\n");
        inData = verb === "DATA" && answers["DATA"]?.startsWith("354") === true;
      }
    });
  }).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  all.port = (server.address() as AddressInfo).port;
  return all;
}

async function open({ port }: Peer, deadlines = {}) {
  const short = { mail: 200, rcpt: 200, dataStart: 200, body: 300, dataEnd: 200, ...deadlines };
  const opened = await openConversation({
    name: "mx.test",
    address: "127.0.0.1",
    port,
    servername: "mx.test",
    clear: false,
    ehlo: "relay.pool.test",
    withinMs: 5_000,
    deadlines: { ...DEADLINES, ...short },
  });
  if (!opened.ok) throw new Error(opened.reply.text);
  return opened.conversation;
}

const CONTENT = "Subject: x\r\n\r\n.a dot\r\n";
async function* text(whole: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(whole.slice(0, 9));
  yield Buffer.from(whole.slice(9));
}
const message = (...names: string[]): Transfer => ({
  from: "b+x@bounce.test",
  recipients: names.map((name) => ({ address: `${name}@a.test`, notify: null, orcpt: null })),
  size: CONTENT.length,
  eightBit: false,
  smtpUtf8: false,
  requireTls: false,
  ret: null,
  envid: null,
  content: text(CONTENT),
  mayFinish: () => true,
  isRetry: false,
});

test("where a host offers CHUNKING a small message goes in one piece, as it was signed", async () => {
  const host = await peer();
  const conversation = await open(host);
  const result = await conversation.transfer(message("bob", "carol"));
  expect(host.pieces.slice(1)).toEqual([
    `MAIL FROM:<b+x@bounce.test>\r\nRCPT TO:<bob@a.test>\r\nRCPT TO:<carol@a.test>\r\nBDAT ${CONTENT.length} LAST\r\n${CONTENT}`,
  ]);
  expect(host.taken).toEqual([CONTENT]);
  expect(result).toMatchObject({ replies: [{ phase: "body", code: 250 }, { code: 250 }], usable: true });
  expect(result.transcript).toContain(`C: BDAT ${CONTENT.length} LAST\nS: 250 2.1.0 ok`);
  expect(result.transcript).not.toContain("Subject");
});

test.each<[string, Answers, size: number]>([
  ["it is long", {}, 32_769],
  ["the host does not pipeline", { EHLO: "250-mx.test\r\n250 CHUNKING" }, 20],
  ["the host does not offer it", { EHLO: "250-mx.test\r\n250 PIPELINING" }, 20],
])("it waits for the answers where %s", async (_, change, size) => {
  const host = await peer(change);
  const result = await (await open(host)).transfer({ ...message("bob"), size });
  expect(result).toMatchObject({ replies: [{ phase: "body", code: 250 }], usable: true });
  expect(host.pieces.join("")).not.toContain("BDAT");
  expect(host.taken).toEqual(["Subject: x\r\n\r\n..a dot\r\n"]);
});

describe("each recipient has its own answer", () => {
  const no = "503 5.5.1 no recipients";
  test.each<[string, Answers, string[], usable: boolean]>([
    ["all taken", {}, ["body 250", "body 250", "body 250"], true],
    ["one refused", { carol: "550 no" }, ["body 250", "rcpt 550", "body 250"], true],
    ["all refused", { RCPT: "550 no", BDAT: no }, ["rcpt 550", "rcpt 550", "rcpt 550"], true],
    ["taken for nobody", { RCPT: "550 no" }, ["rcpt 550", "rcpt 550", "rcpt 550"], true],
    [
      "the sender refused",
      { MAIL: "451 no", RCPT: no, BDAT: no },
      ["mail 451", "mail 451", "mail 451"],
      true,
    ],
    ["the sender refused, all else taken", { MAIL: "550 no" }, ["mail 550", "mail 550", "mail 550"], true],
    [
      "the content refused",
      { bob: "550 no", BDAT: "554 5.7.1 spam" },
      ["rcpt 550", "body 554", "body 554"],
      true,
    ],
    ["the content later", { BDAT: "451 4.7.1 later" }, ["body 451", "body 451", "body 451"], true],
    ["a refusal, and no RSET", { BDAT: "554 no", RSET: "drop" }, ["body 554", "body 554", "body 554"], false],
    ["closing at MAIL", { MAIL: "421 bye" }, ["mail 421", "mail 421", "mail 421"], false],
    ["closing at the second", { carol: "421 bye" }, ["rcpt 421", "rcpt 421", "rcpt 421"], false],
    ["gone before its answer", { bob: "550 no", BDAT: "drop" }, ["rcpt 550", "body 0", "body 0"], false],
    ["silence at the content", { BDAT: undefined }, ["body 0", "body 0", "body 0"], false],
    ["a yes to the content that is none", { BDAT: "354 go" }, ["body 0", "body 0", "body 0"], false],
    ["closing with the answer", { BDAT: "421 4.3.2 bye" }, ["body 421", "body 421", "body 421"], false],
  ])("%s", async (_, change, codes, usable) => {
    const conversation = await open(await peer(change));
    const result = await conversation.transfer(message("bob", "carol", "dave"));
    if (result.aborted) throw new Error("aborted");
    expect(result.replies.map(({ phase, code }) => `${phase} ${code}`)).toEqual(codes);
    expect([result.usable, conversation.isUsable()]).toEqual([usable, usable]);
    if (!usable) return;
    const next = await conversation.transfer(message("erin"));
    expect(next).toMatchObject({ aborted: false });
  });
});

describe("a host that does not know BDAT after all hears no more, and gets it with DATA over the next connection", () => {
  test.each<[string, Answers, swallows: boolean]>([
    ["and takes the content in", { BDAT: "502 5.5.1 what" }, true],
    ["and reads the content as commands", { BDAT: "500 5.5.2 what" }, false],
    ["and goes", { BDAT: "503 5.5.1 what then drop" }, true],
  ])("%s", async (_, change, swallows) => {
    const host = await peer(change, swallows);
    const first = await open(host);
    expect(await first.transfer(message("bob"))).toMatchObject({ unheard: true, usable: false });
    expect(first.isUsable()).toBe(false);
    const second = await open(host);
    for (const name of ["bob", "carol"])
      expect(await second.transfer(message(name))).toMatchObject({ replies: [{ code: 250 }], usable: true });
    expect(host.taken).toHaveLength(2);
    expect(host.pieces.join("").match(/BDAT/g)).toHaveLength(1);
  });
});

const SMUGGLED =
  "Subject: x\r\n\r\nMAIL FROM:<eve@a.test>\r\nRCPT TO:<bob@a.test>\r\nDATA\r\nFrom: x\r\n.\r\n";
test.each<[string, Answers, swallows: boolean]>([
  ["nobody was taken", { carol: "550 no", BDAT: "502 5.5.1 no RCPT", DATA: "502 5.5.1 no RCPT" }, false],
  ["it does not know BDAT", { BDAT: "500 5.5.2 what" }, false],
  ["all is well", {}, true],
])(
  "content that would begin a message as commands leaves when it is asked for: %s",
  async (_, change, swallows) => {
    const host = await peer(change, swallows);
    const asked = { ...message("carol"), size: SMUGGLED.length, content: text(SMUGGLED) };
    await (await open(host)).transfer(asked);
    expect(host.taken).toEqual(
      change["carol"] === undefined ? [SMUGGLED.replace("\r\n.\r\n", "\r\n..\r\n")] : [],
    );
    expect(host.pieces.join("")).not.toContain("BDAT");
  },
);

test("what was tried before goes the older way", async () => {
  const host = await peer({ BDAT: "451 4.7.1 later" });
  const result = await (await open(host)).transfer({ ...message("bob"), isRetry: true });
  expect(result).toMatchObject({ replies: [{ code: 250 }], usable: true });
});

test("a host that takes refused content for commands hears no more", async () => {
  const host = await peer({ BDAT: "554 5.5.1 no valid recipients", RCPT: "550 no" }, false);
  const conversation = await open(host);
  const result = await conversation.transfer(message("bob"));
  expect(result).toMatchObject({ replies: [{ phase: "rcpt", code: 550 }], usable: false });
  expect(conversation.isUsable()).toBe(false);
});

test("what may not go is not begun", async () => {
  const host = await peer();
  const result = await (await open(host)).transfer({ ...message("bob"), mayFinish: () => false });
  expect(result).toMatchObject({ aborted: true });
  expect(host.pieces.join("")).not.toContain("MAIL");
});

test("what has left whole is not stopped, and its answer counts", async () => {
  const host = await peer({ BDAT: undefined });
  const conversation = await open(host);
  const sent = conversation.transfer(message("bob"));
  await expect.poll(() => host.pieces.at(-1)).toContain("BDAT");
  conversation.abort();
  expect(await sent).toMatchObject({ aborted: false, replies: [{ phase: "body", code: 0 }] });
});

describe("a connection that ends before any answer to the second message", () => {
  test.each<[string, Answers, unheard: boolean, next: RegExp]>([
    ["when all of it had left: it may have been taken", { carol: "drop", MAIL: undefined }, false, /DATA/],
    ["by 421 in place of an answer", { MAIL: "421 4.3.2 enough then drop" }, true, /BDAT/],
  ])("%s", async (_, later, unheard, next) => {
    const host = await peer();
    const conversation = await open(host);
    await conversation.transfer(message("bob"));
    Object.assign(host.answers, later);
    const second = await conversation.transfer(message("carol"));
    expect(second).toMatchObject({ unheard, usable: false });
    Object.assign(host.answers, OK, { carol: OK["RCPT"] });
    const pieces = host.pieces.length;
    expect(await (await open(host)).transfer(message("carol"))).toMatchObject({ replies: [{ code: 250 }] });
    expect(host.pieces.slice(pieces).join("")).toMatch(next);
  });

  test("while its content was read: nothing has left", async () => {
    const host = await peer();
    const conversation = await open(host);
    await conversation.transfer(message("bob"));
    const slow = async function* (): AsyncGenerator<Uint8Array> {
      await once(sockets.at(-1)!.end("421 4.4.2 idle\r\n"), "close");
      yield Buffer.from(CONTENT);
    };
    const pieces = host.pieces.length;
    const result = await conversation.transfer({ ...message("carol"), content: slow() });
    expect(result).toMatchObject({ unheard: true, usable: false });
    expect(host.pieces.slice(pieces).join("")).not.toContain("BDAT");
  });
});

test("a host may say all of its answers together at the end, in pieces of any size", async () => {
  const host = await peer({ MAIL: undefined, RCPT: undefined, BDAT: undefined });
  const conversation = await open(host, { mail: 1, rcpt: 1, dataEnd: 5_000 });
  const sent = conversation.transfer(message("bob"));
  await expect.poll(() => host.pieces.at(-1)).toContain("BDAT");
  await pause(20);
  for (const piece of [
    "250 2.1",
    ".0 ok\r\n250-2.1.5 it\r\n250 2.1.5 is\r\n250-2.0.0 a",
    "ll\r\n250 2.0.0 kept\r\n",
  ]) {
    sockets.at(-1)!.write(piece);
    await pause(5);
  }
  expect(await sent).toMatchObject({
    replies: [{ phase: "body", code: 250, text: expect.stringContaining("kept") }],
    usable: true,
  });
});
