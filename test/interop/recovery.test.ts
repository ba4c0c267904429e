import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startCooperative, tellLogOnFailure, type Cooperative, type Member } from "./cooperative.ts";
import { complete, until } from "./servers/process.ts";
import { startSink, type Sink } from "./sink.ts";
import { compose, openSubmission } from "./submission.ts";

/* What docs/queue.md tells an operator whose spool is damaged, step by step. */

const MAILBOXES = "127.0.0.35";
const PAGE = 4_096;
const LARGE = "A line of a large message, which is longer than the others.\r\n".repeat(1_400);

let coop: Cooperative;
let member: Member;
let sink: Sink | undefined;

beforeAll(async () => {
  coop = await startCooperative();
  // Nobody receives yet, so that mail waits.
  coop.receives("sink.test", MAILBOXES);
  member = await coop.join("alder.test", { address: MAILBOXES, tier: "trusted" });
}, 300_000);
afterAll(async () => {
  await coop?.stop();
  await sink?.stop();
});
tellLogOnFailure(() => coop?.product);

async function submit(count: number): Promise<string[]> {
  const [from, to] = [`noreply@${member.domain}`, "a@sink.test"];
  const client = await openSubmission(coop, member);
  const ids = Array.from({ length: count }, (_, n) => `recovery-${n}@${member.domain}`);
  for (const [n, id] of ids.entries()) {
    const message = compose({ from, to, subject: "Load", id, ...(n % 10 === 3 && { body: LARGE }) });
    expect(await client.send(from, to, message)).toMatch(/^250 /);
  }
  await client.quit();
  return ids;
}

/** Every fifth page of each table and index, but none of the index that names all messages, nor of the schema that says where it is. */
async function overwritePages(path: string): Promise<void> {
  const pages = `SELECT name, pageno FROM dbstat
    WHERE name NOT IN ('sqlite_autoindex_message_1', 'sqlite_schema') ORDER BY name, path`;
  const { stdout } = await complete("sqlite3", [path, pages]);
  const rows = stdout.trim().split("\n");
  const byName = Map.groupBy(
    rows.map((row) => row.split("|")),
    ([name]) => name,
  );
  const file = openSync(path, "r+");
  for (const [, ...rest] of byName.values())
    for (const [index, [, page]] of rest.entries())
      if (index % 5 === 0) writeSync(file, Buffer.alloc(PAGE, 0xa5), 0, PAGE, (Number(page) - 1) * PAGE);
  fsyncSync(file);
  closeSync(file);
}

test("a spool with overwritten pages: what is whole leaves, what is not is named", async () => {
  const { product } = coop;
  const ids = await submit(100);
  // A clean end brings all into the file; the mark of an unclean one is what a kill leaves.
  await product.terminate();
  const spool = join(product.dataDir, "spool.sqlite");
  // The one way that operators know of, on a sound file.
  const known = await complete("bash", ["-c", `sqlite3 ${spool} .recover | grep -c "INSERT INTO .message"`], {
    anyExit: true,
  });
  expect(known.stdout.trim()).toBe("0");
  await overwritePages(spool);
  closeSync(openSync(`${spool}-wal`, "w"));

  await expect(product.start()).rejects.toThrow(/spool\.sqlite is damaged: .*Nothing was changed/s);
  const moved = join(product.dataDir, "moved");
  mkdirSync(moved);
  for (const end of ["", "-wal", "-bodies"]) renameSync(`${spool}${end}`, join(moved, `spool.sqlite${end}`));
  rmSync(`${spool}-damaged`, { force: true });

  const out = join(product.dataDir, "out");
  const salvaged = await product.run("queue", "salvage", join(moved, "spool.sqlite"), out);
  expect(salvaged.code).toBe(1);
  const found = salvaged.answer as { waiting: number; whole: number; orphans: object[]; lost: string[] };
  expect(found.whole).toBeLessThan(ids.length);
  expect(found.whole).toBeGreaterThan(10);
  // What could not be read is named: nobody has to guess what is missing.
  expect(found.waiting + found.lost.length).toBe(ids.length);
  const restored = await product.run("queue", "restore", out, spool);
  const { messages, left, partly } = restored.answer as {
    messages: number;
    left: string[];
    partly: string[];
  };
  expect(restored.code).toBe(left.length + partly.length === 0 ? 0 : 1);
  expect(messages).toBeGreaterThan(10);
  expect(messages + left.length).toBeLessThanOrEqual(found.waiting);

  await product.start();
  sink = await startSink(
    { host: MAILBOXES, port: coop.deliveryPort },
    await coop.authority.issue("mx.sink.test"),
  );
  const list = (await product.cli("queue", "list", "--owner", "committee", "--limit", "500")) as {
    entries: object[];
  };
  expect(list.entries).toHaveLength(messages);
  await until("the policy", async () => {
    const client = await openSubmission(coop, member).catch(() => undefined);
    client?.destroy();
    return client !== undefined;
  });
  // So much of one text within seconds paused the member: that pause outlived the spool, and is answered first.
  await product.cli("member", "resume", member.did, "--reason", "it is the load of this test");
  await product.cli(
    "queue",
    "release",
    "--owner",
    "committee",
    "--yes",
    "--why",
    "read out of a damaged spool",
  );
  // Released mail leaves at its member's hourly pace, unless a person hurries it.
  await product.cli("queue", "requeue", "--did", member.did, "--yes", "--why", "they wait for it");
  await until("what was whole", () => sink!.copies.length >= messages, 60_000);
  expect(sink.copies).toHaveLength(messages);
  for (const copy of sink.copies) expect(ids).toContain(copy.messageId);
  const raws = sink.copies.map(({ raw }) => raw.toString("latin1"));
  expect(raws.filter((raw) => !raw.includes("123456.") && !raw.includes(LARGE))).toEqual([]);
  // New mail goes its way again.
  const client = await openSubmission(coop, member);
  const [from, to, id] = [`noreply@${member.domain}`, "a@sink.test", `after@${member.domain}`];
  expect(await client.send(from, to, compose({ from, to, subject: "Load", id }))).toMatch(/^250 /);
  await client.quit();
  await until("new mail", () => sink!.byMessageId(id).length === 1);
});
