import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freePorts, startSandbox, type Sandbox } from "../src/devnet/index.ts";
import { Database } from "../src/platform/database.ts";
import { silentLog } from "../src/platform/log.ts";

let dir: string;
let ports: Awaited<ReturnType<typeof freePorts>>;
let sandbox: Sandbox;
let did: string;

async function start(): Promise<void> {
  sandbox = await startSandbox({
    dir,
    rulesDir: join(import.meta.dirname, "../rules"),
    log: silentLog,
    ports,
    operators: [{ name: "Alder", domain: "alder.test", perDay: 10 }],
    now: Date.now(),
    days: 0,
  });
  did = core().members.domain("alder.test")!.did;
}
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "atmos-pause-mail-"));
  ports = await freePorts();
  await start();
});
afterEach(async () => {
  await sandbox.close();
  rmSync(dir, { recursive: true });
});

const core = () => sandbox.serve.core!;
/** What the member's people found in their mailbox. */
const letters = () =>
  sandbox.world.mailbox.inbox.list({ mailbox: "admin@alder.test" }).toSorted((a, b) => a.id - b.id);
const raw = (id: number) => Buffer.from(sandbox.world.mailbox.inbox.get(id)!.raw).toString("utf8");

async function pauseAll(): Promise<number> {
  const pause = core().pauseDesk.pause(did, { credential: null, reason: "Looks stolen", by: "rosa" });
  if ("error" in pause) throw new Error(pause.error);
  await sandbox.settle();
  return pause.id;
}

test("the mail about a pause arrives at the member's own domain while nothing else of it leaves", async () => {
  const id = await pauseAll();
  const [letter, ...more] = letters();
  expect(more).toEqual([]);
  expect(letter).toMatchObject({ subject: "Your mail is paused", mailFrom: "" });
  expect(letter!.verdicts.dkim).toMatchObject([{ domain: "coop.test", result: "pass" }]);
  expect(letter!.verdicts.dmarc.result).toBe("pass");
  const text = raw(letter!.id);
  expect(text).toMatch(/^Auto-Submitted: auto-generated\r$/m);
  expect(text).toContain(`${sandbox.urls.web}/members/${did}#pause-${id}`);
  expect(text).toContain("Looks stolen");
  expect(core().notices.receipt(`pause:${id}:paused`)).toMatchObject({
    to: "a...@alder.test",
    state: "delivered",
  });
  core().pauseDesk.resume(did, { credential: null, reason: "All is well", by: "rosa" });
  await sandbox.settle();
  expect(letters().map(({ subject }) => subject)).toEqual(["Your mail is paused", "Your mail goes on"]);
}, 60_000);

test("it is one mail, also when the bus tells of it again after a restart", async () => {
  await pauseAll();
  expect(letters()).toHaveLength(1);
  await sandbox.close();
  const bus = new Database(join(dir, "atmos", "core.sqlite"), []);
  const forgotten = bus.run("UPDATE bus_offset SET seq = 0 WHERE topic = 'member.notice'");
  bus.close();
  expect(forgotten.changes).toBe(1);
  await start();
  await sandbox.settle();
  expect(letters()).toHaveLength(1);
}, 60_000);

test("at most four mails about ten pauses of a day, and as many about their ends", async () => {
  for (let i = 0; i < 10; i++) {
    await pauseAll();
    core().pauseDesk.resume(did, { credential: null, reason: "All is well", by: "rosa" });
    await sandbox.settle();
  }
  const about = (what: string) => letters().filter(({ subject }) => subject === what);
  expect(about("Your mail is paused")).toHaveLength(4);
  expect(about("Your mail goes on")).toHaveLength(4);
  expect(raw(about("Your mail is paused").at(-1)!.id).replaceAll("\r\n", " ")).toContain(
    "the last of these mails for a while",
  );
}, 60_000);
