import { print } from "../../src/policy/honest.fixture.ts";
import { credential, DAY, HOUR, member, now } from "../../src/policy/policy.fixture.ts";
import { createWorld, type World } from "../../src/policy/world.fixture.ts";
import type { Tier } from "../../src/policy/types.ts";
import { seeded } from "./random.ts";

const OWN = print("To confirm this email for your account, please enter the code below in the app.");
const SPAM = print("Your parcel waits at the customs office and goes back unless you pay the fee today.");
/** From the hand-over to the other side's answer. */
const ANSWER_MS = 2_000;
const LIST = 5_000;

export type Run = {
  text: "his own" | "the member's";
  perMinute: number;
  /** Share of his list that does not exist. */
  dead: number;
  tier: Tier;
  /** Mails that reached people, by when. */
  firstMinute: number;
  firstHour: number;
  firstDay: number;
  /** Seconds until the credential was stopped; null: never in this day. */
  stoppedAfter: number | null;
};

const each = (text: Run["text"], tier: Tier) =>
  [6_000, 60, 1].flatMap((perMinute) => [0, 0.1, 0.3].map((dead) => ({ text, perMinute, dead, tier })));

/** At full speed, one a second, one a minute. */
export const RUNS = [...each("his own", "steady"), ...each("the member's", "steady")];

/** Months of mail, so that the member's text is known and its tier's limits are full. */
async function settled(tier: Tier): Promise<World> {
  const world = await createWorld({ ...member, tier, credentials: [credential] });
  for (let i = 0; i < 300; i++) {
    const at = now - 15 * DAY + i * HOUR;
    world.submit([`user${i % 30}`], OWN, at);
    world.outcome(`user${i % 30}`, OWN, i < 30, false, at);
  }
  return world;
}

/** A stolen credential and a bought list, in the relay node's own decisions, limits and habits. */
export async function steal(
  run: Pick<Run, "text" | "perMinute" | "dead" | "tier">,
  seed: number,
): Promise<Run> {
  const world = await settled(run.tier);
  const random = seeded(seed);
  const text = run.text === "his own" ? SPAM : OWN;
  const reached: number[] = [];
  const answers: { at: number; victim: string; hard: boolean }[] = [];
  let stoppedAt: number | null = null;

  function answer(until: number): void {
    answers.sort((a, b) => a.at - b.at);
    while (answers.length > 0 && answers[0]!.at <= until) {
      const { at, victim, hard } = answers.shift()!;
      if (!hard) reached.push(at);
      const action = world.outcome(victim, text, true, hard, at);
      if (action === "pause") stoppedAt ??= at;
    }
  }

  for (let i = 0; i < LIST; i++) {
    const at = now + Math.floor((i * 60_000) / run.perMinute);
    if (at > now + DAY) break;
    answer(at);
    const result = world.submit([`victim${i}`], text, at);
    if ("leavesAt" in result)
      answers.push({
        at: result.leavesAt + ANSWER_MS,
        victim: `victim${i}`,
        hard: random.uniform() < run.dead,
      });
    else if (world.paused() !== undefined) stoppedAt ??= at;
  }
  answer(now + DAY);
  const within = (ms: number) => reached.filter((at) => at <= now + ms).length;
  return {
    ...run,
    firstMinute: within(60_000),
    firstHour: within(HOUR),
    firstDay: within(DAY),
    stoppedAfter: stoppedAt === null ? null : (stoppedAt - now) / 1_000,
  };
}
