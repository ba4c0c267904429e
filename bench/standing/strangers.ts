import type { Judge } from "./judge.ts";
import { abuse, type Abuse, type Size } from "./scenarios.ts";

/** Dead addresses that strangers type into the form of a member, a day. */
export const STRANGERS = [2, 5, 10, 20, 50] as const;

/** The member's own mail, and how much of it bounces. */
const OWN = { perDay: 50, bounce: 0.02 };

export type SignUps = Abuse & { aDay: number };

/** What becomes of an honest member of 50 mails a day whose form gets so many dead addresses. */
export function signUps(judge: Judge, aDay: number, size: Size): SignUps {
  const dead = OWN.perDay * OWN.bounce + aDay;
  const perDay = OWN.perDay + aDay;
  return {
    aDay,
    ...abuse(judge, perDay, { bounce: dead / perDay, complaint: 0.0002 }, size, {
      strangers: aDay / dead,
      runs: 20,
      horizonDays: 90,
    }),
  };
}
