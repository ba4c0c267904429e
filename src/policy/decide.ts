import type { Bucket } from "../lib/gcra.ts";
import { heldBucket, limitsOf, take, type BucketName, type LimitState } from "./limits.ts";
import type { CredentialPolicy, DomainPolicy, MemberPolicy } from "./types.ts";

type DecisionReason =
  | "ok"
  | "suspended"
  | "ejected"
  | "revoked"
  | "foreign-domain"
  | "bulk-on-probation"
  | "over-limit"
  | "too-many-at-once"
  | "paused"
  | "domain-held";

/** The answer to a submission. `code`, `enhanced` and `text` make the SMTP reply; `reason` is for counting. */
export type Decision = {
  outcome: "accept" | "hold" | "defer" | "refuse";
  code: number;
  enhanced: string;
  text: string;
  reason: DecisionReason;
};

export type DecideInput = {
  stage: "mail" | "rcpt" | "data";
  member: MemberPolicy;
  credential: CredentialPolicy;
  /** Of MAIL FROM, and at `data` of the `From:` field. Undefined while it is not known. */
  fromDomain: string | undefined;
  /** Known at `data`. */
  stream?: string;
  /** Recipients of this transaction, the one being asked about included; at `mail` it counts as one. */
  recipients: number;
  limits: LimitState;
  now: number;
};

/** What a decision takes from, when it is to accept or hold. */
export type Charge = { buckets: Partial<Record<BucketName, Bucket>>; cost: number };

/** May this be sent now? Every stage asks all questions: a client that pipelines has not waited for the last answer. */
export function decide(input: DecideInput): Decision {
  const { member, credential, fromDomain } = input;
  const { standing } = member;
  if (standing === "suspended" || standing === "ejected") {
    return refuse(standing, 550, "5.7.1", sentence(`This member is ${standing}`, member));
  }
  if (credential.revoked) {
    return refuse("revoked", 535, "5.7.8", "This credential has been revoked; make a new one in the portal");
  }
  const domain = fromDomain === undefined ? undefined : domainOf(member, fromDomain);
  if (fromDomain !== undefined && (!domain || !credential.domains.includes(domain.name))) {
    return refuse(
      "foreign-domain",
      550,
      "5.7.1",
      `${clean(fromDomain)} is not a domain of this credential, which may send as ${credential.domains.join(", ")}`,
    );
  }
  if (standing === "probation" && input.stream === "bulk") {
    return refuse(
      "bulk-on-probation",
      550,
      "5.7.1",
      sentence("On probation only transactional mail is taken", member),
    );
  }
  const over = overLimit(input);
  if (over) return over;
  if (isPaused(member, credential)) {
    return {
      outcome: "hold",
      ...OK,
      reason: "paused",
      text: "Held: sending is paused until it is confirmed",
    };
  }
  if (domain?.status === "held") {
    return {
      outcome: "hold",
      ...OK,
      reason: "domain-held",
      text: `Held: the DNS records of ${domain.name} do not pass their check`,
    };
  }
  return { outcome: "accept", ...OK, reason: "ok", text: "OK" };
}

const OK = { code: 250, enhanced: "2.0.0" };

/** The buckets that a submission of this member and credential takes from. */
export function chargeOf(member: MemberPolicy, credential: CredentialPolicy, cost: number): Charge {
  const limits = limitsOf(member);
  return { buckets: isPaused(member, credential) ? { held: heldBucket(limits) } : limits, cost };
}

function overLimit(input: DecideInput): Decision | undefined {
  const { member, credential, recipients, limits, now } = input;
  const { buckets, cost } = chargeOf(member, credential, Math.max(1, recipients));
  const result = take(buckets, limits, now, cost);
  if (result.ok) return undefined;
  if (result.retryAfterMs === Infinity) {
    const most = Math.min(...Object.values(buckets).map((bucket) => bucket.burst));
    return refuse(
      "too-many-at-once",
      550,
      "5.5.3",
      `${cost} recipients at once; ${most} is the most for this member, send it in parts`,
    );
  }
  const { bucket, limit, retryAfterMs } = result;
  const wait = Math.ceil(retryAfterMs / 1000);
  const note =
    member.standing === "probation" && member.reason ? `; ${sentence("on probation", member)}` : "";
  return {
    outcome: "defer",
    code: 451,
    enhanced: "4.7.1",
    reason: isPaused(member, credential) ? "paused" : "over-limit",
    text: `Over the limit of ${limit.limit} recipients ${PERIOD[bucket] ?? `in ${limit.periodMs / 60_000} minutes`}, try again in ${wait} seconds${note}`,
  };
}

const PERIOD: Partial<Record<BucketName, string>> = { hour: "an hour", day: "a day", held: "waiting" };

function isPaused(member: MemberPolicy, credential: CredentialPolicy): boolean {
  return member.paused === true || credential.paused === true;
}

export type HoldReason = Extract<DecisionReason, "suspended" | "ejected" | "paused" | "domain-held">;

/** Why what is in the spool may not go out now; undefined: it may. */
export function whyHeld(
  member: MemberPolicy,
  fromDomain: string,
  credentialId: string | null,
): HoldReason | undefined {
  if (member.standing === "suspended" || member.standing === "ejected") return member.standing;
  if (member.paused || member.credentials.some((c) => c.id === credentialId && c.paused)) return "paused";
  return domainOf(member, fromDomain)?.status === "active" ? undefined : "domain-held";
}

/** May what is already in the spool go out now? */
export function mayDeliver(member: MemberPolicy, fromDomain: string, credentialId: string | null): boolean {
  return whyHeld(member, fromDomain, credentialId) === undefined;
}

/** The entry of `names` that `name` is, or is a subdomain of; the longest one. */
export function coveringDomain(names: readonly string[], name: string): string | undefined {
  const lower = name.toLowerCase();
  return names
    .filter((entry) => lower === entry || lower.endsWith("." + entry))
    .sort((a, b) => b.length - a.length)[0];
}

/**
 * The most specific domain of the member that `name` is, or is a subdomain of. A subdomain that is a domain of its own
 * has its own keys, checks and credentials: those of its parent do not reach into it.
 */
export function domainOf(member: MemberPolicy, name: string): DomainPolicy | undefined {
  const covering = coveringDomain(
    member.domains.map((d) => d.name),
    name,
  );
  return member.domains.find((d) => d.name === covering);
}

function refuse(reason: DecisionReason, code: number, enhanced: string, text: string): Decision {
  return { outcome: "refuse", code, enhanced, text, reason };
}

function sentence(what: string, { reason }: MemberPolicy): string {
  return reason ? `${what}: ${clean(reason.text)} See ${clean(reason.url)}` : what;
}

/** One line of bounded length, for a reply. */
function clean(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, " ").slice(0, 200);
}
