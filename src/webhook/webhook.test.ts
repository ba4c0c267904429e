import { createHmac } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { MovableClock } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { createWebhooks, webhookMigration, type Answer } from "./index.ts";
import { GIVE_UP_MS, nextTry, receiverAfter } from "./schedule.ts";
import { signedHeaders } from "./sign.ts";
import { webhookUrl } from "./url.ts";

const HOUR = 3_600_000;

describe("which addresses may be named", () => {
  test.each([
    ["https://pds.test/hooks", false, true],
    ["https://pds.test:8443/hooks?x=1", false, true],
    ["http://pds.test/hooks", false, false],
    ["http://127.0.0.1:9/hooks", true, true],
    ["https://user:secret@pds.test/", false, false],
    ["https://pds.test/#there", false, false],
    ["ftp://pds.test/", true, false],
    ["pds.test/hooks", false, false],
    [`https://pds.test/${"x".repeat(2_000)}`, false, false],
    ["", false, false],
  ])("%s (private allowed: %s)", (url, allowPrivate, ok) => {
    expect(webhookUrl(url, allowPrivate).ok).toBe(ok);
  });
});

test("a message is tried eight times within 32 hours, and then given up", () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 8].map((tries) => nextTry(tries, 0));
  expect(waits.at(-1)).toBeNull();
  expect(waits.slice(0, -1).every((at, i) => at! > (waits[i - 1] ?? 0))).toBe(true);
  expect(waits.slice(0, -1).reduce((sum: number, at) => sum + at!, 0)).toBeLessThan(32 * HOUR);
});

describe("a receiver after an answer", () => {
  type Row = [string, number | null, Answer, number, ReturnType<typeof receiverAfter>, boolean?];
  const failed: Answer = { ok: false, status: 500, why: "HTTP status 500" };
  test.each<Row>([
    ["one that works", 5, { ok: true, status: 200 }, 9, { failingSince: null, gone: false }],
    ["the first failure", null, failed, 9, { failingSince: 9, gone: false }],
    ["a later one", 5, failed, 9, { failingSince: 5, gone: false }],
    ["five days of them", 5, failed, 5 + GIVE_UP_MS, { failingSince: 5, gone: false }],
    ["five days, and a message given up", 5, failed, 5 + GIVE_UP_MS, { failingSince: 5, gone: true }, true],
    ["a message given up", 5, failed, 4 + GIVE_UP_MS, { failingSince: 5, gone: false }, true],
    ["it says that it is gone", null, { ...failed, status: 410 }, 9, { failingSince: 9, gone: true }],
  ])("%s", (_, since, answer, at, expected, isGivenUp = false) => {
    expect(receiverAfter(since, answer, at, isGivenUp)).toEqual(expected);
  });
});

test("the signature is the one of Standard Webhooks", () => {
  const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
  const headers = signedHeaders(secret, { id: "msg_1", at: 1_700_000_000_999, body: "{}" });
  const expected = createHmac("sha256", Buffer.alloc(32, 7)).update("msg_1.1700000000.{}").digest("base64");
  expect(headers).toEqual({
    "content-type": "application/json",
    "webhook-id": "msg_1",
    "webhook-timestamp": "1700000000",
    "webhook-signature": `v1,${expected}`,
  });
});

describe("webhooks", () => {
  const did = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
  const clock = new MovableClock(Date.UTC(2026, 0, 1));
  let db: Database;
  let ids = 0;
  let answer: Answer;
  let posted: { url: string; headers: Record<string, string>; body: string }[];
  let hooks: ReturnType<typeof createWebhooks>;
  let slow: Promise<void>;
  beforeEach(() => {
    db = new Database(":memory:", [webhookMigration]);
    answer = { ok: true, status: 204 };
    posted = [];
    hooks = createWebhooks({
      db,
      clock,
      random: (n) => new Uint8Array(n).fill(++ids),
      post: async (url, headers, body) => {
        posted.push({ url, headers, body });
        if (url.includes("slow")) await slow;
        return answer;
      },
      key: new Uint8Array(32).fill(1),
      allowPrivate: false,
    });
  });
  afterEach(() => db.close());

  const message = (about: string) => ({ about, type: "standing.changed", data: { to: "warned" } });

  test("without a receiver nothing is kept; with one it is posted once, signed with the secret that was shown", async () => {
    hooks.wish(did, message("standing:1"));
    const set = hooks.set(did, "https://pds.test/hooks", "ada");
    hooks.wish(did, message("standing:2"));
    hooks.wish(did, message("standing:2"));
    await hooks.deliverDue();
    expect(posted).toHaveLength(1);
    const [{ url, headers, body }] = posted as [(typeof posted)[0]];
    expect(url).toBe("https://pds.test/hooks");
    expect(JSON.parse(body)).toMatchObject({ type: "standing.changed", data: { did, to: "warned" } });
    if (!set.ok) throw new Error(set.why);
    expect(headers).toEqual(signedHeaders(set.secret, { id: headers["webhook-id"]!, at: clock.now(), body }));
    expect(hooks.receipts(did)).toMatchObject([{ about: "standing:2", state: "delivered", status: 204 }]);
  });

  test("what fails is tried again at its time, in order, and given up at last", async () => {
    hooks.set(did, "https://pds.test/", "ada");
    answer = { ok: false, status: null, why: "no answer" };
    hooks.wish(did, message("standing:1"));
    await hooks.deliverDue();
    await hooks.deliverDue();
    expect(posted).toHaveLength(1);
    for (let tries = 2; tries <= 8; tries++) {
      clock.advance(14 * HOUR);
      await hooks.deliverDue();
    }
    expect(posted).toHaveLength(8);
    expect(hooks.receipt("standing:1")).toMatchObject({ state: "failed", tries: 8, why: "no answer" });
    expect(hooks.of(did)).toMatchObject({ stopped: null });
  });

  test("a receiver that is gone is asked no more until it is named again", async () => {
    hooks.set(did, "https://pds.test/", "ada");
    answer = { ok: false, status: 410, why: "HTTP status 410" };
    hooks.wish(did, message("standing:1"));
    hooks.wish(did, message("standing:2"));
    await hooks.deliverDue();
    expect(posted).toHaveLength(1);
    expect(hooks.of(did)).toMatchObject({ stopped: { why: "HTTP status 410" } });
    answer = { ok: true, status: 200 };
    hooks.set(did, "https://pds.test/", "ada");
    hooks.wish(did, message("standing:3"));
    await hooks.deliverDue();
    expect(hooks.receipts(did).map(({ about, state }) => [about, state])).toContainEqual([
      "standing:3",
      "delivered",
    ]);
  });

  test("eight receivers at a time; one that does not answer keeps only its own messages waiting", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    slow = promise;
    for (const who of ["slow", ..."abcdefghijkl"]) {
      hooks.set(`did:plc:${who}`, `https://${who}.test/`, "ada");
      for (const turn of [1, 2, 3]) hooks.wish(`did:plc:${who}`, message(`${who}:${turn}`));
    }
    const stop = new AbortController();
    const running = hooks.deliverDue(stop.signal);
    await vi.waitFor(() => expect(hooks.receipt("l:3")).toMatchObject({ state: "delivered" }));
    expect(posted).toHaveLength(37);
    stop.abort();
    resolve();
    await running;
    expect(hooks.receipts("did:plc:slow").map(({ state }) => state)).toEqual([
      "waiting",
      "waiting",
      "delivered",
    ]);
  });

  test("a secret is never the same again, not after the receiver was taken away either", () => {
    const secrets = [1, 2, 3].map((n) => {
      const set = hooks.set(did, `https://pds.test/${n}`, "ada");
      if (n === 2) hooks.remove(did, "ada");
      return set.ok && set.secret;
    });
    expect(new Set(secrets).size).toBe(3);
    expect(hooks.of(did)).toMatchObject({ url: "https://pds.test/3" });
  });
});
