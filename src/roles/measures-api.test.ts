import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { eventMaker } from "../event/index.ts";
import { MovableClock } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { silentLog } from "../platform/log.ts";
import { createMeasures, measuresMigration, type Measures } from "../shaping/index.ts";
import { createSpool, type QueueRequest, type Spool } from "../spool/index.ts";
import { measuresApi } from "./measures-api.ts";
import { createMeasuresDesk } from "./measures-desk.ts";
import { createQueueDesk } from "./queue-desk.ts";

const now = Date.UTC(2026, 0, 2);
const HOUR = 3_600_000;
const member = "did:plc:aaaa";
const other = "did:plc:bbbb";
const address = "192.0.2.1";
const pausedWords = 'gmail said "550 5.7.25 no PTR record" (gmail/no-ptr)';
const heldWords = 'yahoo said "421 4.7.0 [TSS04]" (yahoo/tss04)';
let dir: string;
let db: Database;
let spool: Spool;
let measures: Measures;
let api: ReturnType<typeof measuresApi>;
const unpause = vi.fn<(address: string, provider: string) => void>();
const wake = vi.fn<() => void>();

beforeEach(async () => {
  vi.clearAllMocks();
  dir = mkdtempSync(join(tmpdir(), "atmos-measures-api-"));
  db = new Database(":memory:", [measuresMigration]);
  spool = await createSpool({ path: join(dir, "spool.sqlite") });
  measures = createMeasures({ db, log: silentLog });
  const clock = new MovableClock(now);
  const queue = createQueueDesk({
    spool,
    relay: { bounce: vi.fn<(r: QueueRequest) => ReturnType<Spool["drop"]>>(), wake },
    policyBook: { byDid: () => undefined },
    newEvent: eventMaker(
      () => now,
      () => "1",
    ),
    recipientKey: new Uint8Array(32),
    clock,
  });
  const desk = createMeasuresDesk({
    measures,
    egress: { unpause },
    queue,
    spool,
    clock,
    log: silentLog,
  });
  api = measuresApi({ desk, mayAct: (token) => token === "committee", log: silentLog });
  measures.pause(
    address,
    "gmail",
    6 * HOUR,
    { why: pausedWords, rule: "gmail/no-ptr", advice: "A PTR." },
    now,
  );
  measures.suspend(member, "yahoo", 2 * HOUR, { why: heldWords }, now);
  await waits("recipient1aaaaa", member, `Paused to gmail: ${pausedWords}`);
  await waits("recipient2aaaaa", member, heldWords);
  // The same words of the same rule, said of another member.
  await waits("recipient3aaaaa", other, heldWords);
});
afterEach(async () => {
  measures.close();
  db.close();
  await spool.close();
  rmSync(dir, { recursive: true });
});

/** One recipient that nobody was asked about, for these words, until in three hours. */
async function waits(id: string, did: string, words: string): Promise<void> {
  await spool.accept({
    message: {
      id: id.replace("recipient", "message"),
      did,
      credential: "c1",
      kind: "mail",
      sender: "noreply@alder.test",
      fromDomain: "alder.test",
      stream: "transactional",
      priority: 0,
      template: null,
      receivedAt: now,
      size: 10,
      eightBit: false,
      smtpUtf8: false,
      ret: null,
      envid: null,
      ask: "usual",
      head: Buffer.from("a: b\r\n\r\n"),
      body: { bytes: Buffer.from("x") },
    },
    recipients: [
      {
        id,
        address: "r@big.test",
        domain: "big.test",
        state: "queued",
        nextAt: now,
        firstTime: false,
        notify: null,
        orcpt: null,
      },
    ],
    events: [],
  });
  await spool.record(
    [{ recipientId: id, state: "queued", nextAt: now + 3 * HOUR, waits: words, events: [] }],
    now,
  );
}

const dueNow = async () =>
  (await spool.list({ states: ["queued"] })).entries
    .filter(({ nextAt }) => nextAt <= now)
    .map(({ id }) => id)
    .toSorted();

async function ask(method: string, path: string, body?: unknown, token = "committee") {
  const response = await api.request(path, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

test("lists what is in force, with what was said and what is to be done", async () => {
  expect((await ask("GET", "/")).body).toMatchObject({
    now,
    measures: [
      {
        kind: "pause",
        provider: "gmail",
        subject: address,
        until: now + 6 * HOUR,
        why: pausedWords,
        advice: "A PTR.",
      },
      { kind: "suspend", provider: "yahoo", subject: member, why: heldWords, advice: null },
    ],
    lifted: [],
  });
});

test("a person ends a pause: its mail is due, nobody else's, and who and why stays with both", async () => {
  const person = { by: "ann", why: "the record is there" };
  const { body } = await ask("POST", "/lift", { provider: "gmail", subject: address, ...person });
  expect(body).toMatchObject({ due: 1, measures: [{ kind: "pause" }] });
  expect(unpause).toHaveBeenCalledExactlyOnceWith(address, "gmail");
  expect(wake).toHaveBeenCalled();
  expect(await dueNow()).toEqual(["recipient1aaaaa"]);
  expect(await spool.operations("message1aaaaa")).toMatchObject([{ action: "requeue", ...person }]);
  expect((await ask("GET", "/")).body).toMatchObject({
    measures: [{ kind: "suspend" }],
    lifted: [{ kind: "pause", said: pausedWords, at: now, ...person }],
  });
});

test("of a member only its own mail is due", async () => {
  const asked = { provider: "yahoo", subject: member, by: "ann", why: "mended" };
  expect((await ask("POST", "/lift", asked)).body).toMatchObject({ due: 1 });
  expect(unpause).not.toHaveBeenCalled();
  expect(await dueNow()).toEqual(["recipient2aaaaa"]);
});

test.each<[string, object, string, number, RegExp]>([
  ["a stranger", { provider: "gmail", subject: address, by: "a", why: "b" }, "nobody", 401, /committee/],
  ["no reason", { provider: "gmail", subject: address, by: "a", why: " " }, "committee", 400, /why/],
  [
    "one that is not",
    { provider: "yahoo", subject: address, by: "a", why: "b" },
    "committee",
    404,
    /gmail 192/,
  ],
])("%s is refused", async (_, body, token, status, message) => {
  const answer = await ask("POST", "/lift", body, token);
  expect(answer.status).toBe(status);
  expect(String(answer.body["message"])).toMatch(message);
  expect(measures.inForce(now)).toHaveLength(2);
});
