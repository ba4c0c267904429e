import type { LateTime } from "./view-delivery.ts";
import type { ActionName, BounceWindow } from "../event/index.ts";
import type { Application } from "../member/index.ts";
import type { RecipientState } from "../spool/index.ts";
import type { Standing, Tier } from "../policy/index.ts";
import type { ProviderState } from "./provider-view.ts";
import type { EgressView, MeasureLine } from "./view-egress.ts";
import type { MemberPause, PublicLabel } from "./view-member.ts";

export type DayVolume = { day: string; delivered: number; deferred: number; bounced: number };

export type LabelledOperator = { did: string; domain: string; labels: string[]; since: number };

/** Everything on it is public: no standing, no rate and no volume of a named member. */
export type PublicOverview = {
  asOf: number;
  today: {
    /** Messages accepted from members. */
    messages: number;
    /** Recipients by outcome. */
    delivered: number;
    deferred: number;
    bounced: number;
  };
  /** Recipients by outcome, the last seven days, oldest first; the last is today. */
  days: DayVolume[];
  together: {
    /** Messages a day from which a large provider shows a sender its own figures. */
    threshold: number;
    /** Mean messages a day of each operator, without names, in any order. */
    operators: number[];
  };
  operators: LabelledOperator[];
  labeler: { did: string; url: string };
  allowlist: {
    /** Zone of DKIM domains, without the last dot. */
    zone: string;
    serial: number;
    entries: number;
    publishedAt: number;
    /** An entry that is listed now, for the example; null when the list is empty. */
    example: { domain: string; answer: string } | null;
    /** `@host -p port` arguments where the zone is not in the public DNS. */
    digServer: string | null;
  } | null;
  recentLabels: PublicLabel[];
};

export type CommitteeMember = {
  did: string;
  domain: string;
  standing: Standing;
  paused: boolean;
  tier: Tier;
  today: number;
  /** Messages of the last seven days, oldest first. */
  week: number[];
  bounce: BounceWindow | null;
  lastEvent: { action: ActionName; at: number } | null;
};

export type ChangeLine = {
  id: string;
  at: number;
  did: string;
  domain: string;
  from: Standing;
  to: Standing;
  cause: string;
  /** Name of the rule; null when a person or time decided. */
  rule: string | null;
  /** The person who decided; null when a rule or time did. */
  by: string | null;
};

export type EventLine = {
  id: string;
  at: number;
  action: ActionName;
  did: string;
  domain: string;
  /** One line without addresses. */
  summary: string;
};

export type CommitteeOverview = {
  overview: PublicOverview;
  /** Those that wait for a decision, the longest first. */
  applications: Application[];
  /** Those that have not ended, the oldest first. */
  pauses: (MemberPause & { domain: string })[];
  /** Open ones, those first that are due first. */
  cases: CaseLine[];
  members: CommitteeMember[];
  changes: ChangeLine[];
  events: EventLine[];
  /** Recipients in the spools now; a state that is absent counts none. */
  queue: Partial<Record<RecipientState, number>>;
  /** When the oldest recipient that still waits was accepted. */
  oldestWaiting: number | null;
  /** Where login codes of several members are late now. */
  lateCodes: Omit<LateTime, "isPools" | "until">[];
  /** In force now, those that end last first. */
  measures: MeasureLine[];
  /** The addresses that mail leaves from; null where no relay runs. */
  egress: EgressView | null;
  /** Logins by which figures of providers are fetched. */
  providers: ProviderState[];
};

/** What only a person decides. Times in ms since the epoch. */
export type CaseLine = {
  id: number;
  did: string;
  domain: string;
  /** The change of standing that it is about; null when it is about something else. */
  change: string | null;
  /** A question or a sentence. */
  title: string;
  /** The member's own words, or empty. */
  words: string;
  openedAt: number;
  dueAt: number;
  isOverdue: boolean;
};
