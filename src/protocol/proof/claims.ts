import { z } from "zod";

const MONTHS_MOST = 24;
const CHANGES_MOST = 200;
const LABELS_MOST = 100;

const time = z.iso.datetime();
const count = z.number().int().nonnegative();
const Rates = z.strictObject({
  /** Recipients that the rate is of. */
  of: count,
  /** Those that the rate counts. */
  counted: count,
  /** `counted / of`, 0 to 1, six digits after the point; null where `of` is 0. */
  rate: z.number().min(0).max(1).nullable(),
});
const Month = z.strictObject({
  /** `2026-01`, in UTC. */
  month: z.string().regex(/^\d{4}-\d{2}$/),
  /** Messages. */
  accepted: count,
  /** Recipients. */
  delivered: count,
  bounced: count,
  complaints: count,
});

/** What a proof of reputation says: docs/export.md. Names of RFC 7519 where it has them. */
export const ProofClaims = z.strictObject({
  /** Version of these claims. */
  v: z.literal(1),
  /** DID of the labeler, by whose key it is signed. */
  iss: z.string().startsWith("did:").max(2_048),
  /** DID of the member. */
  sub: z.string().startsWith("did:").max(2_048),
  /** Seconds since the epoch. */
  iat: z.number().int(),
  /** The same instant as `iat`: everything here was so then. */
  asOf: time,
  cooperative: z.string().max(300),
  membership: z.strictObject({
    state: z.enum(["member", "left"]),
    /** When a person admitted it, the last time. */
    since: time,
    until: time.nullable(),
    tier: z.string().max(50),
  }),
  standing: z.strictObject({
    current: z.string().max(50),
    since: time,
    /** The latest changes, the oldest first. */
    history: z
      .array(
        z.strictObject({
          at: time,
          from: z.string().max(50),
          to: z.string().max(50),
          cause: z.string().max(200),
          decided: z.enum(["rule", "person", "time"]),
        }),
      )
      .max(CHANGES_MOST),
    /** How many there are in all. */
    changes: count,
  }),
  /** From this day on is counted below; what was before is no longer kept. */
  countedFrom: time,
  volumes: z.array(Month).max(MONTHS_MOST),
  /** Of the last recipients that count, as rules see them. */
  bounces: Rates,
  /** Of 90 days. */
  complaints: Rates,
  labels: z
    .array(z.strictObject({ val: z.string().max(128), uri: z.string().max(8_192), since: time }))
    .max(LABELS_MOST),
});
export type ProofClaims = z.infer<typeof ProofClaims>;

/** What is known of a member. Times in ms since the epoch, days counted from 1970-01-01. */
export type ProofFacts = {
  iss: string;
  sub: string;
  asOf: number;
  cooperative: string;
  membership: { state: "member" | "left"; approvedAt: number; leftAt: number | null; tier: string };
  standing: { current: string; since: number };
  /** All changes, in any order. */
  changes: readonly {
    id: number;
    at: number;
    from: string;
    to: string;
    cause: string;
    rule: string | null;
    by: string | null;
  }[];
  /** Days before this are no longer kept. */
  keptFrom: number;
  days: readonly { day: number; accepted: number; delivered: number; bounced: number; complaints: number }[];
  bounces: { eligible: number; hard: number };
  complaints: { eligible: number; complainants: number };
  labels: readonly { val: string; uri: string; since: number }[];
};

const DAY_MS = 86_400_000;
const iso = (at: number) => new Date(at).toISOString();

/** The claims that follow from the facts, and from nothing else: the same facts give the same claims. */
export function claimsOf(facts: ProofFacts): ProofClaims {
  const { membership, standing } = facts;
  // Whole seconds, so that `iat` and `asOf` are the same instant.
  const iat = Math.floor(facts.asOf / 1_000);
  const asOf = iat * 1_000;
  const countedFrom = Math.max(startOfDay(facts.keptFrom), startOfDay(membership.approvedAt));
  const history = facts.changes.toSorted((a, b) => a.at - b.at || a.id - b.id);
  return {
    v: 1,
    iss: facts.iss,
    sub: facts.sub,
    iat,
    asOf: iso(asOf),
    cooperative: facts.cooperative,
    membership: {
      state: membership.state,
      since: iso(membership.approvedAt),
      until: membership.leftAt === null ? null : iso(membership.leftAt),
      tier: membership.tier,
    },
    standing: {
      current: standing.current,
      since: iso(Math.max(standing.since, membership.approvedAt)),
      history: history.slice(-CHANGES_MOST).map(({ at, from, to, cause, rule, by }) => ({
        at: iso(at),
        from,
        to,
        cause,
        decided: rule !== null ? "rule" : by !== null ? "person" : "time",
      })),
      changes: history.length,
    },
    countedFrom: iso(countedFrom),
    volumes: monthsOf(facts.days.filter(({ day }) => day * DAY_MS >= countedFrom)),
    bounces: rateOf(facts.bounces.eligible, facts.bounces.hard),
    complaints: rateOf(facts.complaints.eligible, facts.complaints.complainants),
    labels: facts.labels
      .map(({ val, uri, since }) => ({ val, uri, since: iso(since) }))
      .toSorted((a, b) => (`${a.uri} ${a.val}` < `${b.uri} ${b.val}` ? -1 : 1))
      .slice(0, LABELS_MOST),
  };
}

const startOfDay = (at: number) => Math.floor(at / DAY_MS) * DAY_MS;

function rateOf(of: number, counted: number): ProofClaims["bounces"] {
  // A complaint can be of mail that no longer counts.
  return { of, counted, rate: of === 0 ? null : Math.round(Math.min(1, counted / of) * 1e6) / 1e6 };
}

function monthsOf(days: ProofFacts["days"]): ProofClaims["volumes"] {
  const months = Map.groupBy(days, ({ day }) => iso(day * DAY_MS).slice(0, 7));
  return [...months]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .slice(-MONTHS_MOST)
    .map(([month, all]) => {
      const sum = (name: "accepted" | "delivered" | "bounced" | "complaints") =>
        all.reduce((total, day) => total + Math.max(0, day[name]), 0);
      return {
        month,
        accepted: sum("accepted"),
        delivered: sum("delivered"),
        bounced: sum("bounced"),
        complaints: sum("complaints"),
      };
    });
}
