import { PROBE_BUDGET } from "../../src/breaker/index.ts";
import type { Judge } from "./judge.ts";
import { seeded, type Random } from "./random.ts";

/** A credential that the breaker stopped for its content, in the pool's own books. */
type Stopped = {
  who: string;
  honest: boolean;
  /** Least deliveries of its texts until the day before, in the pool's books. */
  textDeliveries: number;
  /** Whom the mail was meant for, the 50 who got it too; and the share of them who had mail of the member before. */
  recipients: number;
  known: number;
  /** Of those written to for the first time: not there; of all who were: complain within two days. */
  dead: number;
  complaint: number;
  /** The day against the member's mean day. */
  habit: number;
};

export type Outcome = Stopped & { confirmed: number; lifted: number; stays: number };

const LAST = 20;
const RUNS = 20_000;
/** Providers that report complaints have half of the recipients. */
const REPORTING = 0.5;

export const STOPPED: readonly Stopped[] = [
  {
    who: "its node lost what it knew; the usual mail",
    honest: true,
    textDeliveries: 400,
    recipients: 60,
    known: 0.7,
    dead: 0.03,
    complaint: 0.0005,
    habit: 1.5,
  },
  {
    who: "its node lost what it knew; a new version of a text to its users",
    honest: true,
    textDeliveries: 0,
    recipients: 80,
    known: 0.95,
    dead: 0.02,
    complaint: 0.0005,
    habit: 2,
  },
  {
    who: "a first letter to 300 strangers who signed up for it",
    honest: true,
    textDeliveries: 0,
    recipients: 300,
    known: 0.1,
    dead: 0.04,
    complaint: 0.0005,
    habit: 8,
  },
  {
    who: "the same, a tenth of them mistyped",
    honest: true,
    textDeliveries: 0,
    recipients: 300,
    known: 0.1,
    dead: 0.1,
    complaint: 0.0005,
    habit: 8,
  },
  ...[0.1, 0.2, 0.3, 0.5, 0.7].map((dead) => ({
    who: `a thief with his own text and a list, ${dead * 100} % of it dead`,
    honest: false,
    textDeliveries: 0,
    recipients: 450,
    known: 0,
    dead,
    complaint: 0.01,
    habit: 20,
  })),
  ...[0.02, 0.05, 0.1].map((complaint) => ({
    who: `a thief with his own text to addresses that are there, ${complaint * 100} % complain`,
    honest: false,
    textDeliveries: 0,
    recipients: 450,
    known: 0,
    dead: 0.02,
    complaint,
    habit: 20,
  })),
  ...[0.1, 0.3].map((dead) => ({
    who: `a thief with the member's own text at a node that lost what it knew, ${dead * 100} % of his list dead`,
    honest: false,
    textDeliveries: 400,
    recipients: 450,
    known: 0,
    dead,
    complaint: 0.01,
    habit: 4,
  })),
];

/** What the rules say of it within two days: as soon as one of them speaks, that holds. */
export function judged(judge: Judge, stopped: Stopped, seed: number): Outcome {
  const random = seeded(seed);
  const counts = { confirmed: 0, lifted: 0, stays: 0 };
  for (let run = 0; run < RUNS; run++) counts[once(judge, stopped, random)]++;
  return {
    ...stopped,
    confirmed: counts.confirmed / RUNS,
    lifted: counts.lifted / RUNS,
    stays: counts.stays / RUNS,
  };
}

function once(judge: Judge, stopped: Stopped, random: Random): "confirmed" | "lifted" | "stays" {
  const hard = Array.from({ length: PROBE_BUDGET }, () => random.uniform() < stopped.dead);
  const dead = hard.slice(-LAST).filter(Boolean).length;
  const there = hard.filter((one) => !one).length;
  const complainants = Array.from({ length: there }).filter(
    () => random.uniform() < stopped.complaint * REPORTING,
  ).length;
  // Answers come within seconds, complaints later.
  for (const told of new Set([0, complainants])) {
    const action = told === 0 ? "message_held" : "complaint_received";
    const ruling = judge(action, facts(stopped, dead, told), `${stopped.who} ${dead} ${told}`);
    const labels = ruling.map(({ label }) => label);
    if (labels.includes("breaker-confirmed")) return "confirmed";
    if (labels.includes("breaker-lifted")) return "lifted";
  }
  return "stays";
}

const facts = (stopped: Stopped, dead: number, complainants: number) => ({
  window: {
    breaker: {
      cause: "content",
      confirmable: true,
      templates: 1,
      template_deliveries: stopped.textDeliveries,
      recipients: stopped.recipients,
      known_share: stopped.known,
      first_time_hard: dead,
      complainants,
    },
    velocity: { habit_ratio: stopped.habit },
  },
});
