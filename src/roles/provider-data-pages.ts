import { DAY_MS, type Clock } from "../lib/clock.ts";
import {
  complianceLines,
  CONNECTED,
  judge,
  type Figures,
  type ProviderStore,
  type StoredDay,
  type StoredSubject,
} from "../provider-data/index.ts";
import type { ProviderPages, ProviderState, ProviderSubject } from "../web/index.ts";
import type { Core } from "./core/index.ts";
import type { ProviderDesk } from "./provider-data.ts";

const SHOWN_DAYS = 30;
/** Without a look that worked for so long, figures are late. */
const LATE_MS = 2 * DAY_MS;

/** Fills the pages of provider data. */
export function createProviderPages(parts: {
  desk: ProviderDesk;
  members: Core["members"];
  clock: Clock;
}): ProviderPages {
  const { desk, members, clock } = parts;
  const { store } = desk;

  function shown(subject: StoredSubject): ProviderSubject {
    const days = desk.lastDays(SHOWN_DAYS);
    const rows = store.days(subject, days[0]!, days.at(-1)!);
    const known = new Map(rows.map((row) => [row.day, row]));
    const newest = rows.at(-1);
    return {
      provider: subject.provider,
      kind: subject.kind,
      name: subject.kind === "member" ? desk.memberOf(subject).domain || subject.subject : subject.subject,
      unit:
        subject.provider === "gmail"
          ? "spam reports"
          : subject.provider === "yahoo"
            ? "complaints"
            : subject.provider === "microsoft"
              ? "verdict"
              : "blocklists",
      days: days.map((day) => dayOf(day, known.get(day))),
      figures: newest ? figureLines(newest.figures) : [],
      figuresOf: newest?.day ?? null,
      compliance: subject.compliance && complianceLines(subject.compliance),
    };
  }

  return {
    ofPool: () => ({
      asOf: clock.now(),
      connections: providerStates(store, clock.now()),
      subjects: store.subjects().map(shown),
      member: null,
    }),
    ofMember(did) {
      if (!members.get(did)) return null;
      const own = store
        .subjects()
        .filter((one) => one.kind !== "address" && desk.memberOf(one).did === did)
        .map(shown);
      const domain = members.domainsOf(did)[0]?.name ?? did;
      return { asOf: clock.now(), connections: null, subjects: own, member: { did, domain } };
    },
  };
}

/** How each connection is: for the committee's pages. */
export function providerStates(store: Pick<ProviderStore, "connection">, now: number): ProviderState[] {
  return CONNECTED.map((provider): ProviderState => {
    const one = store.connection(provider);
    if (!one) return { provider, state: "none", since: null, fetchedAt: null, why: "" };
    const { fetchedAt, said: why } = one;
    if (one.broken)
      return { provider, state: "broken", since: one.broken.since, fetchedAt, why: one.broken.why };
    const late = now - (fetchedAt ?? one.connectedAt) > LATE_MS;
    return { provider, state: late ? "late" : "good", since: fetchedAt ?? one.connectedAt, fetchedAt, why };
  });
}

function dayOf(day: string, row: StoredDay | undefined): ProviderSubject["days"][number] {
  if (!row) return { day, value: null, level: null, words: null };
  const judged = judge(row.provider, row.figures);
  return {
    day,
    value: valueOf(row),
    level: judged?.level ?? null,
    words: judged?.words ?? "figures, but none of this",
  };
}

function valueOf({ provider, figures }: StoredDay): number | null {
  const number = (name: string) => (typeof figures[name] === "number" ? figures[name] : null);
  if (provider === "gmail") return number("spam_rate");
  if (provider === "blocklists") return number("listed");
  // Its rates are bounds most of the time: what is drawn is the verdict.
  if (provider === "microsoft") return null;
  const [complaints, delivered] = [number("complaints"), number("delivered")];
  return complaints === null || !delivered ? (complaints === 0 ? 0 : null) : complaints / delivered;
}

const NAMES: Record<string, string> = {
  spam_rate: "Reported as spam",
  spf_rate: "Passes SPF",
  dkim_rate: "Passes DKIM",
  dmarc_rate: "Passes DMARC",
  tls_rate: "Came over TLS",
  delivery_error_rate: "Refused or deferred",
  rcpt_commands: "RCPT commands",
  data_commands: "DATA commands",
  recipients: "Recipients",
  filter: "Filter",
  complaint_rate: "Complaints",
  complaint_rate_below: "Complaints below",
  trap_hits: "To spam traps",
  blocked: "Blocked",
  blocked_reason: "Why",
  complaints: "Complaints",
  delivered: "Delivered",
  listed: "Lists that have it",
  lists: "Which",
  asked: "Lists that answered",
  reverse_dns: "Reverse DNS fits",
};

function figureLines(figures: Figures): { name: string; value: string }[] {
  return Object.entries(NAMES).flatMap(([key, name]) => {
    const value = figures[key];
    if (value === undefined || value === "") return [];
    return [{ name, value: valueWords(key, value) }];
  });
}

function valueWords(key: string, value: Figures[string]): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return value;
  return key.includes("_rate") ? `${Number((value * 100).toFixed(3))} %` : value.toLocaleString("en-GB");
}
