import { connect as connectPlain, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { between, pick, seededRandom, type Random } from "../../src/devnet/random.ts";
import { MovableClock } from "../../src/lib/clock.ts";
import { newDirectory, startRelay, stopRelay, type Testbed } from "../relay-harness.ts";
import { createSink } from "../relay-sink.ts";
import { fuzz, mutate, pieces, TOKENS } from "./fuzz.ts";

/** Of a log-in, and of a message. */
const DEADLINE_MS = 700;
const AT_ONCE = 24;
const PLAIN = `AUTH PLAIN ${Buffer.from("\0alice\0secret").toString("base64")}`;

let bed: Testbed;
let sink: Awaited<ReturnType<typeof createSink>>;
const directory = newDirectory();

beforeAll(async () => {
  sink = await createSink();
  const clock = new MovableClock(Date.UTC(2026, 0, 1));
  bed = await startRelay(directory.path, sink.port, clock, { dataMs: DEADLINE_MS, loginMs: DEADLINE_MS });
});
afterAll(async () => {
  await stopRelay(bed);
  await sink.close();
  directory.remove();
});

type Talk = { socket: Socket; said: () => string; closed: () => boolean };

function watch(socket: Socket): Talk {
  let said = "";
  let closed = false;
  socket.on("data", (chunk) => (said += chunk.toString("latin1")));
  socket.on("error", () => undefined).on("close", () => (closed = true));
  return { socket, said: () => said, closed: () => closed };
}

/** Writes, and waits while the other side takes nothing; false when it is gone. */
async function write({ socket, closed }: Talk, octets: Buffer | string): Promise<boolean> {
  if (closed() || socket.destroyed) return false;
  if (!socket.write(octets))
    await new Promise<void>((resolve) => {
      socket.once("drain", resolve);
      socket.once("close", () => resolve());
    });
  return !closed();
}

async function until(what: string, condition: () => boolean, ms: number): Promise<void> {
  const end = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`${what}: not within ${ms} ms`);
    await pause(5);
  }
}

const MESSAGES = [
  "From: a@member.test\r\nSubject: x\r\n\r\nHello\r\n",
  "From: a@member.test\r\n\r\n..\r\n...\r\nx\r\n",
  "From: eve@evil.test\r\n\r\nx\r\n",
  "From: a@member.test\r\nFrom: eve@evil.test\r\n\r\nx\r\n",
  "\r\n",
  "",
  `From: a@member.test\r\n\r\n${"y".repeat(2_000)}\r\n`,
  `From: a@member.test\r\n\r\n${"A line.\r\n".repeat(9_000)}`,
];

/** What a client may say, and what it may not; octets as latin1, with their line end. */
function utterance(random: Random): string {
  const address = () =>
    pick(random, [
      "a@member.test",
      "b@a.test",
      "gone@a.test",
      "",
      "@",
      "x".repeat(500),
      "ü@b.test",
      '"a b"@c.test',
      "<>",
      "a@[1.2.3.4]",
    ]);
  const parameter = () =>
    pick(random, [
      "",
      "",
      " SIZE=10",
      " SIZE=99999999999999999999",
      " BODY=8BITMIME",
      " SMTPUTF8",
      " RET=FULL ENVID=x",
      " NOTIFY=NEVER",
      " X=Y",
      ` ENVID=${"z".repeat(3_000)}`,
    ]);
  const end = () => pick(random, ["\r\n", "\r\n", "\r\n", "\r\n", "\n", "\r", ""]);
  const data = () => {
    const message = pick(random, MESSAGES);
    const text = random() < 0.5 ? message : mutate(random, message, MESSAGES, 20_000);
    return text + pick(random, [".\r\n", ".\r\n", ".\r\n", "\r\n.\r\n", "\n.\r\n", "\r\n.\n", ""]);
  };
  const command = pick(random, [
    () => `EHLO ${pick(random, ["client.test", "[127.0.0.1]", "", "\xff", "x".repeat(1_000)])}`,
    () => "HELO client.test",
    () => PLAIN,
    () => PLAIN,
    () =>
      pick(random, [
        "AUTH",
        "AUTH PLAIN",
        "AUTH LOGIN",
        "AUTH PLAIN =",
        "AUTH PLAIN !!!",
        "AUTH CRAM-MD5",
        `AUTH PLAIN ${"QUFB".repeat(3_000)}`,
        `AUTH LOGIN ${Buffer.from("alice").toString("base64")}`,
      ]),
    () => pick(random, ["*", "c2VjcmV0", Buffer.from("\0\0").toString("base64")]),
    () => `MAIL FROM:<${address()}>${parameter()}`,
    () => `MAIL FROM:<a@member.test>${parameter()}`,
    () => `RCPT TO:<${address()}>${parameter()}`,
    () => "RCPT TO:<b@a.test>",
    () => "DATA",
    () => `DATA\r\n${data()}`,
    () => `MAIL FROM:<a@member.test>\r\nRCPT TO:<b@a.test>\r\nDATA\r\n${data()}`,
    () => data(),
    () =>
      `BDAT ${between(random, 0, 100)}${pick(random, ["", " LAST"])}\r\n${"x".repeat(between(random, 0, 100))}`,
    () =>
      pick(random, [
        "RSET",
        "NOOP",
        "NOOP x",
        "VRFY a",
        "EXPN a",
        "HELP",
        "TURN",
        "ETRN a",
        "QUIT",
        "GET / HTTP/1.1",
        "\0",
        "",
        " ",
        "STARTTLS",
        "XCLIENT ADDR=1.2.3.4",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 1",
      ]),
    () => mutate(random, "MAIL FROM:<a@member.test>", TOKENS, 5_000),
    () =>
      Buffer.from(Array.from({ length: between(random, 1, 300) }, () => between(random, 0, 255))).toString(
        "latin1",
      ),
  ])();
  return command + end();
}

/** Who talks before the greeting is turned away. */
async function greeted(talk: Talk): Promise<Talk> {
  await until("a greeting", () => talk.said().includes("\r\n") || talk.closed(), 5_000);
  return talk;
}

const overTls = () =>
  watch(connectTls({ port: bed.ports.tls, host: "127.0.0.1", rejectUnauthorized: false }));

/** How a session begins: up to a log-in, or anywhere before. */
async function open(random: Random): Promise<Talk> {
  const { tls, starttls } = bed.ports;
  const start = pick(random, ["in", "in", "in", "tls", "clear", "starttls", "half"] as const);
  if (start === "clear" || start === "half") {
    const talk = watch(
      connectPlain(start === "clear" ? starttls : pick(random, [tls, starttls]), "127.0.0.1"),
    );
    if (start === "half") {
      const hello = Buffer.from([
        0x16,
        3,
        1,
        0,
        between(random, 0, 255),
        1,
        ...Array.from({ length: between(random, 0, 200) }, () => between(random, 0, 255)),
      ]);
      await write(talk, Buffer.concat([Buffer.from(pick(random, ["", "EHLO x\r\nSTARTTLS\r\n"])), hello]));
    }
    return talk;
  }
  if (start === "starttls") {
    const talk = await greeted(watch(connectPlain(starttls, "127.0.0.1")));
    // What is said in clear behind STARTTLS is not to be heard (CVE-2011-0411).
    await write(talk, `EHLO x\r\nSTARTTLS\r\n${pick(random, ["", "MAIL FROM:<a@member.test>\r\n"])}`);
    await until("STARTTLS", () => /^220 .*\r\n[^]*^220 /m.test(talk.said()) || talk.closed(), 5_000).catch(
      () => undefined,
    );
    if (talk.closed() || !/^220 .*\r\n[^]*^220 /m.test(talk.said())) return talk;
    talk.socket.removeAllListeners("data");
    return watch(connectTls({ socket: talk.socket, rejectUnauthorized: false }));
  }
  const talk = overTls();
  if (random() < 0.95) await greeted(talk);
  if (start === "in") await write(talk, `EHLO client.test\r\n${PLAIN}\r\n`);
  return talk;
}

const LINE = /^(\d{3})([ -])[\x20-\x7e\t]*$/;
/** RFC 5321 section 4.5.3.1.5, without CRLF. */
const LONGEST_REPLY = 510;

/** Every reply is well formed, refusals have their name, and after 354 a yes names what was stored. Returns its ids. */
function judgeReplies(said: string, ended: boolean): string[] {
  // An alert of TLS, in clear.
  const lines = said.split("\x15\x03")[0]!.split("\r\n");
  const rest = lines.pop();
  if (ended) expect(rest).toBe("");
  const ids: string[] = [];
  let open = "";
  let inData = false;
  for (const line of lines) {
    const [, code = "", sign] = LINE.exec(line) ?? [];
    expect({ line, well: code !== "" && line.length <= LONGEST_REPLY }).toEqual({ line, well: true });
    if (open) expect({ line, code }).toEqual({ line, code: open });
    open = sign === "-" ? code : "";
    if (open) continue;
    if (code.startsWith("5")) expect(line).toMatch(/ \[[a-z-]+\]$/);
    const id = /^250 2\.0\.0 (?:Queued|Held) as (\w+)/.exec(line)?.[1];
    if (inData && code === "250") expect({ line, id }).toEqual({ line, id: expect.any(String) });
    if (id !== undefined) {
      expect({ line, inData }).toEqual({ line, inData: true });
      ids.push(id);
    }
    inData = code === "354";
  }
  return ids;
}

async function session(random: Random): Promise<void> {
  const talk = await open(random);
  const patient = random() < 0.5;
  for (let steps = between(random, 1, 14); steps > 0; steps--) {
    const octets = Buffer.from(utterance(random), "latin1");
    for (const piece of random() < 0.3 ? pieces(random, octets) : [octets])
      if (!(await write(talk, piece))) break;
    if (talk.closed()) break;
    if (patient) await pause(between(random, 0, 12));
  }
  const ending = pick(random, ["quit", "quit", "quit", "end", "destroy", "destroy", "silent"] as const);
  if (ending === "quit") await write(talk, "\r\n.\r\nQUIT\r\n");
  if (ending === "end") talk.socket.end();
  if (ending === "destroy") talk.socket.destroy();
  // Who has logged in may be silent for minutes; who has not, or is in the middle of a message, may not.
  if (ending !== "destroy") await until("the end", talk.closed, DEADLINE_MS).catch(() => undefined);
  const inMessage = /\r\n354 [^\r]*\r\n$/.test(talk.said());
  if (!talk.said().includes("235 ") || inMessage)
    await until(
      `the end of a connection that ${JSON.stringify(talk.said().slice(-200))}`,
      talk.closed,
      DEADLINE_MS * 3,
    );
  talk.socket.destroy();
  for (const id of judgeReplies(talk.said(), ending === "quit" && talk.closed()))
    expect(await bed.spool.message(id)).toMatchObject({ id });
}

function heapUsed(): number {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  gc();
  gc();
  return process.memoryUsage().heapUsed;
}

describe("whatever a client says", () => {
  test(
    "no crash, replies in form, no yes without a message on disk, an end in time",
    { timeout: 900_000 },
    async () => {
      const before = heapUsed();
      const cases = await fuzz("dialogues", 5, async (random, number) => {
        // Every limit is empty again.
        bed.clock.advance(86_400_000);
        const seeds = Array.from({ length: AT_ONCE }, () => random());
        await Promise.all(seeds.map((seed) => session(seededRandom(String(seed)))));
        if (number % 10 === 9) await bed.spool.prune(bed.clock.now(), { now: bed.clock.now() });
      });
      expect(cases).toBeGreaterThan(2);
      await until("the last connections", () => heapUsed() - before < 40 * 2 ** 20, 5_000);
      const talk = await greeted(overTls());
      await write(talk, `EHLO x\r\n${PLAIN}\r\n`);
      await until("a log-in afterwards", () => talk.said().includes("\r\n235 "), 5_000);
      talk.socket.destroy();
    },
  );

  test("a line without an end: refused, and not kept", { timeout: 30_000 }, async () => {
    const talk = await greeted(overTls());
    const chunk = Buffer.alloc(1 << 20, "x");
    const before = process.memoryUsage().rss;
    let highest = 0;
    for (let i = 0; i < 64 && (await write(talk, chunk)); i++)
      highest = Math.max(highest, process.memoryUsage().rss - before);
    await until("its end", talk.closed, 10_000);
    expect(highest).toBeLessThan(48 * 2 ** 20);
  });

  test("10,000 recipients: as many as there may be, one answer for each", { timeout: 30_000 }, async () => {
    bed.clock.advance(86_400_000);
    const talk = await greeted(overTls());
    await write(talk, `EHLO x\r\n${PLAIN}\r\nMAIL FROM:<a@member.test>\r\n`);
    for (let i = 0; i < 10_000; i++) await write(talk, `RCPT TO:<r${i}@a.test>\r\n`);
    await write(talk, "QUIT\r\n");
    await until("its end", talk.closed, 20_000);
    const codes = talk
      .said()
      .split("\r\n")
      .filter((line) => /^\d{3} /.test(line))
      .map((line) => line.slice(0, 3));
    // Greeting, EHLO, AUTH and MAIL before; QUIT after.
    expect(codes.slice(0, 4)).toEqual(["220", "250", "235", "250"]);
    const replies = codes.slice(4, -1);
    expect(replies).toHaveLength(10_000);
    expect(replies.filter((code) => code === "250").length).toBeLessThanOrEqual(100);
    expect(replies.filter((code) => code === "250").length).toBeGreaterThan(10);
    judgeReplies(talk.said(), true);
  });
});
