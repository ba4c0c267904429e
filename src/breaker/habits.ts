import { createHash } from "node:crypto";
import type { Database } from "../platform/database.ts";
import { createBatch } from "./batch.ts";
import { isAlike, type Fingerprint } from "./fingerprint.ts";
import * as store from "./store.ts";
import { FIRST_CONTACT, firstContactTrips, KNOWN_AFTER } from "./trips.ts";

const DAY = 86_400_000;
/** A recipient to whom nothing went for so long is a new one again. */
const REMEMBERED = 400 * DAY;
const UNKNOWN_REMEMBERED = 30 * DAY;
/**
 * A delivery makes its template known only after this time: a burst cannot make itself known, also not at mailboxes that
 * a thief has signed up with long before. In the first two days of a member of tier `new` every template is unseen, and
 * its tier lets little through: for it the time is that of its burst. The day of its first mail, which may be as good as
 * over, is not one of the two.
 */
function settleMs(tier: string, daysBefore: number): number {
  return tier === "new" && daysBefore <= NEWCOMER_DAYS ? NEWCOMER_SETTLE_MS : SETTLE_MS;
}
const NEWCOMER_DAYS = 2;
export const SETTLE_MS = DAY;
export const NEWCOMER_SETTLE_MS = 600_000;
/** Probes are forgiven when so long nothing of their template bounced, and none was added. */
export const FORGIVEN_MS = 7 * DAY;
/** Outcomes at first-time recipients count together within this time: a burst, not the mistypings of a week. */
export const CONTACT_MS = DAY / 4;
const SHARE_DAYS = 30;
const SHARE_EVIDENCE = 50;
const TEMPLATES_OF_A_MEMBER = 64;
const MEMBERS_IN_MEMORY = 256;

/** What the breaker can say of a message before it is decided. */
export type Look = {
  /** For each recipient: the member has not had mail delivered to it, or, of an unseen template, see `isNew`. */
  firstTime: boolean[];
  /** `id` goes with the message (`MessageRow.template`). */
  template: { id: string; known: boolean; deliveries: number };
  /** Share of first-time recipients in the 30 days before today; absent below 50 recipients. */
  share?: number;
  /** Its first contacts with known templates bounce: for now such ones leave slowly. */
  slowed: boolean;
  /** So many probes of the credential are forgiven: to be told to `PolicyBook.forgive` before `decide`, once. */
  forgiven: number;
};

export type Submission = {
  did: string;
  credential: string;
  /** Keyed hashes, as in events. */
  recipients: readonly string[];
  fingerprint: Fingerprint;
  now: number;
};

/** `among` the last so many first-time recipients of one kind `hard` do not exist. */
export type FirstContactTrip = { action: "pause" | "slow"; hard: number; among: number };

export interface Habits {
  look(submission: Submission): Look;
  /** The message is in the spool; `held`: the breaker or a pause keeps it there. */
  accepted(submission: Submission, look: Look, held: boolean): void;
  /** `tier`: of the member. */
  delivered(delivery: {
    did: string;
    tier: string;
    recipient: string;
    template: string | null;
    at: number;
  }): void;
  /** A hard bounce: the template's probes stay for another week. */
  bounced(bounce: { did: string; template: string | null; at: number }): void;
  /**
   * The outcome at a first-time recipient, delivered or hard-bounced for its address. Of one recipient the latest counts:
   * a mistyped address that is tried again is no spray. What follows: the credential is to be paused (`first-contact`),
   * or, when these were recipients of known templates, it is slow from now on (told once, when it begins). Whoever was
   * written to with a known template first counts there: strangers choose whom a sign-up form writes to, and what it
   * writes next.
   */
  firstContact(contact: {
    did: string;
    credential: string;
    recipient: string;
    template: string | null;
    hard: boolean;
    at: number;
  }): FirstContactTrip | undefined;
  /** A yes: these templates are known. */
  approve(did: string, templates: readonly string[]): void;
  /**
   * A yes to a credential (null: to all of the member), whose pause began at `upTo`: each template that it had probed by
   * then is known, also by what was held of it since, and its counts begin anew.
   */
  resumed(resumption: { did: string; credential: string | null; upTo: number }): void;
  /** Erases a member. */
  forget(did: string): void;
  /** Takes out what is old, a bounded piece of it; true: there is more. To be called now and then. */
  prune(now: number): boolean;
  /** Writes what is waiting; a crash loses a tenth of a second, and makes the breaker stricter by that. */
  flush(): void;
  close(): void;
}

/**
 * Habits in a database that the caller opened. `onLost`: the disk did not take the last writes, or the file is damaged;
 * what was lost makes the breaker stricter.
 */
export function createHabits(db: Database, onLost: (error: unknown) => void = () => {}): Habits {
  const cache = new Map<number, store.Template[]>();
  const numbers = new Map<string, number>();
  const { write, flush } = createBatch(db, (error) => {
    cache.clear();
    numbers.clear();
    onLost(error);
  });

  function numberOf(did: string): number {
    const known = numbers.get(did);
    if (known !== undefined) return known;
    let number = 0;
    write(() => (number = store.memberNumber(db, did)));
    return number === 0 ? 0 : keepNewest(numbers, did, number);
  }

  function templatesOf(member: number): store.Template[] {
    const kept = cache.get(member) ?? store.templatesOf(db, member);
    cache.delete(member);
    return keepNewest(cache, member, kept);
  }

  function keepTemplate(member: number, template: store.Template): void {
    write(() => store.saveTemplate(db, member, template));
  }

  function becomeKnown(member: number, template: store.Template): void {
    template.known = true;
    write(() => {
      store.saveTemplate(db, member, template);
      store.dropDeliveries(db, member, template.id);
    });
  }

  /** The member's template that the message is of, with its counts as of now. */
  function templateOf(member: number, print: Fingerprint, now: number): store.Template | undefined {
    const all = templatesOf(member);
    const found = all.find(({ id }) => id === print.id) ?? all.find((template) => isAlike(print, template));
    if (found && !found.known) {
      found.deliveries = store.countDeliveries(db, member, found.id, now);
      if (found.deliveries >= KNOWN_AFTER) becomeKnown(member, found);
    }
    return found;
  }

  function addTemplate(member: number, print: Fingerprint, now: number): void {
    const all = templatesOf(member);
    const template = { ...print, known: false, deliveries: 0, lastAt: now, bouncedAt: 0 };
    if (all.length >= TEMPLATES_OF_A_MEMBER) {
      const [oldest] = [...all].sort((a, b) => Number(a.known) - Number(b.known) || a.lastAt - b.lastAt);
      all.splice(all.indexOf(oldest!), 1);
      write(() => store.dropTemplate(db, member, oldest!.id));
    }
    all.push(template);
    keepTemplate(member, template);
  }

  function forgive(member: number, credential: string, now: number): number {
    let forgiven = 0;
    for (const probe of store.probesOfMember(db, member)) {
      if (probe.credential !== credential || probe.count === 0) continue;
      const template = templatesOf(member).find(({ id }) => id === probe.template);
      const quietSince = Math.max(probe.lastAt, template?.bouncedAt ?? 0);
      if (!template?.known && now - quietSince < FORGIVEN_MS) continue;
      forgiven += probe.count;
      write(() => store.dropProbe(db, member, credential, probe.template));
    }
    return forgiven;
  }

  return {
    look({ did, credential, recipients, fingerprint, now }) {
      const member = numberOf(did);
      const template = templateOf(member, fingerprint, now);
      const habit = store.daysBefore(db, member, Math.floor(now / DAY), SHARE_DAYS);
      return {
        firstTime: recipients.map((key) =>
          isNew(store.firstDelivery(db, member, short(key)), now, template?.known === true),
        ),
        template: template
          ? { id: template.id, known: template.known, deliveries: template.deliveries }
          : { id: fingerprint.id, known: false, deliveries: 0 },
        ...(habit.recipients >= SHARE_EVIDENCE ? { share: habit.firstTime / habit.recipients } : {}),
        slowed: trips(
          contactsWithin(store.contactsOf(db, member, credential), now).filter(
            ([, , , known]) => known === 1,
          ),
        ),
        forgiven: forgive(member, credential, now),
      };
    },
    accepted({ did, credential, recipients, fingerprint, now }, { template, firstTime }, held) {
      const member = numberOf(did);
      const count = firstTime.filter(Boolean).length;
      const found = templatesOf(member).find(({ id }) => id === template.id);
      if (found) {
        const saved = found.known && now - found.lastAt < DAY;
        if (!saved) {
          found.lastAt = now;
          keepTemplate(member, found);
        }
      } else addTemplate(member, { ...fingerprint, id: template.id }, now);
      write(() => {
        if (!template.known && (count > 0 || held)) {
          const probe = { credential, template: template.id, firstAt: now, lastAt: now };
          store.addProbe(db, member, { ...probe, count: held ? 0 : count, held: held ? 1 : 0 });
        }
        store.addDay(db, member, Math.floor(now / DAY), recipients.length, count);
      });
    },
    delivered({ did, tier, recipient, template: id, at }) {
      const member = numberOf(did);
      const key = short(recipient);
      const template = templatesOf(member).find((candidate) => candidate.id === id);
      const today = Math.floor(at / DAY);
      const settle = settleMs(tier, today - (store.firstDay(db, member) ?? today));
      write(() => {
        store.saveRecipient(db, member, key, at, template?.known === true);
        if (!template) return;
        if (template.known) {
          template.deliveries++;
        } else {
          store.saveDelivery(db, member, template.id, key, at + settle);
        }
      });
    },
    bounced({ did, template: id, at }) {
      const member = numberOf(did);
      const template = templatesOf(member).find((candidate) => candidate.id === id);
      if (!template || template.known) return;
      template.bouncedAt = Math.max(template.bouncedAt, at);
      keepTemplate(member, template);
    },
    firstContact({ did, credential, recipient, template: id, hard, at }) {
      const member = numberOf(did);
      const who = Buffer.from(short(recipient)).toString("base64url");
      const recent = contactsWithin(store.contactsOf(db, member, credential), at);
      const known =
        templatesOf(member).some((template) => template.id === id && template.known) ||
        recent.some(([, , whose, by]) => whose === who && by === 1);
      const alike = recent.filter(([, , , by]) => (by === 1) === known);
      const latest: store.Contacts[number] = [at, hard ? 1 : 0, who, known ? 1 : 0];
      const outcomes = [...alike.filter(([, , whose]) => whose !== who), latest].slice(-FIRST_CONTACT.among);
      const others = recent.filter(([, , , by]) => (by === 1) !== known);
      write(() => store.saveContacts(db, member, credential, [...others, ...outcomes], at));
      if (!hard || !trips(outcomes) || (known && trips(alike))) return undefined;
      const bounces = outcomes.filter(([, bounced]) => bounced === 1).length;
      return { action: known ? "slow" : "pause", hard: bounces, among: outcomes.length };
    },
    approve(did, templates) {
      const member = numberOf(did);
      for (const template of templatesOf(member)) {
        if (templates.includes(template.id) && !template.known) becomeKnown(member, template);
      }
    },
    resumed({ did, credential, upTo }) {
      const member = numberOf(did);
      for (const probe of store.probesOfMember(db, member)) {
        if (credential !== null && probe.credential !== credential) continue;
        const template = templatesOf(member).find(({ id }) => id === probe.template);
        if (template && !template.known && probe.firstAt <= upTo) becomeKnown(member, template);
        write(() => store.dropProbe(db, member, probe.credential, probe.template));
      }
      write(() => store.dropContacts(db, member, credential));
    },
    forget(did) {
      cache.delete(numberOf(did));
      write(() => store.dropMember(db, did));
      numbers.delete(did);
    },
    prune(now) {
      const before = {
        recipient: now - REMEMBERED,
        unknown: now - UNKNOWN_REMEMBERED,
        day: Math.floor(now / DAY) - SHARE_DAYS - 1,
        contact: now - UNKNOWN_REMEMBERED,
      };
      let dropped = 0;
      write(() => (dropped = store.pruneHabits(db, before, PRUNED_AT_ONCE)));
      if (dropped > 0) cache.clear();
      return dropped >= PRUNED_AT_ONCE;
    },
    flush,
    close() {
      try {
        flush();
      } finally {
        db.close();
      }
    },
  };
}

const PRUNED_AT_ONCE = 2_000;

/** Those of a clock that was ahead are no longer of this time than others. */
function contactsWithin(contacts: store.Contacts, now: number): store.Contacts {
  return contacts.filter(([at]) => Math.abs(now - at) < CONTACT_MS);
}

const trips = (contacts: store.Contacts) => firstContactTrips(contacts.map(([, hard]) => hard === 1));

/**
 * Nothing was delivered to it. To an unseen template also who got nothing but known ones, the first of them within a
 * day: else a thief would introduce himself with one, and then write what he likes.
 */
function isNew(first: ReturnType<typeof store.firstDelivery>, now: number, known: boolean): boolean {
  if (first === undefined || first.at > now) return true;
  return !known && first.byKnown && now - first.at < SETTLE_MS;
}

/** Twelve octets tell a member's recipients apart. */
function short(key: string): Uint8Array {
  return createHash("sha256").update(key).digest().subarray(0, 12);
}

function keepNewest<K, V>(map: Map<K, V>, key: K, value: V): V {
  map.set(key, value);
  if (map.size > MEMBERS_IN_MEMORY) map.delete(map.keys().next().value!);
  return value;
}
