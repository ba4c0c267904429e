import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  closeSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { INLINE_BYTES, SpoolError, createSpool, restore, salvage, type Integrity } from "./index.ts";
import { acceptance, attempt, everything, text } from "./spool.fixture.ts";

const PAGE = 4_096;
let root: string;
let made: string;
/** A copy for each test. */
let path: string;
/** Text of the messages that wait, by id. */
const waiting = new Map<string, string>();
/** Id of the message of each recipient. */
const messageOf = new Map<string, string>();

function signed(size: number, subject: string) {
  const body = Buffer.from(`${subject} ${"x".repeat(60)}\r\n`.repeat(Math.ceil(size / 70)));
  // Lines without runs or ends of white space are their own canonical form.
  const bh = createHash("sha256").update(body).digest("base64");
  const head = Buffer.from(
    `DKIM-Signature: v=1; a=rsa-sha256; bh=${bh};\r\n b=AAAA\r\nSubject: ${subject}\r\n\r\n`,
  );
  return { head, body };
}

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "atmos-damage-"));
  mkdirSync((made = join(root, "made")));
  const spool = await createSpool({ path: join(made, "spool.sqlite") });
  for (let i = 0; i < 36; i++) {
    const { head, body } = signed(i % 9 === 4 ? 30_000 : i % 9 === 7 ? INLINE_BYTES * 2 : 900, `n${i}`);
    const writer = spool.newBody();
    await writer.write(body);
    const a = acceptance({ head, body: await writer.finish() }, [`d${i}.test`, "b.test"]);
    await spool.accept(a);
    if (i % 6 === 5) {
      const outcome = { state: "delivered" as const, nextAt: 0, attempt, events: [] };
      await spool.record(
        a.recipients.map(({ id }) => ({ recipientId: id, ...outcome })),
        1,
      );
      continue;
    }
    waiting.set(a.message.id, `${head.toString()}${body.toString()}`);
    for (const { id } of a.recipients) messageOf.set(id, a.message.id);
  }
  await spool.close();
});
afterAll(() => rmSync(root, { recursive: true }));
beforeEach(() => {
  const dir = mkdtempSync(join(root, "copy-"));
  cpSync(made, dir, { recursive: true });
  path = join(dir, "spool.sqlite");
});

function overwrite(file: string, at: number, bytes: Uint8Array): void {
  const handle = openSync(file, "r+");
  writeSync(handle, bytes, 0, bytes.length, at);
  closeSync(handle);
}

const zeroPage = (number: number) => overwrite(path, (number - 1) * PAGE, new Uint8Array(PAGE));
/** As a process leaves it that was killed. */
const uncleanly = () => writeFileSync(`${path}-wal`, "");
const digest = () => createHash("sha256").update(readFileSync(path)).digest("hex");
const pageCount = () => statSync(path).size / PAGE;

function rootOf(name: string): number {
  const db = new DatabaseSync(path, { readOnly: true });
  const { rootpage } = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = ?").get(name) as {
    rootpage: number;
  };
  db.close();
  // A reader that may not write leaves the WAL there.
  rmSync(`${path}-wal`, { force: true });
  return rootpage;
}

function seeded(seed: number): () => number {
  let n = seed;
  return () => (n = (n * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648;
}

/** Ids of waiting messages of which salvage says nothing at all; and of those that it calls whole and whose body is not. */
async function judge(): Promise<{ silent: string[]; wrong: string[]; whole: number }> {
  const out = `${path}-out`;
  rmSync(out, { recursive: true, force: true });
  const result = await salvage(path, out);
  const told = new Set(result.lost);
  for (const { id } of result.orphans) told.add(messageOf.get(id) ?? "");
  const wrong: string[] = [];
  let whole = 0;
  for (const message of result.messages) {
    told.add(message.id);
    if (!message.whole) continue;
    whole++;
    const wanted = waiting.get(message.id) ?? "?";
    const body = wanted.slice(wanted.indexOf("\r\n\r\n") + 4);
    if (!readFileSync(join(out, message.eml!), "latin1").endsWith(body)) wrong.push(message.id);
  }
  return { silent: [...waiting.keys()].filter((id) => !told.has(id)), wrong, whole };
}

describe("a damaged spool is refused at the start", () => {
  test.each<[string, () => void]>([
    ["it was cut short", () => truncateSync(path, Math.floor(pageCount() * 0.6) * PAGE)],
    ["its first page is gone", () => zeroPage(1)],
    ["the root of the messages is gone", () => (zeroPage(rootOf("message")), uncleanly())],
    ["the root of an index is gone", () => (zeroPage(rootOf("recipient_due")), uncleanly())],
    [
      "bytes of a tree were flipped",
      () => (overwrite(path, (rootOf("recipient") - 1) * PAGE, Buffer.from([0xff, 0x13, 0x37])), uncleanly()),
    ],
  ])("%s: it says what to do, and nothing was changed", async (_name, damage) => {
    damage();
    const before = digest();
    const error = (await createSpool({ path }).catch((e: unknown) => e)) as SpoolError;
    expect(error).toBeInstanceOf(SpoolError);
    expect(error.kind).toBe("corrupt");
    expect(error.message).toContain(`${path} is damaged: `);
    expect(error.message).toMatch(/Nothing was changed/);
    expect(error.message).toContain("atmos queue salvage MOVED/spool.sqlite DIR");
    expect(error.message).toContain(`atmos queue restore DIR ${path}`);
    expect(digest()).toBe(before);
  });

  test.each<[string, number, Integrity["outcome"], boolean]>([
    ["sound after a kill", 60_000, "sound", true],
    ["closed cleanly", 60_000, "clean", false],
    ["the check takes too long", 1, "unfinished", true],
  ])("not one that is whole: %s", async (_name, checkMs, outcome, killed) => {
    if (killed) uncleanly();
    const onChecked = vi.fn<(integrity: Integrity) => void>();
    const spool = await createSpool({ path, checkMs, onChecked });
    expect(onChecked).toHaveBeenCalledWith(expect.objectContaining({ outcome }));
    expect(await spool.openCount()).toBe(waiting.size * 2);
    expect(await spool.integrity()).toEqual([]);
    await spool.close();
  });

  test("damage that shows in use ends the process, and the next start looks thoroughly", async () => {
    const leaf = rootOf("message_unsigned");
    zeroPage(leaf);
    const onFatal = vi.fn<(error: SpoolError) => void>();
    const spool = await createSpool({ path, onFatal });
    await expect(spool.unsigned(10)).rejects.toMatchObject({ kind: "corrupt" });
    expect(onFatal).toHaveBeenCalledOnce();
    await expect(spool.accept(acceptance())).rejects.toMatchObject({ kind: "corrupt" });
    await spool.close();
    expect(existsSync(`${path}-damaged`)).toBe(true);
    await expect(createSpool({ path })).rejects.toMatchObject({ kind: "corrupt" });
    // Repaired, it starts, and the mark goes.
    copyFileSync(join(made, "spool.sqlite"), path);
    rmSync(`${path}-wal`, { force: true });
    const again = await createSpool({ path });
    expect(existsSync(`${path}-damaged`)).toBe(false);
    await again.close();
  });
});

describe("salvage", () => {
  test("a spool that is whole is written out as it is, and not changed", async () => {
    const before = digest();
    const { silent, wrong, whole } = await judge();
    expect({ silent, wrong, whole }).toEqual({ silent: [], wrong: [], whole: waiting.size });
    const result = JSON.parse(readFileSync(join(`${path}-out`, "salvage.json"), "utf8"));
    expect(result).toMatchObject({ orphans: [], lost: [], finished: 6 });
    expect(result.messages[0]).toMatchObject({
      did: "did:plc:a",
      receivedAt: "1970-01-01T00:00:01.000Z",
      recipients: [
        { address: "bob@d0.test", state: "queued", attempts: 0 },
        { address: "bob@b.test", state: "queued" },
      ],
    });
    expect(digest()).toBe(before);
    await expect(salvage(path, `${path}-out`)).rejects.toThrow(/is not empty/);
    await expect(salvage(`${path}-none`, `${path}-out2`)).rejects.toThrow(/cannot be opened/);
  });

  test("whichever page is zeroed, no waiting message is lost silently, and most are whole", async () => {
    const original = readFileSync(path);
    for (let number = 1; number <= pageCount(); number++) {
      zeroPage(number);
      const { silent, wrong, whole } = await judge();
      expect({ number, silent, wrong }).toEqual({ number, silent: [], wrong: [] });
      expect(whole).toBeGreaterThan(waiting.size - 8);
      overwrite(path, (number - 1) * PAGE, original.subarray((number - 1) * PAGE, number * PAGE));
    }
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    "flipped bytes (seed %i): what is called whole is whole",
    async (seed) => {
      const random = seeded(seed);
      for (let i = 0; i < 60; i++) {
        overwrite(
          path,
          Math.floor(random() * statSync(path).size),
          Buffer.from([Math.floor(random() * 256)]),
        );
      }
      const { wrong, whole } = await judge();
      expect(wrong).toEqual([]);
      expect(whole).toBeGreaterThan(waiting.size / 3);
    },
  );

  test.each([0.5, 0.7, 0.9])("cut to %f of its length", async (part) => {
    truncateSync(path, Math.floor(statSync(path).size * part));
    const { wrong, whole } = await judge();
    expect(wrong).toEqual([]);
    expect(whole).toBeGreaterThan(0);
  });

  test("what stands only in the WAL is found, also after a damaged frame", async () => {
    const spool = await createSpool({ path });
    const late: string[] = [];
    for (let i = 0; i < 5; i++) {
      const a = acceptance(partsOf(`late${i}`));
      await spool.accept(a);
      late.push(a.message.id);
    }
    expect(await text(spool, late[4]!)).toContain("late4");
    await spool.lease(everything);
    const copy = `${path}-killed`;
    copyFileSync(path, copy);
    copyFileSync(`${path}-wal`, `${copy}-wal`);
    cpSync(`${path}-bodies`, `${copy}-bodies`, { recursive: true });
    await spool.close();
    const all = await salvage(copy, `${copy}-out`);
    expect(all.badFrames).toBe(0);
    expect(late.filter((id) => !all.messages.some((m) => m.id === id && m.whole))).toEqual([]);
    // The first frame: for SQLite all that follows is gone.
    overwrite(`${copy}-wal`, 32 + 24 + 100, Buffer.from("damage"));
    const less = await salvage(copy, `${copy}-out2`);
    expect(less.badFrames).toBe(1);
    expect(less.messages.filter(({ id, whole }) => whole && late.includes(id)).length).toBeGreaterThan(2);
    expect(readdirSync(`${copy}-out2`)).toContain("salvage.json");
  });
});

describe("restore", () => {
  const restored = async () => {
    const out = `${path}-out`;
    const { messages } = await salvage(path, out);
    const fresh = join(`${path}-new`, "spool.sqlite");
    const result = await restore(out, fresh, 1_000);
    return { out, fresh, messages, result };
  };

  test("a whole spool comes back as it was, held, and is whole again", async () => {
    const { out, fresh, result } = await restored();
    expect(result).toEqual({ messages: waiting.size, recipients: waiting.size * 2, left: [], partly: [] });
    const spool = await createSpool({ path: fresh });
    expect(await spool.counts()).toEqual({ held: waiting.size * 2 });
    for (const [id, wanted] of waiting) expect(await text(spool, id)).toBe(wanted);
    const { entries } = await spool.list({});
    expect(entries[0]!.hold).toMatchObject({ owner: "committee", reason: "by-hand" });
    expect(await spool.integrity()).toEqual([]);
    const released = {
      filter: { holdOwner: "committee" as const },
      by: "ann",
      why: "looked",
      now: 2_000,
      limit: 1_000,
    };
    expect(await spool.release(released)).toMatchObject({ recipients: waiting.size * 2 });
    await spool.close();
    await expect(restore(out, fresh, 1_000)).rejects.toThrow(/is there already/);
    await expect(restore(`${out}-none`, `${fresh}-2`, 1_000)).rejects.toThrow(/salvage\.json cannot be read/);
  });

  test("recipients of which nothing can be read are counted, and said", async () => {
    const leaf = leavesOf(rootOf("recipient")).at(-1)!;
    zeroPage(leaf);
    const { messages, result } = await restored();
    expect(messages.every(({ whole }) => whole)).toBe(true);
    const unread = messages.reduce((sum, message) => sum + message.unread, 0);
    expect(unread).toBeGreaterThan(0);
    expect(result.recipients + unread).toBe(waiting.size * 2);
    const missing = messages.filter((message) => message.unread > 0).map(({ id }) => id);
    expect([...result.left, ...result.partly].toSorted()).toEqual(missing.toSorted());
  });

  test("bodies or a WAL that were not moved away with the spool are left alone", async () => {
    const moved = join(mkdtempSync(join(root, "moved-")), "spool.sqlite");
    renameSync(path, moved);
    const bodies = readdirSync(`${path}-bodies`);
    expect(bodies).not.toEqual([]);
    await salvage(moved, `${path}-out`);
    await expect(restore(`${path}-out`, path, 1_000)).rejects.toThrow(/-bodies is there already/);
    await expect(createSpool({ path })).rejects.toMatchObject({ kind: "corrupt" });
    expect(readdirSync(`${path}-bodies`)).toEqual(bodies);
    renameSync(`${path}-bodies`, `${moved}-bodies`);
    uncleanly();
    await expect(restore(`${path}-out`, path, 1_000)).rejects.toThrow(/-wal is there already/);
    expect(existsSync(path)).toBe(false);
  });

  test("one that was killed has made no spool, and is done again", async () => {
    const out = `${path}-out`;
    await salvage(path, out);
    const fresh = join(`${path}-new`, "spool.sqlite");
    const child = spawn(process.execPath, ["-e", KILLED, out, fresh, join(import.meta.dirname, "index.ts")]);
    expect(await once(child, "exit")).toEqual([null, "SIGKILL"]);
    expect(existsSync(`${fresh}-restoring`)).toBe(true);
    expect(existsSync(fresh)).toBe(false);
    expect(await restore(out, fresh, 1_000)).toMatchObject({ messages: waiting.size });
    expect(readdirSync(`${path}-new`).toSorted()).toEqual(["spool.sqlite", "spool.sqlite-bodies"]);
  });

  test.each([1, 2, 3, 4])(
    "of one with overwritten pages (seed %i), what is whole, and nothing else",
    async (seed) => {
      const random = seeded(seed);
      for (let i = 0; i < 6; i++)
        overwrite(path, Math.floor(random() * pageCount()) * PAGE, Buffer.alloc(PAGE, 0xa5));
      const { fresh, messages, result } = await restored();
      expect(result.messages).toBeGreaterThan(waiting.size / 3);
      const left = messages.filter(({ whole, recipients }) => !whole || recipients.length === 0);
      for (const { recipients, unread } of messages) expect(recipients.length + unread).toBe(2);
      expect(result.left.toSorted()).toEqual(left.map(({ id }) => id).toSorted());
      const spool = await createSpool({ path: fresh });
      const { entries } = await spool.list({});
      const bodyOf = (message = "") => message.slice(message.indexOf("\r\n\r\n"));
      for (const id of new Set(entries.map(({ messageId }) => messageId)))
        expect(bodyOf(await text(spool, id))).toBe(bodyOf(waiting.get(id)));
      await spool.close();
    },
  );
});

/** The pages of a table that is one inner page over leaves. */
function leavesOf(root: number): number[] {
  const page = readFileSync(path).subarray((root - 1) * PAGE, root * PAGE);
  expect(page[0]).toBe(5);
  const cells = Array.from({ length: page.readUInt16BE(3) }, (_, i) => page.readUInt16BE(12 + 2 * i));
  return [...cells.map((at) => page.readUInt32BE(at)), page.readUInt32BE(8)];
}

/** Restores, and is killed when the first message is in the new spool. */
const KILLED = `
  const [out, fresh, index] = process.argv.slice(1);
  const { restore } = await import(index);
  const { existsSync, statSync } = await import("node:fs");
  const wal = fresh + "-restoring-wal";
  setInterval(() => existsSync(wal) && statSync(wal).size > 0 && process.kill(process.pid, "SIGKILL"), 1);
  restore(out, fresh, 1_000);
`;

function partsOf(subject: string) {
  const { head, body } = signed(200, subject);
  return { head, body: { bytes: new Uint8Array(body) } };
}
