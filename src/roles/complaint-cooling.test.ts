import { afterEach, beforeEach, expect, test } from "vitest";
import { createEgress, egressMigration, type RunningEgress } from "../egress/index.ts";
import type { Received } from "../feedback/index.ts";
import { DAY_MS, MovableClock } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { createResolver } from "../platform/dns/index.ts";
import { silentLog } from "../platform/log.ts";
import { createMetrics } from "../platform/metrics.ts";
import { builtInShaping } from "../shaping/index.ts";
import type { AttemptView, MessageView } from "../spool/index.ts";
import { cooledByComplaints } from "./complaint-cooling.ts";

const A = "192.0.2.1";
const B = "192.0.2.2";
const GMAIL = "gmail-smtp-in.l.google.com [192.0.2.99]";
let clock: MovableClock;
let db: Database;
let egress: RunningEgress;
let receive: (id: string) => Promise<Received>;
let attempts: Partial<AttemptView>[];
let broken: boolean;

beforeEach(() => {
  clock = new MovableClock(Date.UTC(2026, 4, 1, 9));
  db = new Database(":memory:", [egressMigration]);
  egress = createEgress({
    db,
    addresses: [A, B].map((address) => ({ address, ehlo: "mx.coop.example" })),
    warm: new Set<string>(),
    blocklists: [],
    lastListed: "codes",
    allowPrivate: false,
    resolver: createResolver({ servers: ["127.0.0.1:9"] }),
    clock,
    log: silentLog,
    metrics: createMetrics(),
    localFault: async () => undefined,
  });
  broken = false;
  attempts = [
    { recipientId: "r1", class: "rate-limited", egress: B, host: GMAIL },
    { recipientId: "r1", class: "ok", egress: A, host: GMAIL },
    { recipientId: "r2", class: "ok", egress: A, host: GMAIL },
    { recipientId: "r3", class: "ok", egress: A, host: GMAIL },
    { recipientId: "r4", class: "ok", egress: null, host: GMAIL },
  ];
  receive = cooledByComplaints(
    async (id: string): Promise<Received> => ({ outcome: "complained", recipientId: id }) as Received,
    {
      spool: {
        messageByRecipient: async () =>
          broken ? Promise.reject(new Error("gone")) : ({ id: "m" } as MessageView),
        attempts: async () => attempts as AttemptView[],
      },
      egress,
      shaping: builtInShaping(),
      clock,
      log: silentLog,
    },
  );
});
afterEach(() => {
  egress.close();
  db.close();
});

const atGmail = (address: string) =>
  egress
    .status(clock.now())
    .find((one) => one.address === address)!
    .providers.find(({ provider }) => provider === "gmail");

/** So many messages from A to Gmail arrive today. */
function send(count: number): void {
  for (let n = 0; n < count; n++)
    egress.choose({ provider: "gmail", families: new Set(["ipv4"]), last: A, priority: 0, now: clock.now() });
  for (let n = 0; n < count; n++) egress.record(A, "gmail", "delivered", clock.now());
}

test("complaints count where the mail left from and who took it, and warm-up steps back", async () => {
  send(95);
  clock.advance(DAY_MS);
  expect(atGmail(A)).toMatchObject({ stage: 1 });
  send(100);
  for (const id of ["r1", "r2"]) await receive(id);
  expect(atGmail(A)!.today.complaint).toBe(2);
  expect(atGmail(B)?.today.complaint ?? 0).toBe(0);
  clock.advance(DAY_MS);
  expect(atGmail(A)).toMatchObject({ stage: 0 });
});

test("the same complaint counts once, one without a known address not at all", async () => {
  for (const id of ["r1", "r1", "r4", "unknown"]) await receive(id);
  expect(atGmail(A)!.today.complaint).toBe(1);
});

test("what cannot be counted is taken all the same", async () => {
  broken = true;
  expect(await receive("r1")).toMatchObject({ outcome: "complained" });
  expect(atGmail(A)).toBeUndefined();
});
