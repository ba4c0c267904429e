import { createHabits, habitsMigration, type Fingerprint, type Habits } from "../breaker/index.ts";
import { Database } from "../platform/database.ts";
import { createPolicyBook, type PolicyBook } from "./book.ts";
import { decide, type DecideInput } from "./decide.ts";
import { base, openStore } from "./policy.fixture.ts";
import type { MemberPolicy } from "./types.ts";

/** What becomes of one message: it leaves at a time, or has the name of what kept it. */
export type Result = { leavesAt: number } | { kept: string };

/** A relay node without its network: decisions, limits and habits, wired as a submission wires them. */
export type World = {
  book: PolicyBook;
  habits: Habits;
  submit(to: string[], fingerprint: Fingerprint, now: number): Result;
  /** What was submitted reached its recipient, or did not; what the breaker does about it. */
  outcome(
    to: string,
    fingerprint: Fingerprint,
    firstTime: boolean,
    hard: boolean,
    at: number,
  ): "pause" | "slow" | undefined;
  /** A person says yes. */
  resume(at: number): Promise<void>;
  paused(): string | undefined;
};

export async function createWorld(member: MemberPolicy): Promise<World> {
  const book = await createPolicyBook(openStore().store);
  const habits = createHabits(new Database(":memory:", [habitsMigration]));
  await book.apply(member);
  book.onResume((resumption) => habits.resumed(resumption));
  const { did } = member;
  const me = () => book.byDid(did)!;
  const own = () => me().credentials[0]!;
  const { id } = own();
  let version = member.version;

  return {
    book,
    habits,
    submit(to, fingerprint, now) {
      const submission = { did, credential: id, recipients: to, fingerprint, now };
      const look = habits.look(submission);
      book.forgive(did, id, look.forgiven);
      const input: DecideInput = {
        ...base,
        member: me(),
        credential: own(),
        stream: "transactional",
        recipients: to.length,
        facts: {
          firstTime: look.firstTime.filter(Boolean).length,
          known: look.template.known,
          probe: book.probe(did, id),
          ...(look.share === undefined ? {} : { share: look.share }),
          slowed: look.slowed,
        },
        limits: book.limits(did, now),
        now,
      };
      const decision = decide(input);
      if (decision.pause) void book.pause({ did, credential: id, ...decision.pause, at: now });
      if (decision.outcome !== "accept" && decision.outcome !== "hold") return { kept: decision.reason };
      const taken = book.consume(input)!;
      habits.accepted(submission, look, decision.outcome === "hold");
      return decision.outcome === "hold"
        ? { kept: `held: ${decision.reason}` }
        : { leavesAt: now + taken.waitMs };
    },
    outcome(to, fingerprint, firstTime, hard, at) {
      const { id: template } = habits.look({
        did,
        credential: id,
        recipients: [],
        fingerprint,
        now: at,
      }).template;
      if (hard) habits.bounced({ did, template, at });
      else habits.delivered({ did, tier: me().tier, recipient: to, template, at });
      if (!firstTime) return undefined;
      const trip = habits.firstContact({ did, credential: id, recipient: to, template, hard, at });
      if (trip?.action === "pause") {
        void book.pause({ did, credential: id, cause: "first-contact", at });
      }
      return trip?.action;
    },
    async resume(at) {
      const credentials = member.credentials.map((credential) => ({ ...credential, resumedUpTo: at }));
      await book.apply({ ...member, credentials, version: ++version });
    },
    paused: () => own().breaker,
  };
}

/** Repeatable pseudo-random numbers in [0, 1) (mulberry32). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
