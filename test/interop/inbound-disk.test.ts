import { mkdtemp, rm, statfs, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTransport } from "nodemailer";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createAuthority } from "../../src/devnet/certificates.ts";
import type { Envelope } from "../../src/event/index.ts";
import { createFeedback } from "../../src/feedback/index.ts";
import { bounceOf, delivered, openInbox, readingParts, tokenKey } from "../../src/feedback/node.fixture.ts";
import { silentLog } from "../../src/platform/log.ts";
import { makeReturnPath, makeToken } from "../../src/protocol/verp/index.ts";
import { startInbound, type Inbound } from "../../src/relay/inbound/index.ts";
import { createSpool, type Spool } from "../../src/spool/index.ts";
import { complete } from "./servers/process.ts";

/*
 * Reports and letters that come in while the disk is full: a file system of a few MiB holds the spool and the inbox, and gets
 * really full. Which call fails is up to SQLite.
 */

/** Fewer letters than one address may send in an hour. */
const MAILS = 24;
const idOf = (n: number) => `aaaabbbbccccdd${"abcdefgh"[n >> 3]}${"abcdefgh"[n & 7]}`;
const addressOf = (n: number) => `r${n}@a.test`;
const TEXT = "A line of a letter, which is longer than the others.\r\n".repeat(400);

let dir: string;
let stack: AsyncDisposableStack;
let spool: Spool;
let inbox: ReturnType<typeof openInbox>["inbox"];
let inbound: Inbound;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "atmos-inbound-disk-"));
  await complete("mount", ["-t", "tmpfs", "-o", "size=8m,mode=700", "atmos-test", dir]);
  await start();
  await delivered(
    spool,
    Object.fromEntries(Array.from({ length: MAILS }, (_, n) => [idOf(n), addressOf(n)])),
  );
});
afterEach(async () => {
  await stack.disposeAsync();
  await complete("umount", ["--lazy", dir]);
  await rm(dir, { recursive: true });
});

async function start(): Promise<void> {
  stack = new AsyncDisposableStack();
  spool = await createSpool({ path: join(dir, "spool.sqlite") });
  stack.defer(() => spool.close());
  const opened = openInbox(join(dir, "inbox.sqlite"));
  inbox = opened.inbox;
  stack.defer(opened.close);
  inbound = await startInbound({
    address: { host: "127.0.0.1", port: 0 },
    hostname: "relay.pool.test",
    tls: createAuthority().issue(["127.0.0.1"]),
    feedback: createFeedback(readingParts(spool, inbox)),
    resolver: { resolve: async () => ({ status: "nxdomain", authentic: false }) },
    log: silentLog,
  });
  stack.defer(() => inbound.close());
}

/** The reply to the last command that said no, or to the mail. */
async function send(to: string, raw: string): Promise<string> {
  const transport = createTransport({
    host: "127.0.0.1",
    port: inbound.address.port,
    tls: { rejectUnauthorized: false },
  });
  return transport
    .sendMail({ envelope: { from: "", to }, raw })
    .then(({ response }) => response)
    .catch((error: { response?: string }) => error.response ?? String(error))
    .finally(() => transport.close());
}
const report = (n: number) =>
  send(makeReturnPath(makeToken(idOf(n), tokenKey), "bounce.pool.test"), bounceOf(addressOf(n)));
const letter = (n: number) =>
  send("abuse@pool.test", `From: ada@a.test\r\nSubject: ${n}\r\n\r\n${n} ${TEXT}`);

/** Leaves so many octets of room; zero: none at all. */
async function fill(left: number): Promise<void> {
  const { bavail, bsize } = await statfs(dir);
  const size = Math.max(bsize, bavail * bsize - left);
  await writeFile(join(dir, "filler"), Buffer.alloc(size, "x"), { flag: "a" }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOSPC") throw error;
    },
  );
}

const bounced = async () =>
  (await spool.outbox.read(1_000)).map((row) => (JSON.parse(row.envelope) as Envelope).data.data.dedupe_key);
const subjects = () => inbox.list({}, { limit: 500 }).map(({ subject }) => subject);

test("on a full disk they are 452 until there is room, nothing is half there, and each is taken once", async () => {
  const takenReports = new Set<number>();
  const takenLetters = new Set<number>();
  const replies: string[] = [];
  let n = 0;
  const bring = async () => {
    const now = n++ % MAILS;
    const [first, second] = [await report(now), await letter(now)];
    replies.push(first, second);
    if (first.startsWith("250")) takenReports.add(now);
    if (second.startsWith("250")) takenLetters.add(now);
  };
  for (const left of [400_000, 150_000, 50_000, 0]) {
    await fill(left);
    for (let i = 0; i < 6; i++) await bring();
  }
  const FULL = /^452 4\.3\.1 /;
  expect(replies.filter((reply) => !reply.startsWith("250") && !FULL.test(reply))).toEqual([]);
  expect(replies.slice(-4).every((reply) => FULL.test(reply))).toBe(true);
  const exactly = async () => {
    expect((await bounced()).toSorted()).toEqual(
      [...takenReports].map((one) => `bounce:${idOf(one)}`).toSorted(),
    );
    expect(subjects().toSorted()).toEqual([...takenLetters].map(String).toSorted());
    for (const { id, state } of (await spool.message("mmmmmmmmmmmmmmmm"))!.recipients) {
      const isTaken = [...takenReports].some((one) => idOf(one) === id);
      expect(state).toBe(isTaken ? "bounced" : "delivered");
    }
  };
  await exactly();

  // A process that starts with the disk still full may fail; with room again it has all that was acknowledged.
  await stack.disposeAsync();
  await unlink(join(dir, "filler"));
  await start();
  await exactly();
  n = 0;
  for (let i = 0; i < MAILS; i++) await bring();
  expect([takenReports.size, takenLetters.size]).toEqual([MAILS, MAILS]);
  await exactly();
});
