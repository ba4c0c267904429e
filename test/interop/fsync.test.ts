import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startCooperative, tellLogOnFailure, type Cooperative, type Member } from "./cooperative.ts";
import { until } from "./servers/process.ts";
import type { Syscall } from "./servers/strace.ts";
import { startSink, type Sink } from "./sink.ts";
import { compose, openSubmission } from "./submission.ts";

/*
 * `250` means on disk. The reply is hidden by TLS, so it is found by its place and its length:
 *
 * - The socket is known by the client's port, which strace shows as the peer of the descriptor.
 * - The client waits for `354`, writes the message, waits until the server has most likely read it, and then writes the
 *   final dot alone. The server says nothing between `354` and the reply to the dot, and the client sends nothing
 *   after the dot until it has the reply. So on that socket the dot is the last read before the last write of the
 *   traced span, and that write is the reply.
 * - As a check, that write is one TLS record of exactly the length of the reply that the client decrypted
 *   (TLS 1.3: header of 5, text, type of 1, tag of 16).
 *
 * The commit is found by what is in it: a small message stands in the write-ahead log of the spool in clear, and so
 * does the name of the file of a large one. Each of those writes must be followed by an fdatasync (or fsync) of the
 * same file, called after the write had returned, returned before the reply was begun to be written.
 */

const MAILBOXES = "127.0.0.27";
const TLS13_OVERHEAD = 5 + 1 + 16;
const WAL = /\/spool\.sqlite-wal$/;
const LARGE = "A line of a large message, which is longer than the others.\r\n".repeat(2_800);

let coop: Cooperative;
let sink: Sink;
let member: Member;
/** The two submissions, by what marks them. Times in whole ms: the span from the first to the last holds the answer. */
const submissions: { marker: string; port: number; reply: string; dotAt: number; repliedAt: number }[] = [];
let calls: Syscall[];

beforeAll(async () => {
  coop = await startCooperative();
  sink = await startSink(
    { host: MAILBOXES, port: coop.deliveryPort },
    await coop.authority.issue("mx.sink.test"),
  );
  coop.receives("sink.test", MAILBOXES);
  member = await coop.join("alder.test", { address: MAILBOXES });
  expect(await coop.product.terminate()).toBe(0);
  const traced = await coop.product.startTraced({
    trace: ["fdatasync", "fsync", "read", "write", "writev", "sendto", "sendmsg", "pwrite64", "pwritev"],
    // A whole page of the database.
    dataBytes: 4_200,
  });
  await submit("marker-small-7f3a91", {});
  await submit("marker-large-c05d2e", { body: LARGE });
  await until("both messages to arrive", () => sink.copies.length === 2);
  await coop.product.terminate();
  await traced.stop();
  calls = await traced.calls();
});
afterAll(async () => {
  await coop?.stop();
  await sink?.stop();
});
tellLogOnFailure(() => coop?.product);

async function submit(marker: string, body: { body?: string }): Promise<void> {
  const from = "noreply@alder.test";
  const to = "reader@sink.test";
  const client = await openSubmission(coop, member);
  expect(client.socket.getProtocol()).toBe("TLSv1.3");
  await client.begin(from, to);
  client.socket.write(compose({ from, to, subject: marker, id: `${marker}@alder.test`, ...body }));
  await pause(1_000);
  const dotAt = Date.now();
  const reply = await client.say(".");
  submissions.push({ marker, port: client.localPort, reply, dotAt, repliedAt: Date.now() + 1 });
  expect(reply).toMatch(/^250 2\.0\.0 Queued as /);
  // The server's close_notify is a write too, and must not fall into the span.
  await pause(100);
  client.destroy();
}

const submission = (marker: string) => submissions.find((one) => one.marker.startsWith(marker))!;

const isWrite = ({ name }: Syscall) => /^(write|writev|sendto|sendmsg)$/.test(name);
const isSync = ({ name, result }: Syscall) => (name === "fdatasync" || name === "fsync") && result === 0;

/** The read of the final dot and the write of its reply, on the client's socket. */
function dotAndReply(marker: string): { dot: Syscall; reply: Syscall } {
  const { port, dotAt, repliedAt } = submission(marker);
  const socket = calls.filter(
    ({ path, result }) => path.startsWith("TCP") && path.endsWith(`:${port}]`) && result > 0,
  );
  const span = socket.filter(({ end, start }) => end >= dotAt && start < repliedAt);
  const reads = span.filter(({ name }) => name === "read");
  const writes = span.filter(isWrite);
  expect(reads.length).toBeGreaterThan(0);
  expect(writes).toHaveLength(1);
  // On a slow machine the end of a large message is read in this span too: the dot comes with the last read, or is it.
  return { dot: reads.at(-1)!, reply: writes[0]! };
}

/** Writes of this file that hold `text`. */
const writesOf = (file: RegExp, text: string) =>
  calls.filter(
    ({ name, path, data }) =>
      name.startsWith("pwrite") && file.test(path) && data.includes(text, 0, "latin1"),
  );

/** Asserts that each of these writes was synced before `instant`, and that the syncs were called for them. */
function expectSynced(writes: Syscall[], instant: number): void {
  expect(writes.length).toBeGreaterThan(0);
  for (const write of writes) {
    expect(write.end).toBeLessThan(instant);
    const sync = calls.find((c) => isSync(c) && c.path === write.path && c.start >= write.end);
    expect(sync, `a sync of ${write.path} after the write`).toBeDefined();
    expect(sync!.end).toBeLessThanOrEqual(instant);
  }
}

describe("250 means on disk", () => {
  test.each(["marker-small", "marker-large"])(
    "the reply of %s is the write that it is taken for",
    (marker) => {
      const { dot, reply } = dotAndReply(marker);
      expect(dot.end).toBeLessThan(reply.start);
      expect(reply.result).toBe(submission(marker).reply.length + TLS13_OVERHEAD);
      expect([...reply.data.subarray(0, 3)]).toEqual([0x17, 0x03, 0x03]);
      expect(reply.data.readUInt16BE(3)).toBe(reply.result - 5);
    },
  );

  test("a small message: the write-ahead log that holds it was synced before the reply was written", () => {
    const { marker } = submission("marker-small");
    const { dot, reply } = dotAndReply(marker);
    const commits = writesOf(WAL, `Subject: ${marker}`).filter(({ start }) => start < reply.start);
    expectSynced(commits, reply.start);
    // Nothing of it was committed before the client had said that it is whole.
    for (const { start } of commits) expect(start).toBeGreaterThan(dot.start);
  });

  test("a large message: first its file, then its directory, then the log that names it", () => {
    const { marker } = submission("marker-large");
    const { dot, reply } = dotAndReply(marker);
    const bodies = calls.filter(
      ({ name, path, start, end }) =>
        (name.startsWith("pwrite") || name === "write") &&
        /\/spool\.sqlite-bodies\/.+\.part$/.test(path) &&
        start < reply.start &&
        end < reply.start,
    );
    expectSynced(bodies, reply.start);
    const part = bodies[0]!.path;
    const fileSync = calls.find((call) => isSync(call) && call.path === part)!;
    const directorySync = calls.find((call) => isSync(call) && call.path.endsWith("/spool.sqlite-bodies"))!;
    expect(directorySync.start).toBeGreaterThanOrEqual(fileSync.end);
    const name = part.slice(part.lastIndexOf("/") + 1, -".part".length);
    const commits = writesOf(WAL, name).filter(({ start }) => start < reply.start);
    expectSynced(commits, reply.start);
    expect(Math.min(...commits.map(({ start }) => start))).toBeGreaterThanOrEqual(directorySync.end);
    expect(fileSync.start).toBeGreaterThan(dot.start);
  });
});
