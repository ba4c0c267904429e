import { closeSync, fsyncSync, openSync, statSync, writeSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { alteredBuild } from "./altered.ts";
import { startCooperative, tellLogOnFailure, type Cooperative, type Member } from "./cooperative.ts";
import { reconcile, type Ledger } from "./ledger.ts";
import { until } from "./servers/process.ts";
import { startSink, type Sink } from "./sink.ts";
import { compose, CutError, openSubmission } from "./submission.ts";

/*
 * A relay that cannot write its spool any more ends with exit code 1, for its supervisor to start it again; what it said
 * 250 to is on disk.
 */

const MAILBOXES = "127.0.0.34";
const PAGE = 4_096;

let coop: Cooperative;
let sink: Sink;
let member: Member;
const ledger: Ledger = { acknowledged: new Map(), unknown: new Set(), refused: new Set() };
const deaths: number[] = [];
let messages = 0;

beforeAll(async () => {
  coop = await startCooperative();
  sink = await startSink(
    { host: MAILBOXES, port: coop.deliveryPort },
    await coop.authority.issue("mx.sink.test"),
  );
  coop.receives("sink.test", MAILBOXES);
  member = await coop.join("alder.test", { address: MAILBOXES, tier: "trusted" });
}, 300_000);
afterAll(async () => {
  await coop?.stop();
  await sink?.stop();
});
tellLogOnFailure(() => coop?.product);

/** Hands in messages over one connection until it is cut. Every reply is entered in the ledger. */
async function submitUntilCut(most: number): Promise<void> {
  const [from, to] = [`noreply@${member.domain}`, "a@sink.test"];
  let id = "";
  try {
    const client = await openSubmission(coop, member);
    for (let n = 0; n < most; n++) {
      id = `writer-${++messages}@${member.domain}`;
      ledger.refused.add(id);
      await client.begin(from, to);
      client.socket.write(compose({ from, to, subject: "Load", id }));
      const reply = await client.say(".");
      if (!reply.startsWith("250 ")) continue;
      ledger.refused.delete(id);
      ledger.acknowledged.set(id, [to]);
    }
    client.destroy();
  } catch (error) {
    if (error instanceof CutError && error.phase === "." && ledger.refused.delete(id)) ledger.unknown.add(id);
  }
}

async function expectReconciled(): Promise<void> {
  const missing = () => [...ledger.acknowledged.keys()].filter((id) => sink.byMessageId(id).length === 0);
  await until("what was acknowledged", () => missing().length === 0, 60_000).catch(() => undefined);
  expect(reconcile(ledger, sink.copies, deaths)).toEqual([]);
}

describe.each([
  [
    "before its commit",
    "const answers = runGroup(",
    "if (group.some(({ op }) => op === 'accept') && seen++ >= 20) throw new Error('a fault'); const answers = runGroup(",
  ],
  [
    "between its commit and the answer",
    "inbox.postMessage(answers, []);",
    "if (group.some(({ op }) => op === 'accept') && seen++ >= 20) throw new Error('a fault'); inbox.postMessage(answers, []);",
  ],
])("the writer thread dies %s", (_when, find, replace) => {
  test("exit code 1, and every 250 is on disk", async () => {
    await using faulty = await alteredBuild("spool/writer.worker.js", find, replace);
    const worker = join(faulty.program, "../../spool/writer.worker.js");
    await writeFile(worker, `let seen = 0;\n${await readFile(worker, "utf8")}`);
    await coop.product.terminate();
    await coop.product.start(faulty.program);
    const before = ledger.acknowledged.size;
    const ended = coop.product.ended();
    await Promise.all(Array.from({ length: 4 }, () => submitUntilCut(20)));
    expect(await ended).toBe(1);
    deaths.push(Date.now());
    expect(ledger.acknowledged.size).toBeGreaterThan(before + 5);
    expect(coop.product.log()).toContain("the spool's writer died; start the process again");
    await coop.product.start();
    await expectReconciled();
  });
});

test("the database is overwritten while it is in use: exit code 1, and the next start names the damage", async () => {
  await submitUntilCut(10);
  await expectReconciled();
  const path = join(coop.product.dataDir, "spool.sqlite");
  // What the writer holds in memory is not asked of the disk: all of it is read anew after a start.
  await coop.product.terminate();
  await coop.product.start();
  const file = openSync(path, "r+");
  for (let page = 1; page < statSync(path).size / PAGE; page++)
    writeSync(file, Buffer.alloc(PAGE, 0xa5), 0, PAGE, page * PAGE);
  fsyncSync(file);
  closeSync(file);
  const ended = coop.product.ended();
  const before = ledger.acknowledged.size;
  await Promise.all(Array.from({ length: 4 }, () => submitUntilCut(50)));
  expect(await ended).toBe(1);
  expect(ledger.acknowledged.size).toBe(before);
  await expect(coop.product.start()).rejects.toThrow(/spool\.sqlite is damaged: .*Nothing was changed/s);
});
