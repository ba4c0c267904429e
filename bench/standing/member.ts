import type { Judge } from "./judge.ts";
import { createLadder } from "./ladder.ts";
import type { Random } from "./random.ts";
import { createFastWindows, isReporting, timeOf, type Day } from "./windows.ts";

/** Complaints come hours after the mail: half of them within eight. */
const COMPLAINT_HOURS = 8;
const COMPLAINT_SPREAD = 1;
/** A person has looked at a stopped credential by then. */
const LOOKED_AFTER_DAYS = 2;

/** Of all recipients, those that do not exist; of deliveries to providers that report it, those called spam. */
export type Rates = { bounce: number; complaint: number };

export type Life = {
  perDay: number;
  days: number;
  /** What holds on a day. */
  rates: (day: number) => Rates;
  random: Random;
  judge: Judge;
  /** The day from which mails are counted in what happens. */
  countFrom?: number;
  /** Of the bounces: first contacts with a known text, which strangers brought about. */
  strangers?: number;
};

/** What a rule brought about, in days from the beginning, and how many mails had been sent by then. */
export type Happening = {
  at: number;
  sent: number;
  rule: string;
  /** The standing that it led to, or what it was otherwise. */
  what: "warned" | "probation" | "suspended" | "notice" | "paused";
};

type Told = { at: number; bounce: { place: number } | null; sentAt: number };

/** The life of one member under the shipped rules and the ladder. */
export function* live({
  perDay,
  days,
  rates,
  random,
  judge,
  strangers = 0,
  countFrom = 0,
}: Life): Generator<Happening> {
  const windows = createFastWindows();
  const ladder = createLadder();
  let untilHard = 0;
  let later: Told[] = [];
  let burstUntil = 0;
  let before = 0;

  function* consider(rule: string, label: string, told: Told): Generator<Happening> {
    const happening = { at: told.at, sent: windows.sentUntil(told.at) - before, rule };
    if (label === "complaint-notice") return yield { ...happening, what: "notice" };
    if (label === "complaint-burst") {
      if (told.at < burstUntil) return;
      burstUntil = told.at + LOOKED_AFTER_DAYS;
      return yield { ...happening, what: "paused" };
    }
    const to = ladder.consider(label, rule, {
      ...told,
      byStrangers: told.bounce !== null && strangers > 0.5,
    });
    if (!to) return;
    windows.restart(told.at);
    if (to !== "warned" && to !== "probation" && to !== "suspended") return;
    yield { ...happening, what: to };
  }

  for (let day = 0; day < days; day++) {
    const { bounce, complaint } = rates(day);
    const trials = random.poisson(perDay);
    if (day === 0 || rates(day - 1).bounce !== bounce) untilHard = random.untilNext(bounce);
    const hard: number[] = [];
    let place = untilHard - 1;
    for (; place < trials; place += random.untilNext(bounce)) hard.push(place);
    untilHard = place - trials + 1;
    const plan: Day = { trials, hard };
    windows.begin(plan);
    if (day === countFrom) before = windows.sentUntil(day);
    if (ladder.review(day, () => windows.bounces(day))) windows.restart(day);

    const told: Told[] = hard.map((at) => {
      const time = timeOf(day, plan, at);
      return { at: time, bounce: { place: at }, sentAt: time };
    });
    const bounced = new Set(hard);
    for (let at = random.untilNext(complaint) - 1; at < trials; at += random.untilNext(complaint)) {
      if (!isReporting(at) || bounced.has(at)) continue;
      const sentAt = timeOf(day, plan, at);
      later.push({
        at: sentAt + random.logNormal(COMPLAINT_HOURS, COMPLAINT_SPREAD) / 24,
        bounce: null,
        sentAt,
      });
    }
    told.push(...later.filter(({ at }) => at < day + 1));
    later = later.filter(({ at }) => at >= day + 1);
    told.sort((a, b) => a.at - b.at);

    for (const one of told) {
      const ruling = one.bounce ? judgeBounce(one.bounce.place, one.at) : judgeComplaint(one);
      // Of several findings in one event the gravest counts.
      const findings = ruling.toSorted(
        (a, b) => Number(b.label.endsWith("probation")) - Number(a.label.endsWith("probation")),
      );
      for (const { rule, label } of findings) yield* consider(rule, label, one);
    }
  }

  function judgeBounce(place: number, at: number) {
    windows.bounced(place, at);
    const counts = windows.bounceCounts(at);
    const key = `${counts.eligible} ${counts.hard}`;
    return judge(
      "recipient_bounced",
      {
        smtp: { class: "bad-mailbox" },
        window: {
          bounce: { ...windows.bounces(at), first_contacts: Math.round(counts.hard * strangers) },
        },
      },
      key,
    );
  }

  function judgeComplaint({ at, sentAt }: Told) {
    windows.complained(at, sentAt);
    return judge("complaint_received", { window: windows.complaints(at) });
  }
}
