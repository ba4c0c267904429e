import { beforeEach, expect, test } from "vitest";
import type { Envelope } from "../event/index.ts";
import { Database } from "../platform/database.ts";
import { createTestMail, MOST_TESTS, testMailMigration, type TestMail } from "./index.ts";

const NOW = Date.UTC(2026, 10, 23, 12);
const DAY = 86_400_000;
const ada = { did: "did:plc:ada", handle: "adaadaad" };
const bob = { did: "did:plc:bob", handle: "bobbobbo" };
const how = { by: "ada", key: new Uint8Array(32), domain: "bounce.coop.test" };
let tests: TestMail;
let n: number;
beforeEach(() => {
  tests = createTestMail(new Database(":memory:", [testMailMigration]));
  n = 0;
});

function make(member = ada, now = NOW) {
  const made = tests.make(member, how, { now, random: (length) => new Uint8Array(length).fill(++n) });
  if ("error" in made) throw new Error(made.error);
  return made;
}
const arrival = (id: string, did = ada.did, change: object = {}): Envelope => ({
  send_time: new Date(NOW).toISOString(),
  data: {
    action_id: "1",
    action_name: "test_arrived",
    data: {
      dedupe_key: "x",
      member: { did, domain: "a.test" },
      detail: {
        id,
        from: "a.test",
        ip: "192.0.2.1",
        helo: "mx",
        tls: "TLSv1.3",
        spf: { result: "pass", domain: "a.test" },
        dkim: [{ domain: "a.test", selector: "s", result: "pass" }],
        dmarc: { result: "pass", domain: "a.test", policy: "none" },
        message: "m1",
        handedInAt: NOW - 1_000,
        ...change,
      },
    },
  },
});

test("what came of a test stands with it, five times at most", () => {
  const { id } = make();
  expect(tests.of(ada.did)).toMatchObject([{ id, sent: null, arrivals: [] }]);
  for (let i = 0; i < 9; i++) tests.record(arrival(id));
  const { arrivals } = tests.one(ada.did, id)!;
  expect(arrivals).toHaveLength(5);
  expect(arrivals[0]).toMatchObject({ at: NOW, passed: true });
  expect(arrivals[0]!.verdicts).toHaveLength(6);
});

test("only what came through the pool and is right counts as passed, and that stays", () => {
  const { id } = make();
  tests.record(arrival(id, ada.did, { message: null, handedInAt: null }));
  tests.record(arrival(id, ada.did, { dkim: [] }));
  expect(tests.passedAt(ada.did)).toBeNull();
  tests.record(arrival(id));
  expect(tests.passedAt(ada.did)).toBe(NOW);
  expect(tests.prune(NOW + DAY, 100)).toBe(1);
  expect(tests.of(ada.did)).toEqual([]);
  expect(tests.passedAt(ada.did)).toBe(NOW);
});

test("what is not known, or another member's, is nobody's", () => {
  const { id } = make();
  tests.record(arrival("nosuchtest"));
  tests.record(arrival(id, bob.did));
  expect(tests.one(ada.did, id)!.arrivals).toEqual([]);
  expect(tests.one(bob.did, id)).toBeUndefined();
  expect(tests.of(bob.did)).toEqual([]);
});

test("so many a day, each member for itself; then it says when", () => {
  const first = make();
  for (let i = 1; i < MOST_TESTS; i++) make(ada, NOW + i);
  const random = (length: number) => new Uint8Array(length);
  expect(tests.make(ada, how, { now: NOW + 100, random })).toEqual({
    error: "too-many-tests",
    until: first.madeAt + DAY,
  });
  make(bob);
  make(ada, NOW + DAY);
});

test("of who has left nothing stays, and others keep theirs", () => {
  tests.record(arrival(make().id));
  const { id } = make(bob);
  tests.forget(ada.did);
  expect(tests.of(ada.did)).toEqual([]);
  expect(tests.passedAt(ada.did)).toBeNull();
  expect(tests.one(bob.did, id)).toBeDefined();
});
