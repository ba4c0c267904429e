import type { Clock } from "../lib/clock.ts";
import { randomId, type RandomBytes } from "../lib/ids.ts";
import type { Database } from "../platform/database.ts";
import { mailAllowance, MOST_MAILS } from "./allowance.ts";
import { mailAddressOf, maskedAddress } from "./contact.ts";
import { createMailStore, type MailState } from "./store.ts";
import type { NoticeWish } from "./wish.ts";

export { MOST_BY_STRANGERS, MOST_MAILS } from "./allowance.ts";
export { mailAddressOf } from "./contact.ts";
export { noticeMigration, type MailState } from "./store.ts";
export { NOTICE_LIFETIME_MS, NOTICE_TOPIC, NoticeWish } from "./wish.ts";
export { pausedLetter, resumedLetter, slowedLetter, type LetterFacts, type PausedFacts } from "./words.ts";
export { digestLetter, type DigestFacts } from "./digest-words.ts";
export { codesInTimeLetter, codesSlowLetter, type CodeFacts } from "./code-words.ts";
export type { Letter } from "./letter.ts";
export {
  caseLetter,
  domainHeldLetter,
  domainReleasedLetter,
  standingLetter,
  type DomainFacts,
  type StandingFacts,
} from "./standing-words.ts";

/** What became of a mail about one thing. `to` is masked; null: nobody was written to. */
export type MailReceipt = { at: number; to: string | null; state: MailState; stateAt: number; reply: string };

type NoticeOf = {
  did: string;
  about: string;
  contact: string;
  /** They can bring it about, so there are fewer of these. */
  byStrangers?: boolean;
  /** It tells of something better, and uses up nothing of what there is for the worse. */
  isBetter?: boolean;
  /** It comes by the calendar, so nobody can bring about more of it: no allowance bounds it. */
  isRegular?: boolean;
};

export type Notices = ReturnType<typeof createNotices>;

const LONGEST_MS = Math.max(...MOST_MAILS.map(({ withinMs }) => withinMs));

/** What members are told by mail: wished here, sent by a relay node, its end written down. */
export function createNotices({ db, clock, random }: { db: Database; clock: Clock; random: RandomBytes }) {
  const store = createMailStore(db);

  return {
    /**
     * One mail about one thing (`about`), in the transaction of the caller: asked again it is the same. `write` is given
     * whether it is the last one for a while.
     */
    wish(
      { did, about, contact, byStrangers = false, isBetter = false, isRegular = false }: NoticeOf,
      write: (last: boolean) => { subject: string; text: string },
    ): void {
      if (store.has(about)) return;
      const at = clock.now();
      const to = mailAddressOf(contact);
      const allowance = isRegular
        ? "mail"
        : mailAllowance(store.mailsOf(did, at - LONGEST_MS), { at, byStrangers, isBetter });
      const id = randomId(10, random);
      const state: MailState =
        to === undefined ? "no-contact" : allowance === "too-many" ? "too-many" : "waiting";
      const wish: NoticeWish | null =
        to === undefined || state !== "waiting" ? null : { id, did, to, at, ...write(allowance === "last") };
      store.insert({
        id,
        about,
        did,
        at,
        address: to ?? null,
        state,
        state_at: at,
        reply: "",
        wish: wish && JSON.stringify(wish),
        by_strangers: byStrangers ? 1 : 0,
        is_better: isBetter ? 1 : 0,
      });
    },

    has: (about: string): boolean => store.has(about),

    /** Wishes that relay nodes were not told of yet, the oldest first. */
    untold: (): NoticeWish[] => store.untold().map(({ wish }) => JSON.parse(wish) as NoticeWish),
    told: (id: string): void => store.told(id),

    /** What a relay node says came of it. */
    concluded(id: string, state: "delivered" | "failed", at: number, reply = ""): void {
      store.conclude(id, state, at, reply.slice(0, 300));
    },

    /** Drops mails of before, and the addresses that they went to, at most `limit`; returns how many. */
    prune: store.prune,
    /** Drops every mail to a member, with its address. */
    forget: store.forget,

    /** Mails to a member, the newest first, with the addresses that they went to. */
    of: (did: string, limit: number) =>
      store.of(did, limit).map(({ about, at, address: to, state, state_at: stateAt, reply }) => ({
        about,
        at,
        to,
        state,
        stateAt,
        reply,
      })),

    receipt(about: string): MailReceipt | undefined {
      const row = store.about(about);
      return (
        row && {
          at: row.at,
          to: row.state === "no-contact" || row.address === null ? null : maskedAddress(row.address),
          state: row.state,
          stateAt: row.state_at,
          reply: row.reply,
        }
      );
    },
  };
}
