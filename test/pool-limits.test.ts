import { describe, expect, test } from "vitest";
import { gcraMost } from "../src/lib/gcra.ts";
import {
  allowanceOf,
  createPolicyBook,
  limitsOf,
  MAX_WAIT_MS,
  type MemberPolicy,
  type PolicyBook,
  type PolicyStore,
} from "../src/policy/index.ts";
import { base, member as someone } from "../src/policy/policy.fixture.ts";
import { answerAsk, NEW_SHARE, type MasterState, type NodeShare } from "../src/lease/master.ts";
import { createLeaseHolder, type LeaseHolder } from "../src/lease/holder.ts";
import type { LimitAsk, LimitGrant } from "../src/lease/words.ts";

/*
 * Core and several nodes with real policy books, and a bus between them that is slow, repeats itself, mixes up, and is cut for
 * hours. Time is simulated, chance has a seed.
 */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const START = Date.UTC(2026, 0, 5);

function chance(seed: number) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const member: MemberPolicy = { ...someone, tier: "new" };
const { did } = member;
const limits = limitsOf(member);
const A = allowanceOf(limits);
const credential = member.credentials[0]!;

type Disk = Map<string, number>;
type Node = { book: PolicyBook; holder: LeaseHolder; isCut: boolean; skew: number; disk: Disk };

/** `persist: false`: what is open is not on disk, as it must be. */
async function pool(count: number, random: () => number, { persist = true, delayMs = 100 } = {}) {
  let now = START;
  let state: MasterState = {};
  const shares = new Map<string, NodeShare>();
  const mail: { at: number; deliver: () => void }[] = [];
  let runs = 0;
  let isCoreAway = false;
  const faults = { lose: 0, repeat: 0 };
  const accepted: number[] = [];
  /** What somebody who is cut off has not had. */
  let waiting: (() => void)[] = [];

  const post = (deliver: () => void) => {
    const times = random() < faults.repeat ? 2 : 1;
    for (let i = 0; i < times; i++) mail.push({ at: now + delayMs * (0.5 + random()), deliver });
  };

  function coreHears(ask: LimitAsk): void {
    const share = shares.get(ask.node) ?? NEW_SHARE;
    const after = answerAsk({ state, share, limits, ask }, now);
    if (!after) return;
    ({ state } = after);
    shares.set(ask.node, after.share);
    if (random() < faults.lose) return;
    const grant: LimitGrant = { node: ask.node, did, origin: ask.origin, id: ask.id, ...after.answer };
    post(() => {
      const node = nodes[Number(ask.node)]!;
      if (node.isCut) waiting.push(() => node.holder.granted(grant));
      else node.holder.granted(grant);
    });
  }

  async function start(i: number, before?: Node): Promise<Node> {
    const disk: Disk = before?.disk ?? new Map();
    const store: PolicyStore = {
      loadPolicies: async () => ({
        policies: [member],
        limits: [...disk].map(([bucket, tat]) => ({ did, bucket, tat })),
        pauses: [],
      }),
      savePolicy: async () => undefined,
      savePause: async () => undefined,
    };
    const node: Node = { isCut: false, skew: before?.skew ?? 0, disk } as Node;
    const holder: LeaseHolder = createLeaseHolder({
      node: String(i),
      origin: `run${++runs}`,
      open: (of) => node.book.leaseOpen(of),
      settle: (of, units) => node.book.settleLease(of, units),
      ask(ask) {
        const deliver = () => {
          if (node.isCut || isCoreAway) waiting.push(deliver);
          else coreHears(ask);
        };
        post(deliver);
      },
      now: () => now + node.skew,
    });
    node.holder = holder;
    node.book = await createPolicyBook(store, { lease: holder });
    holder.resume([did]);
    return node;
  }

  const nodes: Node[] = [];
  for (let i = 0; i < count; i++) nodes.push(await start(i));

  return {
    nodes,
    faults,
    accepted,
    now: () => now,
    coreAway: (away: boolean) => void (isCoreAway = away),
    coreForgets() {
      state = {};
      shares.clear();
    },
    /** A recipient by this node: whether it was taken. */
    send(i: number, recipients = 1): boolean {
      const { book, skew, disk } = nodes[i]!;
      const at = now + skew;
      const taken = book.consume({ ...base, member, credential, recipients, limits: {}, now: at });
      if (!taken || taken.decision.outcome !== "accept") return false;
      for (const { bucket, tat } of book.limitRows(taken.receipt)) {
        if (!persist && bucket === "lease:open") continue;
        if (tat > 0) disk.set(bucket, tat);
        else disk.delete(bucket);
      }
      for (let n = 0; n < recipients; n++) accepted.push(now);
      return true;
    },
    run(ms: number): void {
      const end = now + ms;
      const again = waiting;
      waiting = [];
      for (const deliver of again) deliver();
      for (;;) {
        mail.sort((a, b) => a.at - b.at);
        const next = mail[0];
        const tick = Math.min(end, now + 5 * SECOND);
        if (next && next.at <= tick) {
          mail.shift();
          now = Math.max(now, next.at);
          next.deliver();
          continue;
        }
        now = tick;
        for (const node of nodes) node.holder.look();
        if (now >= end) return;
      }
    },
    async restart(i: number): Promise<void> {
      nodes[i] = await start(i, nodes[i]);
    },
  };
}

/** The most in any stretch of time of what the tier allows then, and so much beyond it. */
function worstExcess(accepted: readonly number[]): number {
  let worst = -Infinity;
  for (let from = 0; from < accepted.length; from += 1)
    for (let to = from; to < accepted.length; to += 1) {
      const span = accepted[to]! - accepted[from]! + MAX_WAIT_MS;
      worst = Math.max(worst, to - from + 1 - gcraMost(Object.values(limits), span));
    }
  return worst;
}

describe("without faults", () => {
  test("the first code leaves at once by each node, before core has answered", async () => {
    const here = await pool(3, chance(1));
    for (const i of [0, 1, 2]) expect(here.send(i)).toBe(true);
  });

  test("a member that uses one node gets what a single host would give", async () => {
    const single = await createPolicyBook({
      loadPolicies: async () => ({ policies: [member], limits: [], pauses: [] }),
      savePolicy: async () => undefined,
      savePause: async () => undefined,
    });
    const here = await pool(3, chance(2));
    let [alone, pooled] = [0, 0];
    for (let i = 0; i < 3_000; i++) {
      here.run(20 * SECOND);
      if (here.send(0)) pooled++;
      const input = { ...base, member, credential, recipients: 1, limits: {}, now: here.now() };
      if (single.consume(input)?.decision.outcome === "accept") alone++;
    }
    expect(alone).toBeGreaterThan(200);
    expect(pooled).toBeGreaterThanOrEqual(alone * 0.95);
    expect(pooled).toBeLessThanOrEqual(alone + A);
  });

  test("over three nodes it gets no more than over one, once core knows", async () => {
    const here = await pool(3, chance(3));
    for (let i = 0; i < 6_000; i++) {
      here.run(10 * SECOND);
      here.send(i % 3);
    }
    expect(worstExcess(here.accepted)).toBeLessThanOrEqual(5);
    expect(here.accepted.length).toBeGreaterThan(150);
  });

  test("who wants more than there is hears when to come again, and then gets it", async () => {
    const here = await pool(2, chance(4));
    while (here.send(0) || here.send(1)) here.run(SECOND);
    here.run(SECOND);
    const sent = here.accepted.length;
    here.run(2 * HOUR);
    expect(here.send(1)).toBe(true);
    expect(here.accepted.length).toBe(sent + 1);
  });
});

describe("cut off", () => {
  test("a node sends its share and the allowance for a member, however long it lasts and often it starts", async () => {
    const here = await pool(3, chance(5));
    here.send(0);
    here.run(MINUTE);
    here.nodes[0]!.isCut = true;
    let sent = 0;
    for (let i = 0; i < 2_000; i++) {
      here.run(MINUTE);
      if (i % 400 === 399) {
        await here.restart(0);
        here.nodes[0]!.isCut = true;
      }
      if (here.send(0)) sent++;
    }
    expect(sent).toBeGreaterThanOrEqual(A);
    expect(sent).toBeLessThanOrEqual(20 + A);
  });

  test("were what is open not on disk, each start would give it again", async () => {
    const here = await pool(1, chance(5), { persist: false });
    here.nodes[0]!.isCut = true;
    for (let i = 0; i < 10; i++) {
      for (let n = 0; n < 30; n++) here.send(0);
      await here.restart(0);
      here.nodes[0]!.isCut = true;
      here.run(HOUR);
    }
    expect(here.accepted.length).toBeGreaterThan(2 * A);
  });

  test("without core each node does so, and when it is back nobody is refused for ever", async () => {
    const here = await pool(3, chance(6));
    here.coreAway(true);
    for (let i = 0; i < 600; i++) {
      here.run(MINUTE);
      here.send(i % 3);
    }
    expect(here.accepted.length).toBe(3 * A);
    here.coreAway(false);
    here.run(3 * HOUR);
    for (const i of [0, 1, 2]) {
      expect(here.send(i)).toBe(true);
      here.run(MINUTE);
    }
  });
});

describe.each(Array.from({ length: 12 }, (_, i) => i + 1))("chance %i", (seed) => {
  test("answers lost, repeated and mixed up, nodes and core that start anew, hours without a bus, clocks that differ: never more than the bound", async () => {
    const random = chance(seed);
    const here = await pool(3, random, { delayMs: 2_000 });
    here.faults.lose = 0.2;
    here.faults.repeat = 0.2;
    here.nodes.forEach((node, i) => (node.skew = (i - 1) * 30 * SECOND));
    for (let i = 0; i < 3_000; i++) {
      here.run(random() < 0.02 ? 20 * MINUTE : random() * 40 * SECOND);
      const i3 = Math.floor(random() * 3);
      here.send(i3, random() < 0.1 ? 5 : 1);
      if (random() < 0.005) here.nodes[i3]!.isCut = !here.nodes[i3]!.isCut;
      if (random() < 0.003) await here.restart(i3);
    }
    expect(worstExcess(here.accepted)).toBeLessThanOrEqual(3 * A);
    here.nodes.forEach((node) => (node.isCut = false));
    here.faults.lose = 0;
    here.run(26 * HOUR);
    for (const i of [0, 1, 2]) expect(here.send(i)).toBe(true);
  });
});
