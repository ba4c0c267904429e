import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { between, pick, seededRandom, type Random } from "../../src/devnet/random.ts";
import { DEADLINES, openConversation } from "../../src/relay/delivery/conversation.ts";
import { fuzz, SEED, TOKENS } from "./fuzz.ts";

/** Hosts that answer anything at all: the relay ends each conversation in time, and takes nothing for a yes that is none. */

const WAIT_MS = 60;
const SECONDS = 4;
const AT_ONCE = 20;

type Heard = { dots: number; yesAfterGo: boolean };

let server: Server;
const sockets = new Set<Socket>();
/** By the name in EHLO. */
const heardFrom = new Map<string, Heard>();
let connections = 0;

const ODD = [
  "250 ok\r\n250 ok\r\n",
  "250 ok\r\n354 go\r\n",
  "354 go\r\n",
  "354 go\r\n250 2.0.0 kept\r\n",
  "354 go\r\n552 5.3.4 too big\r\n",
  "250-ok\r\n550 no\r\n",
  "550-no\r\n250 ok\r\n",
  "421 4.3.2 bye\r\n",
  "450 4.2.0 later\r\n",
  "550 5.1.1 no\r\n",
  "220 again\r\n",
  "250",
  "250 ok",
  "250-ok\r\n",
  "999 what\r\n",
  "\r\n",
  "",
] as const;

function answerTo(line: string, random: Random, pipelining: boolean): string {
  const odd = random();
  if (odd < 0.12) return pick(random, ODD);
  if (odd < 0.16) return `${pick(random, TOKENS)}${pick(random, TOKENS)}\r\n`;
  if (line === "DATA") return "354 go\r\n";
  if (line.startsWith("EHLO")) return `250-mx\r\n250 ${pipelining ? "PIPELINING" : "8BITMIME"}\r\n`;
  if (line === "CONNECT") return "220 mx\r\n";
  if (line === "QUIT") return "221 bye\r\n";
  return "250 ok\r\n";
}

beforeAll(async () => {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    const random = seededRandom(`host ${SEED} ${connections++}`);
    const pipelining = random() < 0.5;
    const heard: Heard = { dots: 0, yesAfterGo: false };
    let buffered = "";
    let inData = false;
    let gone = false;
    const say = (text: string): void => {
      if (/^354/m.test(text)) {
        inData = true;
        gone = true;
      }
      if (gone && /^2\d\d/m.test(text)) heard.yesAfterGo = true;
      if (random() < 0.03) return void socket.destroy();
      const cut = between(random, 0, text.length);
      socket.write(text.slice(0, cut));
      if (random() < 0.3) setImmediate(() => socket.write(text.slice(cut)));
      else socket.write(text.slice(cut));
    };
    say(answerTo("CONNECT", random, pipelining));
    socket.on("data", (chunk) => {
      buffered += chunk.toString("latin1");
      for (let end = buffered.indexOf("\r\n"); end >= 0; end = buffered.indexOf("\r\n")) {
        const line = buffered.slice(0, end);
        buffered = buffered.slice(end + 2);
        if (line.startsWith("EHLO ")) heardFrom.set(line.slice(5), heard);
        if (!inData) say(answerTo(line, random, pipelining));
        else if (line === ".") {
          inData = false;
          heard.dots++;
          say(answerTo(".", random, pipelining));
        }
      }
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

async function* content(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("a: b\r\n\r\n.c\r\n");
}

const outcomes = { open: 0, taken: 0, refused: 0, silent: 0 };

let names = 0;

async function converse(seed: string): Promise<void> {
  const random = seededRandom(seed);
  const name = `r${++names}.relay.test`;
  const began = performance.now();
  const opened = await openConversation({
    name: "mx.test",
    address: "127.0.0.1",
    port: (server.address() as AddressInfo).port,
    servername: "mx.test",
    clear: random() < 0.5,
    ehlo: name,
    withinMs: 4 * WAIT_MS,
    deadlines: Object.fromEntries(Object.keys(DEADLINES).map((key) => [key, WAIT_MS])) as typeof DEADLINES,
  });
  if (!opened.ok) {
    expect(opened.reply.code === 0 || opened.reply.code >= 400).toBe(true);
    return;
  }
  outcomes.open++;
  const heard = heardFrom.get(name)!;
  for (let i = 0; i < 3 && opened.conversation.isUsable(); i++) {
    const before = heard.dots;
    heard.yesAfterGo = false;
    const result = await opened.conversation.transfer({
      from: "a@b.test",
      recipients: ["c", "d"].map((name) => ({ address: `${name}@x.test`, notify: null, orcpt: null })),
      size: 10,
      eightBit: false,
      smtpUtf8: false,
      requireTls: false,
      ret: null,
      envid: null,
      content: content(),
      mayFinish: () => true,
      isRetry: false,
    });
    if (result.aborted) throw new Error("nobody stopped it");
    expect(result.replies.length).toBe(2);
    for (const { code } of result.replies) {
      expect(code === 0 || (code >= 200 && code < 300) || code >= 400).toBe(true);
      if (code === 0) outcomes.silent++;
      else if (code >= 400) outcomes.refused++;
      else {
        outcomes.taken++;
        expect({ whole: heard.dots > before, yes: heard.yesAfterGo }).toEqual({ whole: true, yes: true });
      }
    }
  }
  opened.conversation.close();
  expect(performance.now() - began).toBeLessThan(8_000);
}

test(
  "hosts that answer anything",
  async () => {
    await fuzz(
      "hosts",
      SECONDS,
      async (random, number) => {
        const seeds = Array.from({ length: AT_ONCE }, (_, i) => `${random()} ${number} ${i}`);
        await Promise.all(seeds.map(converse));
      },
      () => outcomes.taken > 100 && outcomes.refused > 20 && outcomes.silent > 20,
    );
  },
  SECONDS * 1000 + 60_000,
);
