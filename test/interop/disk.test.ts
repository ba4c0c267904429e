import { mkdir, statfs, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startCooperative, tellLogOnFailure, type Cooperative, type Member } from "./cooperative.ts";
import { reconcile, type Ledger } from "./ledger.ts";
import { complete, until } from "./servers/process.ts";
import { attach } from "./servers/strace.ts";
import { startSink, type Sink } from "./sink.ts";
import { compose, CutError, openSubmission } from "./submission.ts";

/*
 * The disk is full, and the disk fails. A file system of a few MiB for the data directory gets really full; what a
 * disk does that fails is put in the way of single calls by strace.
 */

const MAILBOXES = "127.0.0.31";
const LARGE = "A line of a large message, which is longer than the others.\r\n".repeat(2_800);
const FULL = /^452 4\.3\.1 .*\[disk-full\]\r\n$/;
const FAILED = /^451 4\.3\.0 .*\[internal\]\r\n$/;

let coop: Cooperative;
let sink: Sink;
let member: Member;
let mounted = "";
const ledger: Ledger = { acknowledged: new Map(), unknown: new Set(), refused: new Set() };
const deaths: number[] = [];
let messages = 0;

beforeAll(async () => {
  coop = await startCooperative(undefined, {
    async prepare(dataDir) {
      await mkdir(dataDir, { recursive: true });
      await complete("mount", ["-t", "tmpfs", "-o", "size=48m,mode=700", "atmos-test", dataDir]);
      mounted = dataDir;
    },
    env: { ATMOS_SPOOL_RESERVE: "1" },
  });
  sink = await startSink(
    { host: MAILBOXES, port: coop.deliveryPort },
    await coop.authority.issue("mx.sink.test"),
  );
  coop.receives("sink.test", MAILBOXES);
  member = await coop.join("alder.test", { address: MAILBOXES, tier: "trusted" });
});
afterAll(async () => {
  await coop?.product.terminate();
  if (mounted) await complete("umount", ["--lazy", mounted]);
  await coop?.stop();
  await sink?.stop();
});
tellLogOnFailure(() => coop?.product);

/** Submits one message; the first reply that is no yes, or the last. It is entered in the ledger. */
async function submit(body?: string): Promise<string> {
  const [from, to] = [`noreply@${member.domain}`, "a@sink.test"];
  const id = `disk-${++messages}@${member.domain}`;
  ledger.refused.add(id);
  const client = await openSubmission(coop, member);
  try {
    for (const line of [`MAIL FROM:<${from}>`, `RCPT TO:<${to}>`, "DATA"]) {
      const reply = await client.say(line);
      if (!/^[23]/.test(reply)) return reply;
    }
    client.socket.write(compose({ from, to, subject: "Load", id, ...(body !== undefined && { body }) }));
    const reply = await client.say(".");
    if (reply.startsWith("250 ")) {
      ledger.refused.delete(id);
      ledger.acknowledged.set(id, [to]);
    }
    return reply;
  } catch (error) {
    if (error instanceof CutError && ledger.refused.delete(id)) ledger.unknown.add(id);
    return "cut";
  } finally {
    client.destroy();
  }
}

async function expectReconciled(): Promise<void> {
  const missing = () => [...ledger.acknowledged.keys()].filter((id) => sink.byMessageId(id).length === 0);
  await until("what was acknowledged", () => missing().length === 0, 60_000).catch(() => undefined);
  expect(reconcile(ledger, sink.copies, deaths)).toEqual([]);
}

const spool = (name: string) => join(coop.product.dataDir, `spool.sqlite${name}`);

describe("a call fails for a while", () => {
  test.each<
    [what: string, call: string, path: string | undefined, error: string, body: string | undefined, RegExp]
  >([
    ["no room for the log", "pwrite64", "-wal", "ENOSPC", undefined, FULL],
    ["no room for the log of a large message", "pwrite64", "-wal", "ENOSPC", LARGE, FULL],
    ["the log cannot be written", "pwrite64", "-wal", "EIO", undefined, FAILED],
    ["the log cannot be synced", "fsync,fdatasync", "-wal", "EIO", undefined, FAILED],
    ["no room when a body is synced", "fsync", undefined, "ENOSPC", LARGE, FULL],
    ["a body cannot be synced", "fsync", undefined, "EIO", LARGE, FAILED],
    ["a quota when a body is named", "rename", undefined, "EDQUOT", LARGE, FULL],
    ["a body cannot be named", "rename", undefined, "EIO", LARGE, FAILED],
  ])("%s: refused for now, and the next is taken", async (_what, call, path, error, body, reply) => {
    expect(await submit(body)).toMatch(/^250 /);
    await expectReconciled();
    const traced = await attach(coop.product.pid(), {
      trace: [call],
      inject: [`${call}:error=${error}`],
      ...(path !== undefined && { path: spool(path) }),
    });
    const answer = await submit(body);
    await traced.stop();
    expect(answer).toMatch(reply);
    expect(await submit(body)).toMatch(/^250 /);
    await expectReconciled();
  });
});

test("a disk that is really full: 452 until there is room again, and nothing is lost", async () => {
  const filler = join(coop.product.dataDir, "filler");
  const replies: string[] = [];
  for (const left of [1.4, 0.6, 0.2, 0]) {
    const { bavail, bsize } = await statfs(coop.product.dataDir);
    const size = Math.max(0, bavail * bsize - left * 2 ** 20);
    await writeFile(filler, Buffer.alloc(size, "x"), { flag: "a" }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOSPC") throw error;
    });
    for (let n = 0; n < 6; n++) replies.push(await submit(n % 2 ? LARGE : undefined));
  }
  expect(replies.filter((reply) => !reply.startsWith("250 ") && !FULL.test(reply))).toEqual([]);
  expect(replies.at(-1)).toMatch(FULL);
  await unlink(filler);
  await until("room", async () => (await submit()).startsWith("250 "), 20_000);
  await expectReconciled();
});

test("killed with the disk full, it starts when there is room, and has all", async () => {
  const filler = join(coop.product.dataDir, "filler");
  for (let n = 0; n < 3; n++) expect(await submit(LARGE)).toMatch(/^250 /);
  await writeFile(filler, Buffer.alloc(64 * 2 ** 20)).catch(() => undefined);
  // How much is free is asked once a second; until then the log has room for a few small ones.
  await until("the full disk is seen", async () => FULL.test(await submit()));
  await coop.product.kill();
  deaths.push(Date.now());
  await unlink(filler);
  await coop.product.start();
  await expectReconciled();
});
