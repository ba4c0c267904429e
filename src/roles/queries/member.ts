import type { MemberError, Rotation } from "../../member/index.ts";
import { BUCKET_NAMES, limitsOf, remaining, type LimitState, type MemberPolicy } from "../../policy/index.ts";
import { CAUSES, type StandingChange as Change } from "../../standing/index.ts";
import type {
  EvidenceValue,
  LimitUse,
  MemberDomain,
  MemberView,
  ReturnedMail,
  StandingAppeal,
  StandingChange,
} from "../../web/index.ts";
import { findingsView } from "./findings.ts";
import { isWorse, standingDesk, type DeskAppeal } from "../member-desk-standing.ts";
import { waitsAt } from "./measures.ts";
import { latestMessages } from "./messages.ts";
import { pauseView } from "./pauses.ts";
import { labelsInForce, type QueryParts } from "./parts.ts";

/** What of a member's overview is about its standing, and about how much it may send. */
export type StandingView = Pick<
  MemberView,
  | "asOf"
  | "did"
  | "joinedAt"
  | "standing"
  | "standingSince"
  | "membership"
  | "tier"
  | "nextTier"
  | "pauses"
  | "bounce"
  | "complaints"
  | "labels"
  | "changes"
  | "remedyAsked"
  | "notes"
>;
export type LimitsView = Pick<MemberView, "tier" | "nextTier" | "limits" | "waitsAt">;

const PAUSES = 20;
const RETURNED = 25;
const NEXT_TIER: Record<string, string | null> = {
  new: "After 7 days and 50 clean deliveries you move up to warming.",
  warming: "After 21 days and 300 clean deliveries you move up to steady.",
  steady: "The committee can make you trusted.",
  trusted: null,
};

/** How a member stands and why, as its overview and the API show it; null: there is no such member. */
export async function standingView(parts: QueryParts, did: string): Promise<StandingView | null> {
  const { core, clock } = parts;
  const member = core.members.get(did);
  if (!member) return null;
  const now = clock.now();
  const state = core.standings.state(did);
  const standing = standingDesk(parts);
  const said = standing.appeals(did);
  return {
    asOf: now,
    did,
    joinedAt: member.joined_at,
    standing: state.standing,
    standingSince: state.since,
    membership: member.membership,
    tier: member.tier,
    nextTier: NEXT_TIER[member.tier] ?? null,
    pauses: await Promise.all(core.pauses.of(did, PAUSES).map((pause) => pauseView(parts, pause))),
    bounce: core.evidence.bounces(did, now),
    complaints: core.evidence.complaints(did, now),
    labels: labelsInForce(parts, did),
    changes: core.standings.changesOf(did, 20).map((change) => changeView(parts, change, said)),
    remedyAsked: standing.isRemedyAsked(did),
    notes: core.standings.notes.list(did, 20).map(({ rkey, at, title, body }) => ({
      id: rkey,
      at,
      text: `${title}\n\n${body}`,
    })),
  };
}

/** How much a member may send, and what of it is used; null: there is no such member. */
export function limitsView(parts: QueryParts, did: string): LimitsView | null {
  const { core, clock, policyBook } = parts;
  const member = core.members.get(did);
  if (!member) return null;
  const now = clock.now();
  const policy = policyBook?.byDid(did);
  return {
    tier: member.tier,
    nextTier: NEXT_TIER[member.tier] ?? null,
    limits: policy ? limitUses(policy, policyBook?.limits(did, now) ?? {}, now) : [],
    waitsAt: waitsAt(parts, did),
  };
}

export async function memberView(parts: QueryParts, did: string): Promise<MemberView | null> {
  const { core } = parts;
  const member = core.members.get(did);
  const standing = await standingView(parts, did);
  const limits = limitsView(parts, did);
  if (!member || !standing || !limits) return null;
  return {
    ...standing,
    ...limits,
    domain: core.members.domainsOf(did)[0]?.name ?? member.name,
    handle: member.name,
    applications: core.members.applications.of(did),
    credentials: core.members.credentialsOf(did),
    domains: domainsView(parts, did),
    messages: await latestMessages(parts, did),
    returned: await returned(parts, did),
    bounces: core.members.bouncesOf(member),
    replies: core.members.repliesOf(member),
  };
}

/** A member's domains with what the last check found. */
export function domainsView(parts: Pick<QueryParts, "core" | "labeler">, did: string): MemberDomain[] {
  return parts.core.members.domainsOf(did).map(({ name, status, return_path }) => ({
    ...domainView(parts, did, name),
    status,
    returnPath: return_path,
  }));
}

function domainView(
  { core, labeler }: Pick<QueryParts, "core" | "labeler">,
  did: string,
  name: string,
): Omit<MemberDomain, "status" | "returnPath"> {
  const attestation = labeler?.attestations.byDomain(name).find((a) => a.did === did && a.endedAt === null);
  const checks = attestation && labeler ? labeler.attestations.latestChecks(attestation.uri) : [];
  return {
    name,
    attestation: attestation
      ? { uri: attestation.uri, cid: attestation.cid, at: attestation.indexedAt }
      : null,
    checkedAt: attestation?.checkedAt ?? null,
    findings: checks.flatMap(findingsView),
    rotation: rotationView(core.members.rotation(name)),
  };
}

/** Null while all keys just sign. */
function rotationView(rotation: Rotation | MemberError): Rotation | null {
  return "error" in rotation || rotation.keys.every((key) => key.state === "active") ? null : rotation;
}

function changeView({ rules }: QueryParts, change: Change, said: readonly DeskAppeal[]): StandingChange {
  const source = change.rule === null ? undefined : rules.sourceOf(change.rule);
  return {
    id: String(change.id),
    at: change.at,
    from: change.from,
    to: change.to,
    cause: [CAUSES[change.cause]?.title, change.description].filter(Boolean).join(". "),
    evidence: evidenceView(change.evidence),
    rule: change.rule === null ? null : { name: change.rule, text: source ?? change.description },
    decidedBy: change.rule !== null ? "rule" : change.cause === "committee" ? "committee" : "time",
    by: change.by,
    remedy: change.remedy === "" ? null : change.remedy,
    wayBack: change.to === "good" ? null : change.wayBack,
    actionId: change.actionId,
    appeal: isWorse(change) ? appealView(said.find((one) => one.change === change.id)) : null,
  };
}

/** The newest appeal of a change tells where it stands. */
function appealView(said: DeskAppeal | undefined): StandingAppeal {
  if (said === undefined) return { state: "open" };
  const { case: number, openedAt, dueAt, words, decision } = said;
  if (decision === null) return { state: "waits", case: number, openedAt, dueAt, words };
  return { state: "decided", case: number, ...decision };
}

/** The window's values beside the thresholds that the rule used; both were recorded with the change. */
function evidenceView(evidence: Record<string, unknown>): EvidenceValue[] {
  const window = evidence["window"] as Record<string, number> | undefined;
  const thresholds = (evidence["thresholds"] ?? {}) as Record<string, number>;
  return Object.entries(window ?? {}).map(([key, value]) => ({
    key,
    value,
    threshold: thresholds[key] ?? null,
  }));
}

function limitUses(policy: MemberPolicy, state: LimitState, now: number): LimitUse[] {
  const limits = limitsOf(policy);
  const left = remaining(limits, state, now);
  return BUCKET_NAMES.map((name) => {
    const bucket = limits[name];
    const used = bucket.burst - (left[name] ?? bucket.burst);
    const tat = state[name];
    return {
      window:
        name === "burst"
          ? `${Math.round(bucket.periodMs / 60_000)} minutes`
          : `a${name === "hour" ? "n" : ""} ${name}`,
      used,
      limit: bucket.burst,
      freeAt: used > 0 && tat !== undefined ? tat : null,
    };
  });
}

async function returned({ spool }: QueryParts, did: string): Promise<ReturnedMail[]> {
  const told = spool ? await spool.toldTo(did, { limit: RETURNED }) : [];
  return told.map(({ seq, at, kind, address, state, sentTo, text, messageId }) => ({
    id: String(seq),
    at,
    kind,
    address,
    state,
    sentTo,
    text,
    message: messageId,
  }));
}
