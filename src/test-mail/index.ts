import { eventTime, type Envelope } from "../event/index.ts";
import type { RandomBytes } from "../lib/ids.ts";
import type { Database } from "../platform/database.ts";
import { makeTestAddress, newTestId, TEST_LIFETIME_MS } from "./address.ts";
import { isPassed, judgeTest, type TestFacts, type TestVerdict } from "./verdict.ts";

export { makeTestAddress, newTestId, readTestAddress, type TestAddress } from "./address.ts";
export { testMailMigration } from "./schema.ts";
export { isPassed, judgeTest, type TestFacts, type TestVerdict } from "./verdict.ts";

/** So many a member may make in a day. */
export const MOST_TESTS = 20;
/** So many mails to one address are looked at. */
const MOST_ARRIVALS = 5;

/** A test mail, wanted or arrived. */
export type Test = {
  id: string;
  /** Where it is to be sent. */
  address: string;
  /** The domain in whose name the pool sent it, and as what; null: the member sends it. */
  sent: { domain: string; message: string } | null;
  madeBy: string;
  madeAt: number;
  /** The oldest first. */
  arrivals: TestArrival[];
};

export type TestArrival = { at: number; facts: TestFacts; verdicts: TestVerdict[]; passed: boolean };

export type TestError = { error: "too-many-tests"; until: number };

type Row = {
  id: string;
  address: string;
  domain: string | null;
  sent: string | null;
  made_by: string;
  made_at: number;
};

export type TestMail = ReturnType<typeof createTestMail>;

/** Test mails of members, for a day. `record` runs once per event, in the transaction that logs it. */
export function createTestMail(db: Database) {
  function withArrivals(row: Row): Test {
    const arrivals = db
      .all<{ at: number; facts: string }>(
        "SELECT at, facts FROM test_arrival WHERE test = ? ORDER BY at, rowid",
        row.id,
      )
      .map(({ at, facts: stored }) => {
        const facts = JSON.parse(stored) as TestFacts;
        const verdicts = judgeTest(facts, at);
        return { at, facts, verdicts, passed: isPassed(verdicts) };
      });
    const { id, address, domain, sent, made_by: madeBy, made_at: madeAt } = row;
    return {
      id,
      address,
      sent: domain === null || sent === null ? null : { domain, message: sent },
      madeBy,
      madeAt,
      arrivals,
    };
  }

  return {
    /** A new address for a member; or when the next may be made. */
    make(
      member: { did: string; handle: string },
      { by, key, domain }: { by: string; key: Uint8Array; domain: string },
      { now, random }: { now: number; random: RandomBytes },
    ): Test | TestError {
      return db.transaction(() => {
        const made = db.all<{ at: number }>(
          "SELECT made_at AS at FROM test_mail WHERE did = ? AND made_at > ? ORDER BY made_at",
          member.did,
          now - TEST_LIFETIME_MS,
        );
        if (made.length >= MOST_TESTS)
          return { error: "too-many-tests", until: made[0]!.at + TEST_LIFETIME_MS };
        const id = newTestId(now, random);
        const address = makeTestAddress({ handle: member.handle, id }, key, domain);
        db.run(
          "INSERT INTO test_mail (id, did, address, made_by, made_at) VALUES (?, ?, ?, ?, ?)",
          id,
          member.did,
          address,
          by,
          now,
        );
        return { id, address, sent: null, madeBy: by, madeAt: now, arrivals: [] };
      });
    },

    /** The pool has sent it, in the name of a domain. */
    sent: (id: string, domain: string, message: string): void =>
      void db.run("UPDATE test_mail SET domain = ?, sent = ? WHERE id = ?", domain, message, id),

    /** A relay node saw one arrive. What nobody wants to know, or was told often enough, is left out. */
    record(event: Envelope): void {
      const { member, detail } = event.data.data;
      const { id, ...facts } = detail as TestFacts & { id: string };
      const test = db.get<Row>("SELECT * FROM test_mail WHERE id = ? AND did = ?", id, member.did);
      if (!test) return;
      const seen = db.get<{ n: number }>("SELECT count(*) AS n FROM test_arrival WHERE test = ?", id)!.n;
      if (seen >= MOST_ARRIVALS) return;
      const at = eventTime(event);
      db.run("INSERT INTO test_arrival (test, at, facts) VALUES (?, ?, ?)", id, at, JSON.stringify(facts));
      if (facts.message === null || !isPassed(judgeTest(facts, at))) return;
      db.run("INSERT INTO test_passed (did, at) VALUES (?, ?) ON CONFLICT DO NOTHING", member.did, at);
    },

    /** Of a member, the newest first. */
    of: (did: string): Test[] =>
      db
        .all<Row>("SELECT * FROM test_mail WHERE did = ? ORDER BY made_at DESC, id LIMIT ?", did, MOST_TESTS)
        .map(withArrivals),

    /** One of a member's. */
    one(did: string, id: string): Test | undefined {
      const row = db.get<Row>("SELECT * FROM test_mail WHERE did = ? AND id = ?", did, id);
      return row && withArrivals(row);
    },

    /** When a test through the pool first had nothing wrong; null: none had yet. */
    passedAt: (did: string): number | null =>
      db.get<{ at: number }>("SELECT at FROM test_passed WHERE did = ?", did)?.at ?? null,

    /** Drops a slice of those made before then; returns how many. */
    prune: (before: number, most: number): number =>
      db.run(
        "DELETE FROM test_mail WHERE id IN (SELECT id FROM test_mail WHERE made_at < ? LIMIT ?)",
        before,
        most,
      ).changes,

    /** Of a member who has left: everything. */
    forget(did: string): void {
      db.run("DELETE FROM test_mail WHERE did = ?", did);
      db.run("DELETE FROM test_passed WHERE did = ?", did);
    },
  };
}
