import { fingerprint, type Fingerprint } from "../breaker/index.ts";
import { credential, DAY, member } from "./policy.fixture.ts";
import { createWorld, random } from "./world.fixture.ts";
import type { Tier } from "./types.ts";

export const print = (text: string): Fingerprint =>
  fingerprint({ fromName: "PDS", replyTo: "", subject: "", text, html: null, attachments: [], cut: false });

const CONFIRM = print("To confirm this email for your account, please enter the code below in the app.");
const OTHERS = [
  print(
    "We received a request to reset the password for your account. Enter this code in the app to choose a new one.",
  ),
  print(
    "We received a request to delete your account. Enter this code together with your password to go on.",
  ),
  print("We received a request to update your DID document. Never give this code to another person."),
];

export type Honest = {
  /** Mails a day on average, and the share of them that confirms the address of somebody new. */
  perDay: number;
  signUps: number;
  /** The share of new addresses that do not exist. */
  bad: number;
  days: number;
  seed: number;
  /** Of the mail to new addresses; default: one. */
  languages?: number;
};

/** The confirmation in so many languages: texts that have no pair of words in common. */
const translations = (languages: number): Fingerprint[] =>
  Array.from({ length: languages }, (_, language) => {
    const letter = "abcdefghijklmnopqrstuvwxyz"[language]!;
    return language === 0
      ? CONFIRM
      : print(Array.from("klmnopqrstuvwxyz", (other) => letter + other).join(" "));
  });

const tierOf = (day: number): Tier => (day < 7 ? "new" : day < 21 ? "warming" : "steady");

/** A PDS from its first day on: what its breaker did, by cause. A person says yes on the next day. */
export async function honest({
  perDay,
  signUps,
  bad,
  days,
  seed,
  languages = 1,
}: Honest): Promise<Record<string, number>> {
  const next = random(seed);
  const start = Date.UTC(2026, 0, 1);
  const world = await createWorld({ ...member, credentials: [credential] });
  const users: string[] = [];
  const confirmations = translations(languages);
  const found: Record<string, number> = { mails: 0, deferred: 0, content: 0, "first-contact": 0, slow: 0 };
  let version = 1;
  let pausedAt: number | undefined;

  for (let day = 0; day < days; day++) {
    if (day === 7 || day === 21) {
      version += 1_000;
      const { breaker: _, ...own } = world.book.byDid(member.did)!.credentials[0]!;
      await world.book.apply({ ...member, tier: tierOf(day), version, credentials: [own] });
    }
    const times = Array.from(
      { length: poisson(perDay, next) },
      () => start + Math.floor((day + next()) * DAY),
    );
    for (const at of times.sort((a, b) => a - b)) {
      if (pausedAt !== undefined && at - pausedAt > DAY) {
        version++;
        const { breaker: _, ...own } = world.book.byDid(member.did)!.credentials[0]!;
        await world.book.apply({
          ...member,
          tier: tierOf(day),
          version,
          credentials: [{ ...own, resumedUpTo: at }],
        });
        pausedAt = undefined;
      }
      found["mails"]!++;
      const fresh = users.length === 0 || next() < signUps;
      const to = fresh ? `user${found["mails"]}` : users[Math.floor(next() * users.length)]!;
      const mail = fresh
        ? confirmations[languages === 1 ? 0 : Math.floor(next() * languages)]!
        : OTHERS[Math.floor(next() * OTHERS.length)]!;
      const result = world.submit([to], mail, at);
      if ("leavesAt" in result) {
        const hard = fresh && next() < bad;
        const trip = world.outcome(to, mail, fresh, hard, result.leavesAt + 1_000);
        if (trip === "slow") found["slow"]!++;
        if (fresh && !hard) users.push(to);
      } else if (!result.kept.startsWith("held")) found["deferred"]!++;
      const cause = world.paused();
      if (cause && pausedAt === undefined) {
        pausedAt = at;
        found[cause]!++;
      }
    }
  }
  return found;
}

function poisson(mean: number, next: () => number): number {
  const limit = Math.exp(-mean);
  let n = 0;
  for (let p = next(); p > limit; p *= next()) n++;
  return n;
}
