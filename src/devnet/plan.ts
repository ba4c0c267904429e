import { letter, personName, type Letter, type LetterKind } from "./letters.ts";
import type { SeedOperator } from "./operators.ts";
import { between, pick, pickWeighted, seededRandom, type Random } from "./random.ts";

export type PlannedMail = Letter & {
  /** ms since the epoch. */
  at: number;
  /** Domain of the operator that sends it. */
  domain: string;
  kind: LetterKind;
  to: string;
};

export type PlanOptions = {
  operators: readonly SeedOperator[];
  /** Days since the epoch, UTC. */
  day: number;
  /** Domains of the mailbox provider. */
  mailDomains: readonly string[];
  seed?: string;
};

export const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** Share of a day's mail in each hour, UTC: quiet nights, busy evenings. */
const CURVE = [2, 1, 1, 1, 1, 2, 4, 6, 8, 9, 9, 8, 8, 8, 8, 8, 9, 10, 11, 12, 11, 9, 6, 3];

/** Among recipients who are not ordinary people. The share of dead addresses is what honest operators have. */
const ODD_RECIPIENTS = { bounce: 0.008, defer: 0.02, full: 0.002, slow: 0.005, spam: 0.0005 } as const;

const NEWCOMER_SHARE = 0.1;

/**
 * The instructive operator: nearly all its mail goes to new sign-ups, and every seventh of them is a dead address.
 * At that spacing no twenty new recipients in a row hold five of them, which is where the relay would pause it.
 */
const DEAD_EVERY = 7;
const DEAD_NEWCOMER_SHARE = 0.9;

/** Every mail of one day in order of time; the same for the same options. */
export function planDay({ operators, day, mailDomains, seed = "atmosphere" }: PlanOptions): PlannedMail[] {
  return operators
    .flatMap((operator) => planOperator(operator, day, mailDomains, seed))
    .sort((a, b) => a.at - b.at || a.domain.localeCompare(b.domain));
}

function planOperator(
  operator: SeedOperator,
  day: number,
  mailDomains: readonly string[],
  seed: string,
): PlannedMail[] {
  const people = knownPeople(operator, mailDomains, seed);
  const random = seededRandom(`mail ${seed} ${operator.domain} ${day}`);
  const spread = Math.max(1, Math.round(operator.perDay * 0.15));
  const count = between(random, operator.perDay - spread, operator.perDay);
  const times = Array.from({ length: count }, () => timeOfDay(random)).sort((a, b) => a - b);
  return times.map((time, i) => {
    const { to, kind } = recipient(operator, people, mailDomains, random, day * 1_000 + i, i);
    const handle = `${to.slice(0, to.indexOf("@")).replaceAll(/[^a-z0-9]/g, "-")}.${operator.domain}`;
    const words = letter(kind, handle, `pds.${operator.domain}`, random);
    return { at: day * DAY_MS + time, domain: operator.domain, kind, to, ...words };
  });
}

function timeOfDay(random: Random): number {
  return pickWeighted(random, CURVE) * HOUR_MS + between(random, 0, HOUR_MS - 1);
}

/** The users of an operator, who get mail again and again. */
function knownPeople(operator: SeedOperator, mailDomains: readonly string[], seed: string): string[] {
  const random = seededRandom(`people ${seed} ${operator.domain}`);
  const size = Math.max(12, operator.perDay * 2);
  return Array.from({ length: size }, (_, i) => `${personName(random, i)}@${pick(random, mailDomains)}`);
}

function recipient(
  operator: SeedOperator,
  people: readonly string[],
  mailDomains: readonly string[],
  random: Random,
  number: number,
  position: number,
): { to: string; kind: LetterKind } {
  const home = pick(random, mailDomains);
  const bad = operator.trait === "dead-addresses";
  if (bad && position % DEAD_EVERY === DEAD_EVERY >> 1) {
    return { to: `bounce+${operator.domain.slice(0, -5)}${number}@${home}`, kind: "confirm-email" };
  }
  const odd = oddRecipient(random(), bad);
  if (odd) return { to: `${odd}+${operator.domain.slice(0, -5)}${number}@${home}`, kind: "confirm-email" };
  if (random() < (bad ? DEAD_NEWCOMER_SHARE : NEWCOMER_SHARE)) {
    return { to: `${personName(random, number)}@${home}`, kind: "confirm-email" };
  }
  const kind = random() < 0.85 ? "reset-password" : "update-email";
  return { to: pick(random, people), kind };
}

function oddRecipient(roll: number, bad: boolean): keyof typeof ODD_RECIPIENTS | undefined {
  let rest = roll;
  for (const [name, share] of Object.entries(ODD_RECIPIENTS) as [keyof typeof ODD_RECIPIENTS, number][]) {
    if (bad && name === "bounce") continue;
    rest -= share;
    if (rest < 0) return name;
  }
  return undefined;
}
