import { eventMaker, type EventData } from "../../src/event/index.ts";
import { createEvidence, evidenceMigration } from "../../src/evidence/index.ts";
import { DAY_MS } from "../../src/lib/clock.ts";
import { Database } from "../../src/platform/database.ts";
import type { Judge } from "./judge.ts";
import { seeded } from "./random.ts";

/** A provider refuses people whom it knows, for hours: once with the guard, once at a provider that has none. */
export type Incident = {
  members: number;
  perDay: number;
  hours: number;
  /** Mails that it refused of people who are there. */
  refused: number;
  /** Members for whom a rule held on that day, the worst that it was. */
  guarded: { warned: number; probation: number };
  unguarded: { warned: number; probation: number };
};

const MEMBERS = 6;
const PER_DAY = 200;
const HISTORY_DAYS = 20;
/** Of the mail, what goes to this provider; of that, what it refuses while it errs. */
const SHARE = 0.4;
const REFUSES = 0.7;
const BEGINS = 0.5;
const BAD = 0.01;
/** Of the mail, what goes to somebody new. */
const NEW = 0.2;

export function incident(judge: Judge, seed: number, lengths: readonly number[] = [1, 6, 24]): Incident[] {
  return lengths.map((hours) => {
    const guarded = play(judge, "gmail", hours, seed);
    // Mail of which no provider is known is under no guard.
    const unguarded = play(judge, "other", hours, seed);
    return {
      members: MEMBERS,
      perDay: PER_DAY,
      hours,
      refused: guarded.refused,
      guarded: guarded.held,
      unguarded: unguarded.held,
    };
  });
}

function play(judge: Judge, provider: string, hours: number, seed: number) {
  const db = new Database(":memory:", [evidenceMigration]);
  const evidence = createEvidence(db);
  const random = seeded(seed);
  const mails = Array.from({ length: MEMBERS }, (_, member) => member)
    .flatMap((member) =>
      Array.from({ length: Math.round(PER_DAY * (HISTORY_DAYS + 1)) }, () => ({
        member,
        at: random.uniform() * (HISTORY_DAYS + 1),
      })),
    )
    .toSorted((a, b) => a.at - b.at);
  const people = Array.from({ length: MEMBERS }, (): { name: string; there: boolean }[] => []);
  const warned = new Set<number>();
  const probation = new Set<number>();
  let refused = 0;
  let n = 0;
  for (const { member, at } of mails) {
    const own = people[member]!;
    const first = own.length === 0 || random.uniform() < NEW;
    const person = first
      ? {
          name: `${random.uniform() < SHARE ? "at" : "elsewhere"} ${member} ${n}`,
          there: random.uniform() >= BAD / NEW,
        }
      : own[Math.floor(random.uniform() * own.length)]!;
    if (first && person.there) own.push(person);
    const here = person.name.startsWith("at");
    const errs =
      here &&
      at >= HISTORY_DAYS + BEGINS &&
      at < HISTORY_DAYS + BEGINS + hours / 24 &&
      random.uniform() < REFUSES;
    if (errs && person.there) refused++;
    const bounced = errs || !person.there;
    const key = String(++n);
    const make = eventMaker(
      () => Math.round(at * DAY_MS),
      () => key,
    );
    const did = `did:plc:${member}`;
    const data: EventData = {
      dedupe_key: key,
      member: { did, domain: "member.test" },
      recipient: {
        key: person.name.replaceAll(" ", "-"),
        domain: here ? "gmail.com" : "r.test",
        first_time: first,
      },
      message: {
        id: key,
        size: 1,
        recipients: 1,
        stream: "transactional",
        received_at: Math.round(at * DAY_MS),
      },
      smtp: {
        code: bounced ? 550 : 250,
        enhanced: bounced ? "5.1.1" : "2.0.0",
        text: "",
        provider: here ? provider : "yahoo",
        class: bounced ? "bad-mailbox" : "ok",
        fault: bounced ? "recipient" : "none",
      },
    };
    const event = make(bounced ? "recipient_bounced" : "recipient_delivered", data);
    evidence.apply(event);
    if (!bounced || at < HISTORY_DAYS) continue;
    const ruling = judge("recipient_bounced", { smtp: data.smtp, window: evidence.windows(event) });
    const labels = ruling.map(({ label }) => label);
    if (labels.includes("bounce-probation")) probation.add(member);
    else if (labels.includes("bounce-warning")) warned.add(member);
  }
  db.close();
  for (const member of probation) warned.delete(member);
  return { refused, held: { warned: warned.size, probation: probation.size } };
}
