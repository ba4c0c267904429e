import { CONTACT_MS, overBudget, type ContentFacts } from "../breaker/index.ts";
import { heldCharge, sendingCharges, take, type Charge, type ChargeInput } from "./charge.ts";
import { domainOf } from "./domains.ts";
import { holdOf, type PolicyHold } from "./holds.ts";
import type { LimitState, PoolLimits } from "./limits.ts";
import { clean, named, OUTCOMES, type DecisionReason, type PauseCause } from "./outcomes.ts";
import type { CredentialPolicy, DomainPolicy, MemberPolicy } from "./types.ts";

/** The answer to a submission. `code`, `enhanced` and `text` make the reply; `reason` is its name everywhere else. */
export type Decision = {
  outcome: "accept" | "hold" | "defer" | "refuse";
  reason: DecisionReason;
  code: number;
  enhanced: string;
  /** Ends with ` [reason]`, except when it is `OK`. */
  text: string;
  /** Accepted, and paced: it leaves so many ms later, 600,000 at most. */
  waitMs: number;
  /** Of a hold: whose it is. */
  owner?: PolicyHold["owner"];
  /** The breaker trips: the credential is to be paused (`PolicyBook.pause`), whatever the outcome. */
  pause?: { cause: PauseCause };
};

export type DecideInput = {
  /** `api` is `data` without SMTP. */
  stage: "mail" | "rcpt" | "data" | "api";
  member: MemberPolicy;
  credential: CredentialPolicy;
  /** Of MAIL FROM, and at `data` of the `From:` field. Undefined while it is not known. */
  fromDomain: string | undefined;
  /** Known at `data`. */
  stream?: string;
  /** Recipients of this transaction, the one being asked about included; at `mail` it counts as one. */
  recipients: number;
  /** The domain of each of them, as far as they are known. */
  recipientDomains?: readonly string[];
  /** Why the recipient that is being asked about is not to be written to. */
  suppressed?: string;
  /** The one recipient is a test address of the member: it leads to the pool itself. */
  test?: boolean;
  /** Undefined while the content is not known. */
  facts?: ContentFacts;
  /** Of the member and of the pool (`PolicyBook.limits`). */
  limits: LimitState;
  poolLimits?: PoolLimits;
  now: number;
};

/**
 * May this be sent now? Every stage asks all questions: a client that pipelines has not waited for the last answer.
 * The order is that of the answers: what is never taken, what is not taken now, what waits, what leaves.
 */
export function decide(input: DecideInput): Decision {
  const plan = planOf(input);
  return "refusal" in plan ? plan.refusal : plan.decision;
}

/** A decision with what it takes from the limits, and their values after that. */
export type Plan =
  | { refusal: Decision }
  | { decision: Decision; waitMs: number; charges: Charge[]; state: Record<string, number> };

export function planOf(input: DecideInput): Plan {
  const domain = input.fromDomain === undefined ? undefined : domainOf(input.member, input.fromDomain);
  const never = neverTaken(input, domain);
  if (never) return { refusal: never };

  const notHere = notTakenHere(input);
  if (notHere) return { refusal: notHere };

  const { limits, now } = input;
  const hold = holdNow(input, domain);
  const charges = chargesOf(input, domain, hold);
  const taken = take(charges, limits, now);
  const pause = hold?.trips ? { pause: { cause: hold.trips } } : {};
  if (!taken.ok) {
    return { refusal: { ...overLimit(taken.charge, taken.retryAfterMs, input.member), ...pause } };
  }
  const { waitMs, state } = taken;
  if (hold) {
    const text = named(hold.reason, hold.words);
    const decision = { ...answer("hold", hold.reason, text), owner: hold.owner, ...pause };
    return { decision, charges, waitMs, state };
  }
  const decision =
    waitMs > 0
      ? { ...answer("accept", "paced", named("paced", `Paced by ${seconds(waitMs)} seconds`)), waitMs }
      : answer("accept", "ok", "OK");
  return { decision, charges, waitMs, state };
}

/** The reply to an accepted or held message (`2.0.0 Queued as ...`), without code and enhanced code. */
export function acceptedText({ outcome, reason, waitMs }: Decision, id: string): string {
  if (outcome === "hold") return `Held as ${id} [${reason}]`;
  return waitMs > 0 ? `Queued as ${id}, paced by ${seconds(waitMs)} seconds [paced]` : `Queued as ${id}`;
}

function neverTaken(input: DecideInput, domain: DomainPolicy | undefined): Decision | undefined {
  const { member, credential, fromDomain, stream } = input;
  const { standing, membership } = member;
  if (standing === "suspended" || standing === "ejected") {
    return refuse(standing, because(`This member is ${standing}`, member));
  }
  if (membership === "left") return refuse("left", because("This member has left the cooperative", member));
  // Who it is for is not known at MAIL.
  if (membership === "applicant" && !input.test && input.stage !== "mail") {
    const waits =
      "The application waits for the committee's approval; until then test addresses alone are written to";
    return refuse("applicant", because(waits, member));
  }
  if (credential.revoked) {
    return refuse("revoked", "This credential has been revoked; make a new one in the portal");
  }
  if (fromDomain !== undefined && (!domain || !credential.domains.includes(domain.name))) {
    const may = clean(credential.domains.join(", "));
    return refuse(
      "foreign-domain",
      `${clean(fromDomain)} is not a domain of this credential, which may send as ${may}`,
    );
  }
  if (stream !== undefined && !credential.streams.some((allowed) => allowed === stream)) {
    const may = credential.streams.join(" and ") || "nothing";
    return refuse("stream", `This credential does not send ${clean(stream, 40)} mail, but ${may}`);
  }
  if (standing === "probation" && stream === "bulk") {
    return refuse("bulk-on-probation", because("On probation only transactional mail is taken", member));
  }
  if (input.suppressed !== undefined) return refuse("suppressed", input.suppressed);
  return undefined;
}

/** Suspended members are refused before: what the last word of core was holds, however long ago it was. */
function notTakenHere({ member, poolLimits }: DecideInput): Decision | undefined {
  const state = poolLimits?.node?.() ?? "serving";
  if (state === "serving") return undefined;
  if (state === "draining") {
    const words = "This node is being emptied, try again: another one answers";
    return answer("defer", "draining", named("draining", words));
  }
  const isGood = member.standing === "good" || member.standing === "warned";
  if (state === "cut-off" && isGood && member.membership === "member") return undefined;
  const words = "This node has lost the rest of the pool, try again: another one answers";
  return answer("defer", "cut-off", named("cut-off", words));
}

type HoldNow = PolicyHold & { words: string; trips?: PauseCause };

function holdNow(input: DecideInput, domain?: DomainPolicy): HoldNow | undefined {
  const { member, credential, facts } = input;
  if (input.test) return undefined;
  const hold = holdOf(member, domain, credential);
  if (hold?.reason === "domain-held") {
    return { ...hold, words: `Held: the DNS records of ${domain?.name} do not pass their check` };
  }
  if (hold) return { ...hold, words: "Held: sending is paused until it is confirmed" };
  if (!facts || !overBudget(facts)) return undefined;
  const words = "Held: a new kind of message to many new recipients; confirm it in the portal";
  return { reason: "content", owner: "breaker", words, trips: "content" };
}

/**
 * What a pause holds takes from the room for held mail alone; what a broken domain holds also takes from the limits of
 * sending, for it leaves without a person's yes.
 */
function chargesOf(input: DecideInput, domain: DomainPolicy | undefined, hold?: HoldNow): Charge[] {
  const chargeInput: ChargeInput = {
    member: input.member,
    credential: input.credential,
    domain,
    recipients: Math.max(1, input.recipients),
    recipientDomains: input.recipientDomains ?? [],
    facts: input.facts,
    poolLimits: input.poolLimits ?? {},
    now: input.now,
  };
  if (!hold) return sendingCharges(chargeInput);
  const held = heldCharge(chargeInput);
  return hold.reason === "domain-held" ? [held, ...sendingCharges(chargeInput)] : [held];
}

function overLimit(charge: Charge, retryAfterMs: number, member: MemberPolicy): Decision {
  const { bucket, cost, reason, words } = charge;
  // It passes by itself, whatever does not fit into its limit.
  if (retryAfterMs === Infinity && reason === "dead-contacts") return overLimit(charge, CONTACT_MS, member);
  if (retryAfterMs === Infinity && bucket !== "count") {
    return refuse(
      "too-many-at-once",
      `${cost} recipients at once; ${bucket.burst} is the most (${words}), send it in parts`,
    );
  }
  const note = member.standing === "probation" && member.reason ? `; ${because("on probation", member)}` : "";
  return answer(
    "defer",
    reason,
    named(reason, `Over the limit of ${words}, try again in ${seconds(retryAfterMs)} seconds${note}`),
  );
}

function answer(outcome: Decision["outcome"], reason: DecisionReason, text: string): Decision {
  const { code, enhanced } = OUTCOMES[reason];
  return { outcome, reason, code, enhanced, text, waitMs: 0 };
}

function refuse(reason: DecisionReason, text: string): Decision {
  return answer("refuse", reason, named(reason, text));
}

function because(what: string, { reason }: MemberPolicy): string {
  return reason ? `${what}: ${clean(reason.text)} See ${clean(reason.url)}` : what;
}

const seconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));
