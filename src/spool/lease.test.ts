import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { outboxMigration } from "../event/index.ts";
import { Database } from "../platform/database.ts";
import { policyMigration } from "../policy/index.ts";
import {
  createLeaseState,
  DUE_SQL,
  LANE_SQL,
  LAPSED_SQL,
  lease,
  NEXT_DUE_SQL,
  NEXT_LANE_SQL,
  NEXT_MEMBER_SQL,
  NEXT_CODER_SQL,
  CODES_SQL,
} from "./lease.ts";
import { inTurn, type Due } from "./order.ts";
import { spoolMigration } from "./schema.ts";
import { acceptance, attempt, everything, spools } from "./spool.fixture.ts";

const { path, start, stop } = spools();

describe("what leaves next", () => {
  const due = (priority: number, ...times: number[]): Due[] => times.map((dueAt) => ({ priority, dueAt }));
  const shown = ({ priority, dueAt }: Due) => `${priority}@${dueAt}`;
  const first = (n: number, taken: number, ...queues: Due[][]) => {
    const turn = { taken };
    const out: string[] = [];
    for (const one of inTurn(queues, turn)) {
      out.push(shown(one));
      turn.taken++;
      if (out.length === n) break;
    }
    return out;
  };

  test.each<[string, string[], string[]]>([
    ["nothing", first(3, 0, [], [], []), []],
    ["login codes before what is older", first(3, 0, due(0, 9), due(1, 5), due(2, 1)), ["0@9", "1@5", "2@1"]],
    ["the older of two alike", first(2, 0, due(0), due(1, 5, 6)), ["1@5", "1@6"]],
    ["the tenth place is of who has waited longest", first(1, 9, due(0, 9), due(1, 5), due(2, 1)), ["2@1"]],
    ["and the next is by priority again", first(2, 9, due(0, 9), due(2, 1, 2)), ["2@1", "0@9"]],
    ["a login code that waited longest has the tenth too", first(1, 9, due(0, 0), due(2, 1)), ["0@0"]],
  ])("%s", (_name, got, expected) => expect(got).toEqual(expected));

  test("under an endless stream of login codes mail to many gets each tenth place", () => {
    const turn = { taken: 0 };
    const codes = due(0, ...Array.from({ length: 500 }, (_, i) => 1_000 + i));
    const bulk = due(2, ...Array.from({ length: 500 }, (_, i) => i));
    const taken: number[] = [];
    for (const { priority } of inTurn([codes, [], bulk], turn)) {
      taken.push(priority);
      if (++turn.taken === 200) break;
    }
    expect(taken.filter((priority) => priority === 2)).toHaveLength(20);
  });

  test("from the spool: by priority, then by time", async () => {
    const spool = await start();
    await spool.accept(acceptance({ priority: 2 }, ["bulk.test"], { nextAt: 1 }));
    await spool.accept(acceptance({ priority: 1 }, ["notice.test"], { nextAt: 2 }));
    await spool.accept(acceptance({ priority: 0 }, ["code.test"], { nextAt: 3 }));
    await spool.accept(acceptance({ priority: 0 }, ["later.test"], { nextAt: 2_000_000 }));
    await spool.accept(acceptance({ priority: 77 }, ["clamped.test"], { nextAt: 2 }));
    const { leased, nextDue } = await spool.lease(everything);
    expect(leased.map((l) => l.domain)).toEqual(["code.test", "notice.test", "bulk.test", "clamped.test"]);
    expect(nextDue).toBe(2_000_000);
  });
});

describe("a lease", () => {
  test("that ran out is due again; one that is renewed is not", async () => {
    const spool = await start();
    await spool.accept(acceptance({}, ["a.test"]));
    const [taken] = (await spool.lease({ ...everything, leaseMs: 0 })).leased;
    expect(await spool.renew([taken!.id])).toBe(1);
    expect((await spool.lease(everything)).leased).toEqual([]);
    expect(await spool.renew([taken!.id], 0)).toBe(1);
    const again = await spool.lease(everything);
    expect(again.leased.map((l) => l.id)).toEqual([taken!.id]);
    await spool.record([{ recipientId: taken!.id, state: "delivered", nextAt: 0, attempt, events: [] }], 5);
    expect(await spool.renew([taken!.id])).toBe(0);
    expect(await spool.counts()).toEqual({ delivered: 1 });
  });

  test("is of one caller alone, whoever asks at the same time", async () => {
    const spool = await start();
    for (let i = 0; i < 40; i++) await spool.accept(acceptance({}, [`d${i}.test`]));
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => spool.lease({ ...everything, max: 7 })),
    );
    const ids = answers.flatMap(({ leased }) => leased.map((l) => l.id));
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toHaveLength(40);
  });

  test("carries what delivery needs of message and recipient", async () => {
    const spool = await start();
    await spool.accept(
      acceptance({ eightBit: true, smtpUtf8: true, ret: "HDRS", envid: "e1", template: "t" }, ["a.test"], {
        firstTime: true,
        notify: "SUCCESS,FAILURE",
        orcpt: "rfc822;x@a.test",
      }),
    );
    expect((await spool.lease(everything)).leased).toMatchObject([
      {
        firstTime: true,
        notify: "SUCCESS,FAILURE",
        orcpt: "rfc822;x@a.test",
        message: { eightBit: true, smtpUtf8: true, ret: "HDRS", envid: "e1", template: "t", priority: 1 },
      },
    ]);
  });
});

describe("login codes", () => {
  const open = () => {
    const db = new Database(":memory:", [spoolMigration, outboxMigration, policyMigration]);
    let seq = 0;
    const add = (did: string, domain: string, priority: number, n = 1) => {
      for (let i = 0; i < n; i++) {
        seq++;
        db.run(
          `INSERT INTO message (seq, id, did, kind, sender, from_domain, stream, priority, received_at, size, open)
           VALUES (?, ?, ?, 'mail', '', 'x', 'x', ?, 0, 0, 1)`,
          seq,
          `m${seq}`,
          did,
          priority,
        );
        db.run(
          `INSERT INTO recipient (id, message, did, priority, address, domain, state, next_at, updated_at)
           VALUES (?, ?, ?, ?, 'x', ?, 'queued', ?, 0)`,
          `${did.slice(4)}${priority}-${i}`,
          seq,
          did,
          priority,
          domain,
          seq,
        );
      }
    };
    return { db, add, state: createLeaseState(() => 1) };
  };
  const none = { max: 0, perDomain: 50, busy: [] };
  const request = { now: 1_000_000, max: 100, perDomain: 50, busy: [], perMember: 60, perPair: 40 };

  test("each member has its turn, also behind hundreds of one", () => {
    const { db, add, state } = open();
    add("did:a", "big.test", 0, 500);
    add("did:b", "big.test", 0, 2);
    add("did:c", "big.test", 0, 1);
    const ids = lease(db, { ...request, max: 6 }, state).map(({ id }) => id);
    expect(ids).toEqual(["a0-0", "b0-0", "c0-0", "a0-1", "b0-1", "a0-2"]);
    db.close();
  });

  test("who had the last turn is the last of the next round", () => {
    const { db, add, state } = open();
    for (const did of ["did:a", "did:b", "did:c"]) add(did, "big.test", 0, 3);
    const firsts = [1, 2, 3, 4].map(() => lease(db, { ...request, max: 1 }, state)[0]!.id);
    expect(firsts).toEqual(["a0-0", "b0-0", "c0-0", "a0-1"]);
    db.close();
  });

  test("they come in where there is no place for other mail: by all, by domain, by member, by pair", () => {
    const codes = { max: 10, perDomain: 75, busy: [], perMember: 90, perPair: 60 };
    const full = [
      none,
      { ...request, busy: ["big.test"] },
      { ...request, busyMembers: ["did:a"] },
      { ...request, busyPairs: ["did:a big.test"] },
    ];
    for (const usual of full) {
      const { db, add, state } = open();
      add("did:a", "big.test", 1, 200);
      add("did:a", "big.test", 0, 2);
      expect(lease(db, { now: 1_000_000, ...usual, codes }, state).map(({ id }) => id)).toEqual([
        "a0-0",
        "a0-1",
      ]);
      db.close();
    }
  });

  test("and have limits of their own", () => {
    const { db, add, state } = open();
    add("did:a", "big.test", 0, 50);
    const codes = { max: 100, perDomain: 75, busy: [], perMember: 90, perPair: 7 };
    expect(lease(db, { now: 1_000_000, ...none, codes }, state)).toHaveLength(7);
    const busy = { ...codes, busyPairs: ["did:a big.test"] };
    expect(lease(db, { now: 1_000_000, ...none, codes: busy }, state)).toEqual([]);
    db.close();
  });

  test("the address of the last attempt comes along, unless it was blocked or slowed there", () => {
    for (const [kind, expected] of [
      ["greylisted", "192.0.2.1"],
      ["policy", "192.0.2.1"],
      ["blocked", null],
      ["rate-limited", null],
      ["network", null],
    ] as const) {
      const { db, add, state } = open();
      add("did:a", "big.test", 1);
      db.run(
        `INSERT INTO attempt (recipient, at, duration_ms, host, code, enhanced, text, class, tls, transcript, egress)
         VALUES (1, 1, 1, '', 451, '', '', ?, '', '', '192.0.2.1')`,
        kind,
      );
      db.run("UPDATE recipient SET attempts = 1");
      expect(lease(db, request, state)[0]!.egress).toBe(expected);
      db.close();
    }
  });
});

/** A spool with `rows` due recipients of one member at one domain, and a few of others behind them. */
function crowded(rows: number): Database {
  const db = new Database(":memory:", [spoolMigration, outboxMigration, policyMigration]);
  db.exec("DROP TRIGGER recipient_added");
  const message = (seq: number, did: string, priority: number) =>
    db.run(
      `INSERT INTO message (seq, id, did, kind, sender, from_domain, stream, priority, received_at, size, open)
       VALUES (?, ?, ?, 'mail', '', 'x', 'bulk', ?, 0, 0, 1)`,
      seq,
      `m${seq}`,
      did,
      priority,
    );
  message(1, "did:a", 2);
  message(2, "did:b", 2);
  message(3, "did:b", 0);
  const recipients = `INSERT INTO recipient (id, message, did, priority, address, domain, state, next_at, updated_at)`;
  db.run(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
     ${recipients} SELECT 'r' || i, 1, 'did:a', 2, 'x', 'big.test', 'queued', i, 0 FROM n`,
    rows,
  );
  db.run(`${recipients} VALUES ('behind', 2, 'did:b', 2, 'x', 'small.test', 'queued', ?, 0)`, rows + 1);
  db.run(`${recipients} VALUES ('code', 3, 'did:b', 0, 'x', 'big.test', 'queued', ?, 0)`, rows + 2);
  return db;
}

describe("with a million recipients", () => {
  const ROWS = 1_000_000;

  test("a lease costs what it costs with few, also where a busy one leads the queue", () => {
    const request = { now: 2 * ROWS, max: 50, perDomain: 20, busy: [], perMember: 20 };
    const timed = (rows: number) => {
      const db = crowded(rows);
      const state = createLeaseState(() => 1);
      const first = lease(db, request, state);
      expect(first[0]!.id).toBe("code");
      expect(first.map((l) => l.id)).toContain("behind");
      // One member has as much as it may have: all that leads is passed over.
      const began = performance.now();
      for (let i = 0; i < 20; i++)
        expect(lease(db, { ...request, busyMembers: ["did:a"] }, state)).toEqual([]);
      const ms = (performance.now() - began) / 20;
      db.close();
      return ms;
    };
    const few = timed(5_000);
    const many = timed(ROWS);
    expect(many).toBeLessThan(few * 4 + 5);
  }, 120_000);

  test.each<[string, string, number]>([
    ["the due ones of a priority", DUE_SQL, 3],
    ["the next pair of member and domain", NEXT_LANE_SQL, 2],
    ["the next member", NEXT_MEMBER_SQL, 1],
    ["the next member with a login code", NEXT_CODER_SQL, 1],
    ["the login codes of a member", CODES_SQL, 3],
    ["the due ones of a pair", LANE_SQL, 5],
    ["leases that ran out", LAPSED_SQL, 1],
    ["the next one to be due", NEXT_DUE_SQL, 1],
  ])("an index serves %s, in its order", (_name, sql, params) => {
    const db = crowded(10);
    const plan = db
      .all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, ...Array.from({ length: params }, () => 1))
      .map((row) => row.detail);
    expect(plan).toHaveLength(1);
    expect(plan[0]).toMatch(/^SEARCH recipient USING (COVERING )?INDEX recipient_(due|lane|leased|code) \(/);
    db.close();
  });
});

test("a spool of the first release opens, and what it holds is due and held as before", async () => {
  const old = new DatabaseSync(path());
  old.exec("PRAGMA journal_mode=WAL");
  old.exec("CREATE TABLE migration (module TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT");
  for (const step of spoolMigration.steps.slice(0, 2)) old.exec(step);
  old.exec("INSERT INTO migration VALUES ('spool', 2)");
  const message = old.prepare(
    `INSERT INTO message (id, did, credential, kind, sender, from_domain, stream, received_at, size, head, body, open)
     VALUES (?, 'did:plc:a', 'c1', 'mail', 's@m.test', 'm.test', ?, 5, 10, x'610d0a0d0a', x'62', 2)`,
  );
  const recipient = old.prepare(
    "INSERT INTO recipient (id, message, address, domain, state, next_at, leased, updated_at) VALUES (?, ?, ?, ?, ?, 7, ?, 5)",
  );
  for (const [seq, stream] of ["transactional", "bulk"].entries()) {
    message.run(`message${seq}aaaaa`, stream);
    recipient.run(`queued${seq}`, seq + 1, `a@q${seq}.test`, `q${seq}.test`, "queued", seq);
    recipient.run(`held${seq}`, seq + 1, `a@h${seq}.test`, `h${seq}.test`, "held", 0);
  }
  old.close();
  const spool = await start();
  expect(await spool.counts()).toEqual({ held: 2, queued: 2 });
  expect((await spool.lease(everything)).leased).toMatchObject([
    { domain: "q0.test", firstTime: false, message: { priority: 1, eightBit: false, did: "did:plc:a" } },
    { domain: "q1.test", notify: null, message: { priority: 2, template: null } },
  ]);
  const held = await spool.list({ states: ["held"] });
  expect(held.entries.map((e) => e.hold)).toEqual([
    { reason: "paused", owner: "policy" },
    { reason: "paused", owner: "policy" },
  ]);
  await stop(spool);
});
