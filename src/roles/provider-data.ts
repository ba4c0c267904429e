import { EVENTS_TOPIC, type EventMaker } from "../event/index.ts";
import type { Egress } from "../egress/index.ts";
import type { Evidence } from "../evidence/index.ts";
import { DAY_MS, type Clock } from "../lib/clock.ts";
import type { Members } from "../member/index.ts";
import type { Bus } from "../platform/bus/index.ts";
import type { Database } from "../platform/database.ts";
import type { Logger } from "../platform/log.ts";
import type { Scheduler } from "../platform/scheduler.ts";
import type { OpeningKey } from "../platform/seal.ts";
import {
  createCollector,
  createProviderStore,
  dayName,
  daysBetween,
  providerReported,
  WINDOW_DAYS,
  type CollectorOptions,
  type StoredDay,
  type StoredSubject,
} from "../provider-data/index.ts";
import { blocklistFigures, yahooFigures } from "./provider-data-own.ts";

export type ProviderDeskParts = {
  db: Database;
  bus: Bus;
  clock: Clock;
  log: Logger;
  scheduler: Scheduler;
  newEvent: EventMaker;
  members: Members;
  evidence: Evidence;
  /** Opens what is kept of logins. */
  key: OpeningKey;
  fetch: CollectorOptions["fetch"];
  /** Of the pool. */
  domain: string;
  /** DID of the pool, for events about what is nobody's alone. */
  authority: string;
  /** Absent where no relay runs: its addresses are seen there. */
  egress: () => Egress | undefined;
  endpoints?: CollectorOptions["endpoints"];
};

export type ProviderDesk = ReturnType<typeof createProviderDesk>;

const KEPT_DAYS = 400;
/** After the last word about a domain that nobody here has any more, and after a member has left. */
const KEPT_AFTER_LEAVING_DAYS = 90;
const AT_ONCE = 200;

/** Core's side of provider data: fetched each day, counted, stored, told. */
export function createProviderDesk(parts: ProviderDeskParts) {
  const { db, bus, clock, log, members, evidence, newEvent } = parts;
  const store = createProviderStore(db);
  const ownDomains = () => [
    parts.domain,
    ...members.list().flatMap(({ did }) => members.domainsOf(did).map(({ name }) => name)),
  ];
  const collector = createCollector({
    store,
    key: parts.key,
    fetch: parts.fetch,
    now: () => clock.now(),
    domains: ownDomains,
    ...(parts.endpoints && { endpoints: parts.endpoints }),
  });

  /**
   * Whose figures they are: the member's of that domain, else the pool's. Of the pool's own domain, which signs everything
   * second, the handle in `Feedback-ID` names the member.
   */
  function memberOf({ kind, subject }: Pick<StoredDay, "kind" | "subject">): { did: string; domain: string } {
    if (kind === "member") return { did: subject, domain: members.domainsOf(subject)[0]?.name ?? "" };
    const [name = "", id] = kind === "address" ? [] : subject.split("/");
    const row = members.domain(name);
    if (row) return { did: row.did, domain: row.name };
    const named = id === undefined ? undefined : members.list().find(({ handle }) => handle === id);
    if (named) return { did: named.did, domain: members.domainsOf(named.did)[0]?.name ?? "" };
    return { did: parts.authority, domain: parts.domain };
  }

  /** A domain that another member has by now begins anew: nobody reads what was said of who had it before. */
  function isForgotten({ kind, subject, seenAt }: StoredSubject, now: number): boolean {
    const before = now - KEPT_AFTER_LEAVING_DAYS * DAY_MS;
    const hasLeft = (did: string) => {
      const member = members.get(did);
      return member?.membership === "left" && (member.left_at ?? now) < before;
    };
    if (kind === "address") return false;
    if (kind === "member") return hasLeft(subject);
    const [name = "", id] = subject.split("/");
    const labels = name.split(".");
    const above = labels.map((_, i) => labels.slice(i).join("."));
    const row = above.map((one) => members.domain(one)).find((one) => one !== undefined);
    if (row) return seenAt < row.added_at;
    if (!above.includes(parts.domain)) return seenAt < before;
    const named = id === undefined ? undefined : members.list().find(({ handle }) => handle === id);
    return named !== undefined && hasLeft(named.did);
  }

  function forgetOthers(): void {
    const now = clock.now();
    for (const one of store.subjects()) if (isForgotten(one, now)) store.forget(one);
  }

  /** Told at least once; the event's key makes it once. */
  async function tell(): Promise<void> {
    for (;;) {
      const rows = store.untold(AT_ONCE);
      if (rows.length === 0) return;
      const events = rows.map((row) => {
        const from = dayName(Date.parse(row.day) - (WINDOW_DAYS - 1) * DAY_MS);
        const window = store.days(row, from, row.day);
        const member = memberOf(row);
        return {
          key: member.did,
          value: newEvent("provider_reported", providerReported(row, member, window)),
        };
      });
      await bus.publish(EVENTS_TOPIC, events);
      db.transaction(() => rows.forEach((row) => store.told(row)));
    }
  }

  /** What we know without asking anybody. */
  function count(): void {
    const now = clock.now();
    const yahoo = yahooFigures(evidence, now);
    store.save(yahoo, "yahoo", now);
    const addresses = parts.egress()?.status(now) ?? [];
    const seen = blocklistFigures(addresses, now, (subject, day) =>
      store.day({ provider: "blocklists", kind: "address", subject }, day),
    );
    store.save(seen, "blocklists", now);
    store.sweep(dayName(now - KEPT_DAYS * DAY_MS), now - KEPT_DAYS * DAY_MS);
  }

  async function pass(): Promise<void> {
    forgetOthers();
    count();
    await collector.lookWhereDue();
    for (const one of store.connections())
      if (one.broken)
        log.warn({ provider: one.provider, why: one.broken.why }, "a provider is to be connected anew");
    await tell();
  }
  parts.scheduler.every({ name: "figures of providers", everyMs: 900_000, run: pass });

  return {
    store,
    memberOf,
    pass,
    tell,
    async connect(...login: Parameters<typeof collector.connect>) {
      forgetOthers();
      const looked = await collector.connect(...login);
      await tell();
      return looked;
    },
    async fetch(provider: Parameters<typeof collector.look>[0]) {
      forgetOthers();
      const looked = await collector.look(provider);
      await tell();
      return looked;
    },
    /** The last `count` days before today, as the pages show them, the oldest first. */
    lastDays(count: number): string[] {
      const now = clock.now();
      return daysBetween(dayName(now - count * DAY_MS), dayName(now - DAY_MS));
    },
  };
}
