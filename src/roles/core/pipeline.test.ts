import { expect, test } from "vitest";
import { EVENTS_TOPIC, eventMaker, eventTime, type Envelope } from "../../event/index.ts";
import { DAY_MS } from "../../lib/clock.ts";
import type { RulesEngine } from "../../rules/index.ts";
import { openCore, shippedRules } from "./core.fixture.ts";

const START = Date.UTC(2026, 0, 1);
/** Beyond 200 recipients of the busiest member, and beyond 90 days. */
const EVENTS = 1_200;
const MEMBERS = ["did:plc:sound", "did:plc:careless", "did:plc:worse"];
const ALL = [...MEMBERS, "did:plc:unknown"];
type Core = Awaited<ReturnType<typeof openCore>>;

/** mulberry32: from 0 to 1, the same for the same seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What members of different care cause, some of it told twice; also of one who is no member. */
function streamOf(random: () => number): Envelope[] {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  let now = START;
  let n = 0;
  const make = eventMaker(
    () => now,
    () => String(++n),
  );
  const stream: Envelope[] = [];
  while (stream.length < EVENTS) {
    if (stream.length > 0 && random() < 0.05) {
      stream.push(pick(stream.slice(-20)));
      continue;
    }
    now += 1 + Math.floor(random() * random() * 9 * 3_600_000);
    const did = random() < 0.5 ? MEMBERS[0]! : pick(ALL);
    const bad = random() < ALL.indexOf(did) * 0.15;
    const hard = random() < 0.8;
    const action = bad
      ? pick(["recipient_bounced", "recipient_bounced", "recipient_expired", "complaint_received"] as const)
      : pick([
          "message_accepted",
          "recipient_delivered",
          "recipient_delivered",
          "recipient_deferred",
        ] as const);
    stream.push(
      make(action, {
        dedupe_key: `k${n}`,
        member: { did, domain: `${did.slice(8)}.test` },
        message: {
          id: `m${Math.floor(n / 4)}`,
          size: 1,
          recipients: 1,
          stream: "transactional",
          received_at: now - Math.floor(random() * 7_200_000),
        },
        ...(action !== "message_accepted" && {
          recipient: { key: `r${Math.floor(random() * 400)}`, domain: "r.test" },
          smtp: {
            code: bad ? 550 : 250,
            enhanced: "",
            text: "",
            provider: pick(["gmail", "yahoo", "other"]),
            class: bad ? (hard ? "bad-mailbox" : "blocked") : "ok",
            fault: bad ? (hard ? "recipient" : "pool") : "none",
          },
          ...(bad && random() < 0.3 && { late: true }),
        }),
      }),
    );
  }
  return stream;
}

/** Everything that core has written; of an event of its own the id is chance. */
function books({ db }: Core) {
  const tables = [
    "SELECT dedupe_key, did, action, at, json_remove(envelope, '$.data.action_id') FROM event ORDER BY seq",
    "SELECT * FROM outcome",
    "SELECT * FROM complaint",
    "SELECT * FROM volume",
    "SELECT * FROM standing_fact",
    "SELECT * FROM verdict ORDER BY id",
    "SELECT * FROM standing",
    "SELECT * FROM standing_change ORDER BY id",
    "SELECT * FROM note",
  ];
  return Object.fromEntries(tables.map((sql) => [sql, db.all(sql)]));
}

/** What the windows count, by another way: from all facts so far, anew for every event. */
function createOracle() {
  const told = new Set<string>();
  const facts: { did: string; at: number; envelope: Envelope }[] = [];
  return {
    take(envelope: Envelope): boolean {
      const { dedupe_key, member } = envelope.data.data;
      if (told.has(dedupe_key)) return false;
      told.add(dedupe_key);
      facts.push({ did: member.did, at: eventTime(envelope), envelope });
      return true;
    },
    windows(did: string, now: number, start: number) {
      const trials = new Map<string, { recipient: string; hard: boolean; at: number }>();
      const complaints = new Map<string, string>();
      let delivered = 0;
      const begin = (Math.floor(now / DAY_MS) - 30) * DAY_MS;
      for (const { at, envelope } of facts.filter((fact) => fact.did === did)) {
        const { action_name, data } = envelope.data;
        const recipient = data.recipient?.key ?? "";
        const sentAt = data.message!.received_at;
        const hard =
          data.smtp?.class === "bad-mailbox" &&
          (action_name === "recipient_bounced" || action_name === "recipient_expired");
        const isDelivery = action_name === "recipient_delivered";
        if ((hard || isDelivery) && at > now - 90 * DAY_MS && sentAt > start) {
          const key = `${recipient} ${Math.floor(sentAt / DAY_MS)}`;
          trials.set(key, { recipient, hard: hard || (trials.get(key)?.hard ?? false), at });
        }
        const isHeard = data.smtp?.provider !== "gmail";
        if (isDelivery && isHeard && at >= begin && at > start) delivered++;
        if (action_name === "complaint_received" && at >= begin && sentAt > start)
          complaints.set(`${data.message!.id} ${recipient}`, recipient);
      }
      const complainants = [...complaints.values()];
      const last = [...trials.values()].sort((a, b) => b.at - a.at).slice(0, 200);
      const hard = last.filter((trial) => trial.hard);
      const distinct = new Set(hard.map((trial) => trial.recipient)).size;
      return {
        bounce: { eligible: last.length, hard: hard.length, distinct },
        complaint: {
          eligible: Math.max(delivered, complainants.length),
          complaints: complainants.length,
          complainants: new Set(complainants).size,
        },
      };
    },
  };
}

async function openWith(rules: RulesEngine, db?: Core["db"]): Promise<Core> {
  const here = await openCore(START - DAY_MS, { rules, ...(db && { db }) });
  for (const did of db ? [] : MEMBERS) here.core.members.join(did, did);
  here.clock.advance(400 * DAY_MS);
  return here;
}

const entryOf = (value: Envelope) => ({ key: value.data.data.member.did, value });

/** One event at a time; every rule looks at every event, with windows that are counted anew. */
async function oneByOne(stream: readonly Envelope[], rules: RulesEngine) {
  const oracle = createOracle();
  let seen: Envelope["data"]["data"]["window"];
  const here = await openWith({
    ...rules,
    judges: () => true,
    evaluate(envelope) {
      seen = envelope.data.data.window;
      return rules.evaluate(envelope);
    },
  });
  for (const envelope of stream) {
    const { did } = envelope.data.data.member;
    const start =
      here.db.get<{ at: number | null }>(
        "SELECT max(at) AS at FROM standing_fact JOIN evidence_member ON id = member WHERE did = ?",
        did,
      )?.at ?? 0;
    seen = undefined;
    await here.bus.publish(EVENTS_TOPIC, [entryOf(envelope)]);
    await here.bus.settle();
    const isJudged = oracle.take(envelope) && MEMBERS.includes(did);
    if (isJudged) expect(seen).toMatchObject(oracle.windows(did, eventTime(envelope), start));
    else expect(seen).toBeUndefined();
  }
  const result = books(here);
  await here.close();
  return result;
}

/** As core does it: batches of any size, a disk that is full at times, starts in between. */
async function inBatches(stream: readonly Envelope[], rules: RulesEngine, random: () => number) {
  let here = await openWith(rules);
  for (let at = 0; at < stream.length;) {
    const size = 1 + Math.floor(random() * random() * 150);
    const full = random() < 0.3;
    if (full)
      here.db.exec("CREATE TRIGGER full BEFORE UPDATE ON bus_offset BEGIN SELECT RAISE(ABORT, 'full'); END");
    await here.bus.publish(EVENTS_TOPIC, stream.slice(at, at + size).map(entryOf));
    at += size;
    for (let turn = random() * 10; turn > 0; turn--) await new Promise((resolve) => setImmediate(resolve));
    if (full) here.db.exec("DROP TRIGGER full");
    if (random() < 0.2) {
      await here.core.close();
      await here.bus.close();
      here = await openWith(rules, here.db);
    }
  }
  await here.bus.settle();
  const result = books(here);
  await here.close();
  return result;
}

test.each([1, 2, 3, 4])("seed %i: in batches core writes the same books as one by one", async (seed) => {
  const random = seeded(seed);
  const stream = streamOf(random);
  const rules = await shippedRules();
  const expected = await oneByOne(stream, rules);
  expect(await inBatches(stream, rules, random)).toEqual(expected);
  expect(expected["SELECT * FROM standing_change ORDER BY id"]!.length).toBeGreaterThan(0);
});
