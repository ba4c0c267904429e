import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { eventMaker, type Envelope } from "../event/index.ts";
import { MovableClock } from "../lib/clock.ts";
import { silentLog } from "../platform/log.ts";
import type { CredentialPolicy, MemberPolicy } from "../policy/index.ts";
import { createSpool, type QueueRequest, type Spool } from "../spool/index.ts";
import { queueApi } from "./queue-api.ts";
import { createQueueDesk } from "./queue-desk.ts";

const did = `did:plc:${"a".repeat(24)}`;
const now = Date.UTC(2026, 0, 2);
const said = "2026-01-02T00:00:00.000Z";
const credential: CredentialPolicy = {
  id: "c1",
  username: "u1",
  hash: "",
  domains: ["alder.test"],
  streams: ["transactional"],
  hourly: null,
  daily: null,
  revoked: false,
};
const member: MemberPolicy = {
  did,
  handle: "a",
  version: 1,
  membership: "member",
  standing: "good",
  tier: "new",
  joinedAt: 0,
  reason: null,
  domains: [{ name: "alder.test", status: "active", returnPath: null, addedAt: 0, keys: [] }],
  credentials: [credential],
};
let dir: string;
let spool: Spool;
let api: ReturnType<typeof queueApi>;
let known: MemberPolicy | undefined;
const relay = { bounce: vi.fn<(r: QueueRequest) => ReturnType<Spool["drop"]>>(), wake: vi.fn<() => void>() };

beforeEach(async () => {
  vi.clearAllMocks();
  known = undefined;
  dir = mkdtempSync(join(tmpdir(), "atmos-queue-api-"));
  spool = await createSpool({ path: join(dir, "spool.sqlite") });
  const clock = new MovableClock(now);
  let n = 0;
  const newEvent = eventMaker(
    () => clock.now(),
    () => String(++n),
  );
  const desk = createQueueDesk({
    spool,
    relay,
    policyBook: { byDid: () => known },
    newEvent,
    recipientKey: new Uint8Array(32),
    clock,
  });
  api = queueApi({ desk, mayAct: (token) => token === "committee", log: silentLog });
  for (const [i, held] of [false, true, true].entries()) {
    await spool.accept({
      message: {
        id: `message${i}aaaaaaa`,
        did,
        credential: "c1",
        kind: "mail",
        sender: "noreply@alder.test",
        fromDomain: "alder.test",
        stream: "transactional",
        priority: 0,
        template: null,
        receivedAt: now - i * 3_600_000,
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
          id: `recipient${i}aaaaa`,
          address: `r${i}@big.test`,
          domain: "big.test",
          ...(held ? { state: "held", hold: { reason: "content", owner: "breaker" } } : { state: "queued" }),
          nextAt: now,
          firstTime: false,
          notify: null,
          orcpt: null,
        },
      ],
      events: [],
    });
  }
});
afterEach(async () => {
  await spool.close();
  rmSync(dir, { recursive: true });
});

async function ask(method: string, path: string, body?: unknown, token = "committee") {
  const response = await api.request(path, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const why = { by: "ann", why: "looked at it" };

test.each<[string, number, string, unknown, RegExp, string?]>([
  ["without the committee's token", 401, "/list", {}, /committee/, "member"],
  ["no JSON", 400, "/drop", "{", /not JSON/],
  ["no filter", 400, "/drop", { ...why, filter: {} }, /at least one/],
  ["no reason", 400, "/drop", { by: "ann", filter: { did } }, /why/],
  ["an unknown filter", 400, "/drop", { ...why, filter: { dids: [did] } }, /dids/],
  ["a state that is none", 400, "/list", { filter: { states: ["lost"] } }, /states/],
  ["a limit too high", 400, "/drop", { ...why, filter: { did }, limit: 10_001 }, /limit/],
  ["an operation that is none", 404, "/explode", { ...why, filter: { did } }, /hold, release/],
])("%s: %i", async (_name, status, path, body, message, token) => {
  const answer = await ask("POST", path, body, token);
  expect(answer.status).toBe(status);
  expect(answer.body["message"]).toMatch(message);
  expect(await spool.counts()).toEqual({ held: 2, queued: 1 });
});

test("lists by filter, with the numbers of the whole spool", async () => {
  const { body } = await ask("POST", "/list", { filter: { olderThanMs: 3_600_000 }, limit: 1 });
  expect(body).toMatchObject({
    now: said,
    entries: [{ address: "r2@big.test" }],
    counts: { held: 2, queued: 1 },
  });
  const rest = await ask("POST", "/list", {
    filter: { olderThanMs: 3_600_000 },
    limit: 5,
    before: body["next"],
  });
  expect(rest.body).toMatchObject({ entries: [{ address: "r1@big.test" }], next: null });
});

test("releases at the member's pace, and the history says who and why", async () => {
  const request = { ...why, filter: { did, holdOwner: "breaker" } };
  expect((await ask("POST", "/release", { ...request, dryRun: true })).body).toMatchObject({ recipients: 2 });
  expect(relay.wake).not.toHaveBeenCalled();
  expect((await ask("POST", "/release", request)).body).toMatchObject({ recipients: 2, messages: 2 });
  expect(relay.wake).toHaveBeenCalledOnce();
  const { entries } = await spool.list({ states: ["queued"] });
  // Of a member that is not known: one an hour.
  expect(entries.map((e) => e.nextAt - now).sort()).toEqual([0, 0, 3_600_000]);
  for (const id of ["message1aaaaaaa", "recipient1aaaaa"]) {
    expect((await ask("GET", `/messages/${id}`)).body).toMatchObject({
      message: { id: "message1aaaaaaa", recipients: [{ state: "queued", hold: null }] },
      attempts: [],
      operations: [{ ...why, action: "release", at: said }],
    });
  }
  expect((await ask("GET", "/messages/none")).status).toBe(404);
});

test("what the breaker would hold again at once is not said to be released", async () => {
  known = { ...member, credentials: [{ ...credential, breaker: "content" }] };
  const request = { ...why, filter: { did, holdOwner: "breaker" } };
  expect((await ask("POST", "/release", request)).body).toMatchObject({ recipients: 0, kept: 2 });
  known = member;
  expect((await ask("POST", "/release", request)).body).toMatchObject({ recipients: 2, kept: 0 });
});

test("holds with the reason as its note; drops and tells core, without the address", async () => {
  await ask("POST", "/hold", { ...why, filter: { ids: ["message0aaaaaaa"] } });
  expect((await spool.message("message0aaaaaaa"))!.recipients[0]!.hold).toEqual({
    reason: "by-hand",
    owner: "committee",
    note: "looked at it",
  });
  await ask("POST", "/drop", { ...why, filter: { holdOwner: "committee" } });
  const [row, ...others] = await spool.outbox.read(10);
  expect(others).toEqual([]);
  expect((JSON.parse(row!.envelope) as Envelope).data).toMatchObject({
    action_name: "recipient_dropped",
    data: { dedupe_key: "dropped:recipient0aaaaa", member: { did }, recipient: { domain: "big.test" } },
  });
  expect(row!.envelope).not.toContain("r0@");
});

test("gives back through the relay, which tells the member", async () => {
  const result = { recipients: 1, messages: 1, messageIds: [], inFlight: 0, kept: 0, more: false };
  relay.bounce.mockResolvedValue(result);
  expect((await ask("POST", "/bounce", { ...why, filter: { did }, limit: 3 })).body).toEqual(result);
  expect(relay.bounce).toHaveBeenCalledWith({ ...why, filter: { did }, limit: 3, dryRun: false, now });
});
