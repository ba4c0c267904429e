import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Secp256k1Keypair } from "@atproto/crypto";
import { Hono } from "hono";
import { afterEach, expect, test } from "vitest";
import {
  attachSubscribeLabels,
  createLabels,
  labelMigration,
  labelRoutes,
  type AttestedDomain,
} from "../src/label/index.ts";
import { DAY_MS, MovableClock } from "../src/lib/clock.ts";
import { Database } from "../src/platform/database.ts";
import { serveHttp } from "../src/platform/http.ts";
import { silentLog } from "../src/platform/log.ts";
import { followLabels, verifies, type PlainLabel } from "./label-consumer.ts";

const HOUR_MS = 3_600_000;
const LABELER = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const member = (n: number) => `did:plc:${"abcdefghijklmnopqrstuvwx".slice(0, 23)}${"abcdefghijklmnop"[n]}`;

/** A running labeler that can be stopped, given another key, and put back to an older copy of its database. */
async function startLabeler(clock: MovableClock) {
  const dir = mkdtempSync(join(tmpdir(), "atmos-consumer-"));
  closers.push(() => rmSync(dir, { recursive: true }));
  const file = join(dir, "labeler.sqlite");
  const verified = new Set<string>();
  const attestationsOf = (did: string): AttestedDomain[] => [
    {
      uri: `at://${did}/community.email.attestation/x.test`,
      cid: "bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy",
      did,
      domain: "x.test",
      summary: verified.has(did) ? "verified" : "broken",
    },
  ];
  let keypair = await Secp256k1Keypair.create();
  let running: Awaited<ReturnType<typeof run>>;

  /** The second start listens where the first did: consumers come back by themselves. */
  async function run(port: number) {
    const db = new Database(file, [labelMigration]);
    const options = { db, did: LABELER, keypair, clock, log: silentLog, attestationsOf };
    const labels = createLabels({ ...options, keepMs: 2 * DAY_MS });
    const app = new Hono();
    app.route("/", labelRoutes(labels));
    const http = await serveHttp(app, { host: "127.0.0.1", port });
    const stream = attachSubscribeLabels(http.server, labels, { gatherMs: 5 });
    const stop = async () => {
      await stream.close();
      await http.close(0);
      db.close();
    };
    return { db, labels, stop, port: http.address.port };
  }
  running = await run(0);
  closers.push(() => running.stop());

  return {
    labels: () => running.labels,
    ws: `ws://127.0.0.1:${running.port}`,
    key: async () => keypair.did(),
    async set(n: number, sound: boolean): Promise<void> {
      if (sound) verified.add(member(n));
      else verified.delete(member(n));
      await running.labels.reconcile(member(n));
    },
    backup(): string {
      const copy = join(dir, "backup.sqlite");
      running.db.exec(`VACUUM INTO '${copy}'`);
      return copy;
    },
    async restart(change: { rotate?: boolean; restore?: string } = {}): Promise<void> {
      await running.stop();
      if (change.rotate) keypair = await Secp256k1Keypair.create();
      if (change.restore !== undefined) {
        for (const end of ["-wal", "-shm"]) rmSync(file + end, { force: true });
        cpSync(change.restore, file);
      }
      running = await run(running.port);
    },
    /** All of `queryLabels`, each label verified; what is in force, as the consumer has it. */
    async query(): Promise<PlainLabel[]> {
      const found: PlainLabel[] = [];
      let cursor = "";
      do {
        const url = `http://127.0.0.1:${running.port}/xrpc/com.atproto.label.queryLabels?uriPatterns=*&limit=5${cursor}`;
        const page = (await (await fetch(url)).json()) as {
          cursor?: string;
          labels: (PlainLabel & { sig: { $bytes: string } })[];
        };
        for (const { sig, ...label } of page.labels) {
          expect(await verifies({ ...label, sig }, keypair.did())).toBe(true);
          if (!label.neg) found.push(label);
        }
        cursor = page.cursor === undefined ? "" : `&cursor=${page.cursor}`;
      } while (cursor !== "");
      return found;
    },
  };
}

const sorted = (labels: PlainLabel[]) =>
  labels.toSorted((a, b) => `${a.uri} ${a.val}`.localeCompare(`${b.uri} ${b.val}`));

test("a consumer of another house follows from 0 through a rotation and a restore, and knows what queryLabels knows", async () => {
  const clock = new MovableClock(Date.parse("2026-01-01T00:00:00Z"));
  const labeler = await startLabeler(clock);
  for (const n of [0, 1, 2, 3, 4, 5]) await labeler.set(n, true);
  await labeler.set(5, false);

  const consumer = followLabels({ service: labeler.ws, key: labeler.key });
  closers.push(() => consumer.close());
  const agree = async () => {
    await consumer.reach(labeler.labels().lastSeq());
    const queried = sorted(await labeler.query());
    expect(queried.length).toBeGreaterThan(0);
    expect(sorted(consumer.inForce(clock.now()))).toEqual(queried);
  };
  await agree();

  // Live, with a renewal and a negation.
  clock.advance(13 * HOUR_MS);
  expect(await labeler.labels().renewDue()).toBe(5);
  await labeler.set(0, false);
  await agree();

  // A new key: the labels of the old one come signed anew to whoever begins now.
  await labeler.restart({ rotate: true });
  await labeler.set(6, true);
  await agree();
  const late = followLabels({ service: labeler.ws, key: labeler.key });
  closers.push(() => late.close());
  await late.reach(labeler.labels().lastSeq());
  expect(sorted(late.inForce(clock.now()))).toEqual(sorted(await labeler.query()));

  // Back to an older copy: what was said since is said again, with numbers that nobody has seen.
  const copy = labeler.backup();
  clock.advance(HOUR_MS);
  for (const n of [7, 8]) await labeler.set(n, true);
  await labeler.set(1, false);
  await agree();
  const before = consumer.cursor;
  clock.advance(HOUR_MS);
  await labeler.restart({ restore: copy });
  expect(labeler.labels().lastSeq()).toBeLessThan(before);
  for (const n of [1, 7, 8]) await labeler.labels().reconcile(member(n));
  await labeler.set(9, true);
  await agree();
  await late.reach(labeler.labels().lastSeq());
  expect(consumer.cursor).toBeGreaterThan(before);

  // And who begins after the pruning of what was superseded.
  consumer.close();
  late.close();
  clock.advance(13 * HOUR_MS);
  await labeler.labels().renewDue();
  clock.advance(2 * DAY_MS);
  for (const n of [2, 3, 4]) await labeler.labels().reconcile(member(n));
  expect(labeler.labels().prune()).toBeGreaterThan(0);
  await labeler.restart({ rotate: true });
  const fresh = followLabels({ service: labeler.ws, key: labeler.key });
  closers.push(() => fresh.close());
  await fresh.reach(labeler.labels().lastSeq());
  expect(sorted(fresh.inForce(clock.now()))).toEqual(sorted(await labeler.query()));

  for (const one of [consumer, late, fresh]) {
    expect(one.forged).toEqual([]);
    expect(one.notices).toEqual([]);
  }
});
