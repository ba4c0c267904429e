import { eventMaker, eventTime, type ActionName, type Envelope, type EventData } from "../event/index.ts";
import { DAY_MS } from "../lib/clock.ts";

export const START = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;
const DIDS = ["did:plc:a", "did:plc:b", "did:plc:c", "did:plc:d"];

/** mulberry32: from 0 to 1, the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const all = [...items];
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  return all;
}

const smtp = (provider: string, kind: "ok" | "bad-mailbox" | "bad-domain" | "blocked") =>
  ({
    code: kind === "ok" ? 250 : 550,
    enhanced: "",
    text: "",
    provider,
    class: kind,
    fault: "none",
  }) as const;

/**
 * A history of four members over 130 days: mail and what became of it, complaints, pauses, checks, figures of Gmail, changes
 * of standing and what was taken back, hours of nonsense. `share`: so much of the mail.
 */
export function historyOf(random: () => number, share = 1): Envelope[] {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const events: Envelope[] = [];
  const times = new Set<number>();
  let n = 0;
  const tell = (action: ActionName, wanted: number, data: Omit<EventData, "dedupe_key">) => {
    let at = Math.floor(wanted);
    while (times.has(at)) at++;
    times.add(at);
    n++;
    const make = eventMaker(
      () => at,
      () => String(n),
    );
    events.push(make(action, { dedupe_key: `k${n}`, ...data }));
    return at;
  };
  const personOf = (did: string) => {
    const i = Math.floor(random() * 40);
    const provider = pick(["gmail", "gmail", "yahoo", "other", "apple"]);
    const domain = provider === "gmail" && i % 3 > 0 ? "gmail.com" : `${provider}${i % 5}.test`;
    return {
      provider,
      recipient: { key: `${did.slice(8)}${provider}${i}`, domain, first_time: random() < 0.4 },
    };
  };

  function send(did: string, at: number, over: { known?: boolean; hard?: number; provider?: string } = {}) {
    const people = Array.from({ length: pick([1, 1, 1, 2, 3]) }, () => personOf(did));
    const credential = pick([`${did}-1`, `${did}-2`]);
    const member = { did, domain: `${did.slice(8)}.test` };
    const held = random() < 0.1;
    const first = people.filter(({ recipient }) => recipient.first_time).length;
    const message = {
      id: `m${n}`,
      size: 1,
      recipients: people.length,
      stream: "transactional",
      template: pick(["t1", "t2", "t3", `own${n}`]),
    };
    const wanted = Math.floor(at);
    const received_at = tell(held ? "message_held" : "message_accepted", wanted, {
      member,
      credential,
      message: { ...message, received_at: wanted, template_known: random() < 0.6, first_time: first },
      recipients: people.map(({ recipient }) => recipient),
    });
    const sent = events.at(-1)!.data.data.message!;
    sent.received_at = received_at;
    for (const { recipient, provider } of people) {
      const about = {
        member,
        credential,
        recipient: { ...recipient, ...(over.known && { first_time: false }) },
        message: { ...message, recipients: 1, received_at },
      };
      const where = over.provider ?? provider;
      const then = received_at + 1 + random() * (random() < 0.2 ? 3 * DAY_MS : 60_000);
      const isHard = random() < (over.hard ?? 0.15);
      if (isHard)
        tell(
          pick(["recipient_bounced", "recipient_bounced", "recipient_expired"]),
          over.known ? received_at : then,
          {
            ...about,
            smtp: smtp(where, pick(["bad-mailbox", "bad-mailbox", "bad-mailbox", "bad-domain", "blocked"])),
          },
        );
      else {
        const delivered = tell("recipient_delivered", then, { ...about, smtp: smtp(where, "ok") });
        if (random() < 0.15)
          tell("recipient_bounced", delivered + random() * 5 * DAY_MS, {
            ...about,
            late: true,
            smtp: smtp(where, "bad-mailbox"),
            detail: { authentic: random() < 0.7 },
          });
        for (let i = random() < 0.1 ? 2 : 0; i > 0; i--)
          tell("complaint_received", delivered + random() * 2 * DAY_MS, {
            ...about,
            smtp: smtp(where, "ok"),
          });
      }
    }
  }

  for (const did of DIDS) {
    const member = { did, domain: `${did.slice(8)}.test` };
    const days = 20 + random() * 110;
    for (let i = 0; i < share * (50 + random() * 120); i++) {
      const at = START + (130 - days * random() * random()) * DAY_MS;
      send(did, at);
      if (random() < 0.1) for (let more = 0; more < 5; more++) send(did, at + random() * HOUR_MS);
    }
    for (let i = 0; i < 12 * share; i++) {
      const credential = `${did}-1`;
      const at = START + random() * 130 * DAY_MS;
      const cause = pick(["content", "first-contact", "person", "content"]);
      const detail = { cause, pause_at: Math.floor(at) };
      const of = { member, ...(random() < 0.8 && { credential }) };
      tell("member_paused", at + 5, { ...of, detail });
      for (let more = 0; more < 3; more++) send(did, at - DAY_MS * random() * random());
      if (random() < 0.7) tell("member_resumed", at + 10 + random() * 3 * DAY_MS, { ...of, detail });
    }
    for (let i = 0; i < 80 * share; i++) {
      const result = pick(["verified", "broken", "unknown"]);
      const findings =
        result === "broken"
          ? [{ check: "spf", severity: "fail", observed: `seen ${i}`, remedy: `put ${i}` }]
          : [];
      tell("domain_checked", START + random() * 130 * DAY_MS, { member, detail: { result, findings } });
    }
    if (random() < 0.5) {
      const at = Math.floor(START + (60 + random() * 70) * DAY_MS);
      const detail = { from: "good", to: pick(["warned", "good"]) };
      const told = tell("standing_changed", at, { member, detail });
      if (random() < 0.4) {
        const back = { from: "warned", to: "good", undone: [told] };
        tell("standing_changed", told + 1 + random() * 5 * DAY_MS, { member, detail: back });
      }
    }
    for (let i = 0; i < 40 * share; i++) {
      const at = START + random() * 130 * DAY_MS;
      const detail = {
        provider: "gmail",
        kind: "domain",
        subject: `${did.slice(8)}.test`,
        day: new Date(at - Math.floor(random() * 9) * DAY_MS).toISOString().slice(0, 10),
        revision: i,
        figures: random() < 0.2 ? {} : { spam_rate: Math.floor(random() * 8) / 1000 },
      };
      tell("provider_reported", at, { member, detail });
    }
  }
  for (let i = 0; i < 4; i++) {
    const at = START + (60 + random() * 70) * DAY_MS;
    const hit = DIDS.slice(Math.floor(random() * 3));
    for (let k = 0; k < 24; k++)
      send(pick(hit), at + random() * 1.5 * HOUR_MS, { known: true, hard: 0.7, provider: "gmail" });
  }
  return events.sort((a, b) => eventTime(a) - eventTime(b));
}
