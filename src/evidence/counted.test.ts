import { afterEach, beforeEach, expect, test } from "vitest";
import { eventMaker, type ActionName, type EventData } from "../event/index.ts";
import { Database } from "../platform/database.ts";
import { createEvidence, evidenceMigration, type Evidence } from "./index.ts";

const DAY = 86_400_000;
const did = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
let db: Database;
let evidence: Evidence;
let now: number;
let n: number;
beforeEach(() => {
  db = new Database(":memory:", [evidenceMigration]);
  evidence = createEvidence(db);
  now = Date.UTC(2026, 0, 1, 1);
  n = 0;
});
afterEach(() => db.close());

/** Tells it, and gives back the window that a rule sees with it. */
function tell(action: ActionName, recipient: string, ok: boolean, more: Partial<EventData> = {}) {
  now += 1_000;
  n++;
  const event = eventMaker(
    () => now,
    () => String(n),
  )(action, {
    dedupe_key: `k${n}`,
    member: { did: more.member?.did ?? did, domain: "a.test" },
    recipient: { key: recipient, domain: "r.test" },
    message: { id: `m${n}`, size: 1, recipients: 1, stream: "transactional", received_at: now - 500 },
    smtp: ok
      ? { code: 250, enhanced: "2.0.0", text: "", provider: "yahoo", class: "ok", fault: "none" }
      : {
          code: 550,
          enhanced: "5.1.1",
          text: "",
          provider: "yahoo",
          class: "bad-mailbox",
          fault: "recipient",
        },
    ...more,
  });
  evidence.apply(event);
  return evidence.windows(event);
}

test("the facts are those that the rule counted: as many, with their messages, the newest first", () => {
  for (let i = 0; i < 5; i++) tell("recipient_delivered", `good${i}`, true);
  tell("recipient_bounced", "dead1", false);
  tell("recipient_bounced", "dead1", false);
  tell("recipient_bounced", "dead2", false);
  const { bounce } = tell("recipient_bounced", "dead3", false);
  const { bounces } = evidence.counted(did, now);
  expect(bounces).toHaveLength(bounce.hard);
  expect(bounces.map(({ message }) => message)).toEqual(["m9", "m8", "m6"]);
  expect(bounces[0]).toEqual({ message: "m9", at: now, domain: "r.test", provider: "yahoo" });
});

test("after the change that they led to they are still there, and later ones are not", () => {
  tell("recipient_bounced", "dead1", false);
  const changed = now;
  evidence.restartWindow(did, changed);
  tell("recipient_bounced", "dead2", false);
  expect(evidence.counted(did, changed).bounces.map(({ message }) => message)).toEqual(["m1"]);
  expect(evidence.counted(did, now).bounces.map(({ message }) => message)).toEqual(["m2"]);
});

test("complaints of 30 days, or of 90; of this member alone", () => {
  const complaint = (more: Partial<EventData> = {}) => tell("complaint_received", `who${n}`, true, more);
  complaint();
  now += 45 * DAY;
  const { complaint: seen, complaint_90: long } = complaint();
  expect(evidence.counted(did, now).complaints).toHaveLength(seen.complaints);
  expect(evidence.counted(did, now, { long: true }).complaints).toHaveLength(long!.complaints);
  expect([seen.complaints, long!.complaints]).toEqual([1, 2]);
  expect(evidence.counted("did:plc:bbbbbbbbbbbbbbbbbbbbbbbb", now)).toEqual({ bounces: [], complaints: [] });
});
