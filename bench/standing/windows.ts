import { BOUNCE_WINDOW, bounceWindow, complaintWindow } from "../../src/evidence/windows.ts";
import type { BounceWindow, ComplaintWindow } from "../../src/event/index.ts";

/** One day of a member: `trials` mails to different people, evenly spaced, of which those in `hard` bounce. */
export type Day = { trials: number; hard: readonly number[] };

/** Every second recipient is at a provider that reports complaints: those at odd places of a day. */
export const isReporting = (place: number) => place % 2 === 1;

/** Time in days of the trial at a place of a day. */
export const timeOf = (day: number, { trials }: Day, place: number) => day + (place + 0.5) / trials;

const DAYS_KEPT = 128;
/** And a little, so that the trial at a time is one of those up to it. */
const HALF = 0.5 + 1e-6;

/**
 * The windows of one member, counted by places in days rather than from events: a decade takes milliseconds. For members
 * of 5 mails a day or more, whose last 200 trials never reach back 90 days. `test/long/standing-simulation.test.ts`
 * compares it with the evidence of core. Times in days.
 */
export function createFastWindows() {
  const days: Day[] = [];
  /** Reported deliveries before a day. */
  const deliveredBefore: number[] = [];
  const trialsBefore: number[] = [];
  let today = -1;
  let total = 0;
  let reported = 0;
  let hard: { place: number; at: number }[] = [];
  let complaints: { at: number; sentAt: number }[] = [];
  let startedAt = -1;
  let startedAfter = 0;

  const slot = (day: number) => day % DAYS_KEPT;

  /** Trials of the day up to a time, that one too. */
  function placesUntil(day: number, at: number): number {
    const { trials } = days[slot(day)]!;
    return Math.max(0, Math.min(trials, Math.floor((at - day) * trials + HALF)));
  }

  function deliveredUntil(at: number): number {
    const day = Math.floor(at);
    if (day < 0 || day <= today - DAYS_KEPT) return 0;
    if (day > today) return reported;
    const places = placesUntil(day, at);
    const bounced = days[slot(day)]!.hard.filter((place) => place < places && isReporting(place)).length;
    return deliveredBefore[slot(day)]! + Math.floor(places / 2) - bounced;
  }

  function complaintsAfter(begin: number, at: number): ComplaintWindow {
    const since = Math.max(startedAt, begin);
    const told = complaints.filter((one) => one.at > since && one.at <= at && one.sentAt > startedAt);
    const delivered = deliveredUntil(at) - deliveredUntil(since);
    return complaintWindow(
      delivered,
      told.map((_, i) => String(i)),
    );
  }

  return {
    /** The next day, known as a whole; what is asked afterwards is of times in it. */
    begin(day: Day): void {
      const before = days[slot(today)];
      if (before) {
        total += before.trials;
        reported += Math.floor(before.trials / 2) - before.hard.filter(isReporting).length;
      }
      today++;
      days[slot(today)] = day;
      trialsBefore[slot(today)] = total;
      deliveredBefore[slot(today)] = reported;
      if (complaints.length > 0 && complaints[0]!.at < today - 91)
        complaints = complaints.filter(({ at }) => at >= today - 91);
    },
    bounced(place: number, at: number): void {
      hard.push({ place: total + place, at });
      if (hard.length > 2 * BOUNCE_WINDOW.lastEligible) hard = hard.slice(-BOUNCE_WINDOW.lastEligible);
    },
    complained: (at: number, sentAt: number): void => void complaints.push({ at, sentAt }),
    /** Counts of the bounce window at a time of today. */
    bounceCounts(at: number): { eligible: number; hard: number } {
      const until = total + placesUntil(today, at);
      const from = Math.max(startedAfter, until - BOUNCE_WINDOW.lastEligible);
      let n = 0;
      for (let i = hard.length - 1; i >= 0 && hard[i]!.place >= from; i--) n++;
      return { eligible: until - from, hard: n };
    },
    bounces(at: number): BounceWindow {
      const counts = this.bounceCounts(at);
      return bounceWindow({ ...counts, distinct: counts.hard });
    },
    complaints: (at: number) => ({
      complaint: complaintsAfter(Math.floor(at) - 30, at),
      complaint_90: complaintsAfter(Math.floor(at) - 90, at),
      complaint_burst: complaintsAfter(at - 1, at),
    }),
    /** After a change of standing only mail that was sent later is evidence. */
    restart(at: number): void {
      startedAt = at;
      startedAfter = total + placesUntil(today, at);
    },
    sentUntil: (at: number): number => total + placesUntil(today, at),
  };
}

export type FastWindows = ReturnType<typeof createFastWindows>;
