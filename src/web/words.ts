import type { ActionName } from "../event/index.ts";
import type { Standing, Tier } from "../policy/index.ts";
import type { Tone } from "./components.tsx";
import type { EvidenceValue, Finding, RecipientState } from "./view.ts";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Between a number and its unit: a line does not break there. */
const NBSP = "\u00a0";

/** `12 Mar 2026` of an instant in ms, UTC. */
export function formatDate(at: number): string {
  const d = new Date(at);
  return `${d.getUTCDate()} ${MONTHS[d.getUTCMonth()]} ${d.getUTCFullYear()}`;
}

/** `12 Mar 2026, 14:05 UTC` of an instant in ms. */
export function formatTime(at: number): string {
  return `${formatDate(at)}, ${new Date(at).toISOString().slice(11, 16)} UTC`;
}

/** `12,345` of a whole number. */
export function formatCount(n: number): string {
  return Math.round(n).toLocaleString("en-GB");
}

/** `1.4 %` of a share between 0 and 1: two digits that count, never more than one decimal above 1 %. */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent === 0) return `0${NBSP}%`;
  if (percent < 0.1) return `${percent.toFixed(3)}${NBSP}%`;
  return `${percent.toFixed(percent < 1 ? 2 : 1)}${NBSP}%`;
}

/** `99.4 %` of a probability; near certainty is said as such, never as 100 %. */
export function formatProbability(p: number): string {
  if (p > 0.999) return `above 99.9${NBSP}%`;
  if (p < 0.001) return `below 0.1${NBSP}%`;
  return `${(p * 100).toFixed(1)}${NBSP}%`;
}

/** `4.2 kB` of a number of octets. */
export function formatSize(octets: number): string {
  if (octets < 1_000) return `${octets}${NBSP}B`;
  if (octets < 1_000_000) return `${(octets / 1_000).toFixed(1)}${NBSP}kB`;
  return `${(octets / 1_000_000).toFixed(1)}${NBSP}MB`;
}

/** `Mon` of a `YYYY-MM-DD`. */
export function formatWeekday(day: string): string {
  return ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][new Date(`${day}T00:00:00Z`).getUTCDay()] ?? day;
}

export const STANDING_WORDS: Record<Standing, { tone: Tone; name: string; effect: string }> = {
  good: { tone: "ok", name: "Good", effect: "Mail flows within the limits of the tier." },
  warned: {
    tone: "note",
    name: "Warned",
    effect: "The same limits, and a notice with its cause and remedy.",
  },
  probation: {
    tone: "warn",
    name: "Probation",
    effect: "A quarter of the limits of the tier; transactional mail only.",
  },
  suspended: {
    tone: "bad",
    name: "Suspended",
    effect: "Nothing is sent. New mail is refused with a link to the reason; queued mail is held.",
  },
  ejected: {
    tone: "idle",
    name: "Ejected",
    effect: "Membership has ended. A new application is the way back.",
  },
};

export const TIER_WORDS: Record<Tier, string> = {
  new: "New",
  warming: "Warming",
  steady: "Steady",
  trusted: "Trusted",
};

export const STATE_WORDS: Record<RecipientState, { tone: Tone; name: string }> = {
  queued: { tone: "idle", name: "Queued" },
  held: { tone: "note", name: "Held" },
  deferred: { tone: "note", name: "Deferred" },
  delivered: { tone: "ok", name: "Delivered" },
  bounced: { tone: "bad", name: "Bounced" },
  suppressed: { tone: "idle", name: "Suppressed" },
  expired: { tone: "bad", name: "Expired" },
  returned: { tone: "warn", name: "Returned" },
  dropped: { tone: "idle", name: "Not sent, dropped" },
};

export const EVENT_WORDS: Record<ActionName, { tone: Tone; name: string }> = {
  message_accepted: { tone: "ok", name: "Message accepted" },
  message_held: { tone: "note", name: "Message held" },
  message_refused: { tone: "warn", name: "Message refused" },
  recipient_delivered: { tone: "ok", name: "Delivered" },
  recipient_deferred: { tone: "note", name: "Deferred" },
  recipient_bounced: { tone: "bad", name: "Bounced" },
  recipient_expired: { tone: "bad", name: "Expired" },
  recipient_dropped: { tone: "warn", name: "Dropped by a person" },
  recipient_unsubscribed: { tone: "note", name: "Unsubscribed from bulk mail" },
  complaint_received: { tone: "bad", name: "Complaint" },
  report_received: { tone: "idle", name: "Report received" },
  provider_reported: { tone: "idle", name: "Provider figures" },
  test_arrived: { tone: "idle", name: "Test mail arrived" },
  domain_checked: { tone: "idle", name: "Domain checked" },
  member_paused: { tone: "warn", name: "Paused" },
  member_resumed: { tone: "ok", name: "Resumed" },
  first_contacts_slowed: { tone: "warn", name: "First contacts slowed" },
  provider_slowed: { tone: "note", name: "A provider slows us down" },
  provider_paused: { tone: "warn", name: "A provider wants no mail for a while" },
  member_held_at_provider: { tone: "warn", name: "A provider wants no mail of the member for a while" },
  notice_concluded: { tone: "idle", name: "Mail to the member" },
  standing_changed: { tone: "note", name: "Standing changed" },
  member_joined: { tone: "ok", name: "Joined" },
  member_left: { tone: "idle", name: "Left" },
  credential_used_anew: { tone: "note", name: "Credential used from a new place" },
};

/** How a check ended. */
export const OUTCOME_WORDS: Record<Finding["outcome"], { tone: Tone; name: string }> = {
  pass: { tone: "ok", name: "Passes" },
  warn: { tone: "note", name: "Could be better" },
  fail: { tone: "bad", name: "Fails" },
  temperror: { tone: "idle", name: "No answer" },
};

export const LABEL_WORDS: Record<string, string> = {
  "verified-mail-operator": "A mail domain of this operator is proven its own, and its DNS is sound.",
  "relay-member": "This member sends through the pool.",
  "verified-member": "A person has vetted this member.",
  "clean-sender": "A long record of clean mail.",
};

type Spoken = { name: string; format: (value: number) => string };

const count = (name: string): Spoken => ({ name, format: formatCount });
const share = (name: string): Spoken => ({ name, format: formatShare });
const sure = (name: string): Spoken => ({ name, format: formatProbability });

/** Fields of the windows (`src/event/windows.ts`) that decide about a standing. */
const EVIDENCE: Record<string, Spoken> = {
  eligible: count("Recipients that count"),
  hard: count("Of them do not exist"),
  distinct: count("Different addresses that do not exist"),
  rate: share("Observed rate"),
  p_over_5: sure("How sure it is that more than 5 % do not exist"),
  p_over_10: sure("How sure it is that more than 10 % do not exist"),
  first_contacts: count("First contacts among them, which strangers can bring about"),
  domains: count("Different domains that these addresses are at"),
  complaints: count("Complaints"),
  complainants: count("Different people who complained"),
  p_over_01: sure("How sure it is that more than 0.1 % complain"),
  p_over_05: sure("How sure it is that more than 0.5 % complain"),
  newcomers: count("Of them had signed up within seven days"),
  by_strangers: count("More than half could be brought about by strangers"),
  cause: count("What the breaker saw"),
  templates: count("Texts of the mail that was stopped"),
  template_deliveries: count("Recipients who had got the least known of them before"),
  recipients: count("Different people it was meant for"),
  known_share: share("Of them had been written to before"),
  first_time_hard: count("Of the last 20 first contacts do not exist"),
  confirmable: count("The breaker's pause was open"),
  spam_rate: share("Mean share that Gmail says was reported as spam"),
  days: count("Days of the last seven with figures"),
  days_over: count("Days of them above Gmail's line"),
  good_days: count("Days in good standing"),
};

/** One evidence value in words: what it is, how much, and what the rule asked for. */
export function evidenceWords(evidence: EvidenceValue): {
  name: string;
  value: string;
  asked: string | null;
} {
  const known = EVIDENCE[evidence.key];
  const say = (value: EvidenceValue["value"]) => {
    if (typeof value === "boolean") return value ? "yes" : "no";
    return known && typeof value === "number" ? known.format(value) : String(value);
  };
  return {
    name: known?.name ?? evidence.key.replaceAll("_", " "),
    value: say(evidence.value),
    asked: evidence.threshold === null ? null : `${say(evidence.threshold)} or more`,
  };
}
