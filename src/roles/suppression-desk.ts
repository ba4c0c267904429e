import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import { eventTime, type Envelope, type SmtpFacts } from "../event/index.ts";
import { DAY_MS, type Clock } from "../lib/clock.ts";
import type { Bus } from "../platform/bus/index.ts";
import type { Database } from "../platform/database.ts";
import type { Logger } from "../platform/log.ts";
import { saidClass } from "../protocol/smtp-reply/index.ts";
import {
  bindsPool,
  createSuppressionStore,
  SEEN,
  SUPPRESSION_ASK_TOPIC,
  SUPPRESSION_RELEASE_TOPIC,
  SUPPRESSION_TOPIC,
  suppressionFor,
  type Feedback,
  type NewSuppression,
  type ParsedLine,
  type Suppression,
  type SuppressionQuery,
  type SuppressionRecall,
} from "../suppression/index.ts";

const Ask = z.object({ knows: z.number().int().min(0) });
const Release = z.object({
  did: z.string().max(2_048),
  key: z.string().max(64),
  by: z.string().max(200),
  seen: z.number().int().optional(),
});

/** Each group is one commit: many small ones take long on a slow disk, a large one holds up others. */
const AT_ONCE = 500;
/** What bounced elsewhere may have come back since. */
const IMPORTED_BOUNCE_MS = 365 * DAY_MS;

const WHAT: Partial<Record<string, Feedback["what"]>> = {
  recipient_bounced: "bounced",
  recipient_delivered: "delivered",
  complaint_received: "complained",
  recipient_unsubscribed: "unsubscribed",
};

export type Hashed = { key: string; domain: string };
export type SuppressionDesk = ReturnType<typeof createSuppressionDesk>;

/** Core's side: what events and people put on the list and take off it, told to relay nodes within a second. */
export function createSuppressionDesk(parts: { db: Database; bus: Bus; clock: Clock; log: Logger }) {
  const { db, bus, clock, log } = parts;
  const store = createSuppressionStore(db);
  let telling: Promise<void> | undefined;
  let again = false;

  async function tellAll(): Promise<void> {
    do {
      again = false;
      for (;;) {
        const { from, changes } = store.untold(AT_ONCE);
        const last = changes.at(-1);
        if (!last) break;
        await bus.publish(
          SUPPRESSION_TOPIC,
          changes.map((value) => ({ key: value.key, value })),
        );
        store.told(from, last.version);
        await setImmediate();
      }
    } while (again);
  }

  /** Resolves when relay nodes can read all changes; a fault is logged, and the next change tells them too. */
  function tell(): Promise<void> {
    again = true;
    telling ??= tellAll()
      .catch((err: unknown) => log.error({ err }, "relay nodes were not told of suppressions"))
      .finally(() => (telling = undefined));
    return telling;
  }

  /** In the transaction of the pipeline. An event that is told twice changes nothing the second time. */
  function record(event: Envelope): void {
    const { action_name, data } = event.data;
    const what = WHAT[action_name];
    const { recipient, smtp, member, dedupe_key: source } = data;
    // A complaint that names nobody has no domain, and no address behind its key.
    if (what === undefined || !recipient?.key || !recipient.domain) return;
    const { key, domain } = recipient;
    const at = eventTime(event);
    const fact: Feedback = {
      what,
      did: member.did,
      at,
      sentAt: data.message?.received_at ?? at,
      late: data.late === true,
      ...(smtp && { class: classOf(smtp), permanent: smtp.code >= 500 || smtp.enhanced.startsWith("5") }),
    };
    if (what === "delivered") return delivered(fact, key);
    const kind = what === "bounced" ? (fact.class ?? SEEN) : SEEN;
    const seen = { event: source, key, did: fact.did, at, class: kind, late: fact.late === true };
    if (!store.sight({ ...seen, provider: smtp?.provider ?? "" })) return;
    const { suppress } = suppressionFor(fact, {
      sightings: store.sightings(key, source),
      releasedAt: store.releasedAt(key, fact.did),
      poolReleasedAt: store.releasedAt(key, null),
    });
    for (const { scope, streams, reason, expiresAt } of suppress) {
      const did = scope === "pool" ? null : fact.did;
      const about = { did, streams, key, domain, reason, source };
      const evidence = smtp && what === "bounced" ? evidenceOf(smtp) : null;
      // What binds everybody must not tell one member when another wrote: the month alone, at both ends.
      const times =
        did === null
          ? { createdAt: monthOf(at, 0), expiresAt: expiresAt && monthOf(expiresAt, 1) }
          : { createdAt: at, expiresAt };
      const entry = { ...about, ...times, evidence, messageId: data.message?.id ?? null };
      if (store.put(entry, clock.now()))
        log.info({ member: did, reason, domain }, "a recipient is suppressed");
    }
  }

  /** Mail got there: what bounces brought is over, for this member and for the pool. */
  function delivered(fact: Feedback, key: string): void {
    store.forgetSightings(key, fact.at);
    const found = store.inForce(key, clock.now(), fact.did).filter(({ createdAt }) => createdAt <= fact.at);
    const { lift } = suppressionFor(fact, { sightings: [] });
    const over = found.filter(({ exempt, reason }) => !exempt && lift.includes(reason));
    for (const { id } of over) store.release(id, "delivered", clock.now());
    if (over.some(({ did }) => did === null))
      for (const { id, exempt } of found) if (exempt) store.release(id, "delivered", clock.now());
  }

  /**
   * Lifts for one member all that keeps its mail from a recipient; the pool's entry stays for the others. `seen`: no
   * version above this, for it came after the wish.
   */
  function releaseFor(did: string, key: string, by: string, seen = Infinity): number {
    const now = clock.now();
    return db.transaction(() => {
      const found = store.inForce(key, now, did).filter(({ exempt, version }) => exempt || version <= seen);
      const own = found.filter((one) => one.did === did && !one.exempt);
      for (const { id } of own) store.release(id, by, now);
      const pool = found.find((one) => one.did === null);
      if (!pool || found.some(({ exempt }) => exempt)) return own.length;
      store.put({ ...pool, did, exempt: true, source: by, createdAt: now }, now);
      return own.length + 1;
    });
  }

  /** A node that knows what is not here any more has it from before core was put back: it begins anew. */
  async function tellFrom(knows: number): Promise<void> {
    const after = store.lastUpTo(knows);
    if (after === knows || knows === 0) return store.tellFrom(knows);
    const value: SuppressionRecall = { recall: { after, upTo: knows } };
    await bus.publish(SUPPRESSION_TOPIC, [{ key: "recall", value }]);
    store.tellFrom(0);
  }

  const asks = bus.subscribe(SUPPRESSION_ASK_TOPIC, "core", async (batch) => {
    for (const { value } of batch) {
      const ask = Ask.safeParse(value);
      if (ask.success) await tellFrom(ask.data.knows);
    }
    await tell();
  });
  const releases = bus.subscribe(SUPPRESSION_RELEASE_TOPIC, "core", async (batch) => {
    for (const { value } of batch) {
      const wish = Release.safeParse(value);
      if (wish.success) releaseFor(wish.data.did, wish.data.key, wish.data.by, wish.data.seen);
      else log.error({ value }, "a release that cannot be read was left out");
    }
    await tell();
  });

  return {
    record,
    tell,
    get: (id: number) => store.get(id),
    list: (query: SuppressionQuery) => store.list(query, clock.now()),
    counts: (did?: string | null) => store.counts(clock.now(), did),
    /** All that is in force about a recipient; with a member, what binds that one. */
    about: (key: string, did?: string) => store.inForce(key, clock.now(), did),

    /** For a member, by the number of an entry that binds it. False: there is none that does. */
    async releaseAsMember(did: string, id: number, by: string): Promise<boolean> {
      const entry = store.get(id);
      if (!entry || (entry.did !== null && entry.did !== did) || entry.releasedAt !== null) return false;
      const released =
        entry.did === null ? releaseFor(did, entry.key, by) > 0 : store.release(id, by, clock.now());
      await tell();
      return released;
    },
    /** By the committee: the entry itself, whomever it binds. */
    async release(id: number, by: string): Promise<boolean> {
      const released = store.release(id, by, clock.now());
      await tell();
      return released;
    },
    /** By hand. False: it stands already. */
    async add(
      { key, domain }: Hashed,
      about: Pick<NewSuppression, "did" | "streams" | "reason" | "expiresAt"> & { by: string },
    ): Promise<boolean> {
      const { by: source, ...rest } = about;
      const now = clock.now();
      const entry = { ...rest, key, domain, source, createdAt: now, evidence: null, messageId: null };
      const added = db.transaction(() => store.put(entry, now));
      await tell();
      return added;
    },
    /**
     * `of`: a DID, or `pool`; undefined: as each line says. Returns how many are new. A few at a time, so that others are
     * answered meanwhile; `goesOn` hears how many lines were looked at, and says whether to take in more. What a crash or
     * a no has cut off is taken in by the same import again, which changes nothing of the rest.
     */
    async takeIn(
      lines: readonly (ParsedLine & Hashed)[],
      of: string | undefined,
      by: string,
      goesOn: (lookedAt: number) => boolean = () => true,
    ): Promise<number> {
      const now = clock.now();
      const stands = lines.filter(({ expiresAt }) => expiresAt == null || expiresAt > now);
      let taken = 0;
      for (let from = 0; from < stands.length; from += AT_ONCE) {
        const some = stands.slice(from, from + AT_ONCE);
        taken += db.transaction(
          () => some.filter((line) => store.put(imported(line, of ?? line.of!, by, now), now)).length,
        );
        await setImmediate();
        if (!goesOn(from + some.length)) break;
      }
      await tell();
      return taken;
    },
    /**
     * A provider refused valid users between `from` and `to` (ms): those refusals were none. What they brought is lifted
     * together, and they confirm nothing later. Returns how many refusals there were, and how many entries are lifted.
     */
    async undoIncident(about: { provider: string; from: number; to: number }, by: string) {
      const undone = db.transaction(() => {
        const now = clock.now();
        const taken = store.takeBack(about.provider, about.from, about.to);
        const found = store.bySource(taken.map(({ event }) => event));
        for (const { id } of found) store.release(id, by, now);
        // What another refusal brought, which one of these had confirmed.
        const alone = [...new Set(taken.map(({ key }) => key))]
          .flatMap((key) => store.inForce(key, now))
          .filter(({ did, key, evidence }) => !did && evidence && !bindsPool(store.sightings(key, "")));
        for (const { id } of alone) store.release(id, by, now);
        return { refusals: taken.length, lifted: found.length + alone.length };
      });
      await tell();
      return undone;
    },
    prune: () => store.prune(clock.now()),
    async close() {
      await Promise.all([asks.close(), releases.close()]);
      await telling;
    },
  };
}

/** Events have no class of its own for a mailbox that is not in use any more: the words of the reply say it. */
function classOf({ class: kind, text }: SmtpFacts): string {
  return kind === "bad-mailbox" && saidClass(text) === "inactive" ? "inactive" : kind;
}

/** The beginning of the month of UTC that is `later` months after. */
function monthOf(at: number, later: number): number {
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + later);
}

function evidenceOf({ code, enhanced, text, provider }: SmtpFacts): Suppression["evidence"] {
  return { code, enhanced, text, provider };
}

function imported(
  { key, domain, reason, streams, at, expiresAt }: ParsedLine & Hashed,
  of: string,
  by: string,
  now: number,
): NewSuppression {
  const isBounce = reason === "bad-mailbox" || reason === "inactive" || reason === "bad-domain";
  // By the day: the same list again on that day finds its entries as they should be.
  const usual = isBounce ? now - (now % DAY_MS) + IMPORTED_BOUNCE_MS : null;
  return {
    did: of === "pool" ? null : of,
    streams,
    key,
    domain,
    reason,
    source: by,
    createdAt: Math.min(at ?? now, now),
    expiresAt: expiresAt === undefined ? usual : expiresAt,
    evidence: null,
    messageId: null,
  };
}
