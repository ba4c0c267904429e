import { DAY_MS } from "../lib/clock.ts";
import { STANDINGS, type Standing } from "../policy/index.ts";
import { gradeOf } from "./causes.ts";

/** Days without a new cause after which a standing eases by one rung. */
const CLEAN_DAYS = 14;
/** Newer sends that show a warned member clean sooner. */
const CLEAN_SENDS = 50;
/** A second cause of grade probation within this time suspends. */
const REPEAT_DAYS = 30;
/** By when a person decides about a suspension. */
const DECIDE_DAYS = 2;
/** So long after a suspension, probation follows where no person has decided anything: the pool's delay is not the member's fault. */
const UNDECIDED_DAYS = 14;
/** A suspension that a person decided or upheld is looked at again so many days later. */
export const REVIEW_DAYS = 30;

/** Times in ms since the epoch. */
export type StandingState = {
  standing: Standing;
  since: number;
  /** The latest adverse event that counted; undefined when there was none. */
  lastCauseAt?: number;
  /** When causes of grade probation counted, of the last 60 days. */
  probations?: readonly number[];
  /** When it last became better: windows began anew, and mail of before counts for no lesser grade than suspension. */
  easedAt?: number;
  /** When a person last decided, or a suspension ended: all mail of before has been judged. */
  judgedAt?: number;
  /** When the member said what it has changed, since the last change for the worse. */
  remedyAt?: number;
  /** A person decided on the suspension: it stands until a person ends it. */
  upheld?: boolean;
};

/** Why a standing is to change: what a rule concluded. */
export type Finding = {
  /** Key of `CAUSES`. */
  cause: string;
  rule: string;
  /** The rule's own sentence with the values that decided. */
  description: string;
  /** The evidence that it saw. */
  evidence: Record<string, unknown>;
  actionId: string;
  at: number;
  /** When the mail that it is about was handed in. */
  sentAt: number;
  /** Strangers brought it about, by what they typed into a form: it never suspends. */
  byStrangers?: boolean;
};

export type Transition = {
  state: StandingState;
  /** The finding that moved the standing; undefined when it stays. */
  moved?: { from: Standing; to: Standing; finding: Finding; repeated: boolean };
};

export type WayBack = {
  text: string;
  /** When the standing eases by itself if nothing new happens, ms; null when a person decides. */
  at: number | null;
};

const rank = (standing: Standing) => STANDINGS.indexOf(standing);
const later = (a: number | undefined, b: number) => Math.max(a ?? -Infinity, b);
const CAUSES_KEPT = 2 * REPEAT_DAYS * DAY_MS;

function gravestFirst(findings: readonly Finding[]): Finding[] {
  const gravity = (finding: Finding) => rank(gradeOf(finding.cause)!);
  return findings
    .filter(({ cause }) => gradeOf(cause) !== undefined)
    .toSorted((a, b) => gravity(b) - gravity(a) || a.at - b.at);
}

/**
 * The state as a clock can have made it that was never ahead: what lies in the future was now. A decision that was written
 * under a clock that was years ahead would silence every rule for years.
 */
export function withoutFuture(state: StandingState, now: number): StandingState {
  const { since, lastCauseAt, probations, easedAt, judgedAt, remedyAt } = state;
  const times = [since, lastCauseAt, easedAt, judgedAt, remedyAt, ...(probations ?? [])];
  if (times.every((at) => at === undefined || at <= now)) return state;
  const past = (at: number) => Math.min(at, now);
  return {
    ...state,
    since: past(since),
    ...(lastCauseAt !== undefined && { lastCauseAt: past(lastCauseAt) }),
    ...(probations && { probations: [...new Set(probations.map(past))] }),
    ...(easedAt !== undefined && { easedAt: past(easedAt) }),
    ...(judgedAt !== undefined && { judgedAt: past(judgedAt) }),
    ...(remedyAt !== undefined && { remedyAt: past(remedyAt) }),
  };
}

/**
 * Where findings lead. Total, and the same for the same finding told twice. Each finding counts by its own grade, in
 * whatever order they come: the standing is never better than the worst of them allows. Mail that was sent before the
 * standing last became better has been judged and counts no more; only a suspension asks for a person's judgement. A
 * second cause of grade probation within 30 days, on mail sent after the first, suspends, unless strangers brought it about.
 * What claims to be of later than `now` is of now.
 */
export function transition(state: StandingState, findings: readonly Finding[], now = Infinity): Transition {
  let before: Transition = { state };
  for (const finding of gravestFirst(findings)) {
    const { state: next, moved } = weigh(before.state, finding, now);
    const from = before.moved?.from ?? moved?.from;
    const whole = moved ? { ...moved, from: from! } : before.moved;
    before = { state: next, ...(whole && { moved: whole }) };
  }
  return before;
}

function weigh(state: StandingState, finding: Finding, now: number): Transition {
  const { byStrangers = false } = finding;
  const at = Math.min(finding.at, now);
  const sentAt = Math.min(finding.sentAt, at);
  const grade = gradeOf(finding.cause)!;
  const judgedAt = grade === "suspended" ? state.judgedAt : later(state.judgedAt, state.easedAt ?? -Infinity);
  if (state.standing === "ejected" || sentAt <= (judgedAt ?? -Infinity)) return { state };
  const before = state.probations ?? [];
  const repeated =
    grade === "probation" &&
    !byStrangers &&
    before.some((first) => sentAt > first && at - first <= REPEAT_DAYS * DAY_MS);
  const to: Standing = repeated ? "suspended" : grade;
  const moves = rank(to) > rank(state.standing);
  // Mail from before the last change puts nothing off: that change judged it.
  if (!moves && sentAt <= state.since) return { state };
  const next: StandingState = { ...state, lastCauseAt: later(state.lastCauseAt, at) };
  // What strangers brought about is no first cause either: with it they would need the member's one mistake alone.
  if (grade === "probation" && !byStrangers) next.probations = kept(before, at);
  if (!moves) return { state: next };
  delete next.remedyAt;
  delete next.upheld;
  next.standing = to;
  next.since = Math.max(at, state.since);
  return { state: next, moved: { from: state.standing, to, finding, repeated } };
}

/** With `at`: of each day the first and the last, as far back as they can count. */
function kept(before: readonly number[], at: number): number[] {
  const all = [...before.filter((one) => at - one < CAUSES_KEPT), at];
  const days = Map.groupBy(all, (one) => Math.floor(one / DAY_MS)).values();
  const ends = [...days].flatMap((day) => [Math.min(...day), Math.max(...day)]);
  return [...new Set(ends)].toSorted((a, b) => a - b);
}

/** A change as it is undone: when, by what, and between which standings. */
type Past = {
  id: number;
  from: Standing;
  to: Standing;
  at: number;
  cause: string;
  by: string | null;
  /** As with a finding: no first cause of a repetition. */
  byStrangers?: boolean;
};

/** What is left of a state when changes are undone; undefined: not known, since nothing is written of it. */
export type Left = Pick<StandingState, "standing" | "easedAt" | "judgedAt"> & {
  probations: number[];
  /** Since the change that made it so. */
  since: number | undefined;
  /** When the latest cause counted of those that are left. */
  lastCauseAt: number | undefined;
};

/**
 * What the standing would be without some changes, and which causes of grade probation are left. `changes`: all of the
 * member, oldest first. What a person decided stays decided.
 */
export function without(changes: readonly Past[], undone: ReadonlySet<number>): Left | undefined {
  const first = changes.findIndex(({ id }) => undone.has(id));
  if (first === -1) return undefined;
  const left: Left = {
    standing: changes[0]!.from,
    probations: [],
    since: undefined,
    lastCauseAt: undefined,
  };
  for (const [i, change] of changes.entries()) {
    // Before the first that is undone everything was as it is written.
    if (i === first) left.standing = change.from;
    if (undone.has(change.id)) continue;
    const { at, cause } = change;
    const to = i < first ? change.to : standingAfter(left, change);
    const isCause = gradeOf(cause) !== undefined;
    if (isFirstCause(change)) left.probations.push(at);
    if (isCause) left.lastCauseAt = at;
    else if (change.by !== null || rank(to) < rank(left.standing)) {
      left.easedAt = at;
      if (change.by !== null || left.standing === "suspended") left.judgedAt = at;
    }
    if (to !== left.standing || change.by !== null) left.since = at;
    left.standing = to;
  }
  return left;
}

/**
 * The state without changes of which the first was at `first`: what was so before that is as it was, also what no change
 * tells; what came after follows from the changes that are left. A cause that had moved nothing puts nothing off any more.
 */
export function restored(
  before: StandingState,
  { standing, since, probations, ...left }: Left,
  { first, now }: { first: number; now: number },
): StandingState {
  const next: StandingState = { standing, since: since ?? now };
  for (const time of ["lastCauseAt", "easedAt", "judgedAt"] as const) {
    const at = (before[time] ?? -Infinity) < first ? before[time] : left[time];
    if (at !== undefined) next[time] = at;
  }
  const earlier = (before.probations ?? []).filter((at) => at < first);
  const firsts = [...new Set([...earlier, ...probations.filter((at) => at >= first)])];
  if (firsts.length > 0) next.probations = firsts;
  if (before.remedyAt !== undefined && standing === "probation") next.remedyAt = before.remedyAt;
  return next;
}

function standingAfter({ standing, probations }: Left, { at, to, cause, by }: Past): Standing {
  const grade = gradeOf(cause);
  if (by !== null) return to;
  if (grade === undefined) return rank(to) < rank(standing) ? to : standing;
  const repeated = to === "suspended" && probations.some((one) => at - one <= REPEAT_DAYS * DAY_MS);
  const worse = repeated ? "suspended" : grade;
  return rank(worse) > rank(standing) ? worse : standing;
}

const isFirstCause = ({ cause, byStrangers = false }: Past) => gradeOf(cause) === "probation" && !byStrangers;

/** Whether the standing eases by itself at `now`, and to what. `newer` is the window since the last change. */
export function ease(
  state: StandingState,
  newer: { eligible: number; p_over_5: number },
  now: number,
): { to: Standing; why: string } | undefined {
  const clean = now - cleanSince(state) >= CLEAN_DAYS * DAY_MS;
  switch (state.standing) {
    case "warned":
      if (clean) return { to: "good", why: `${CLEAN_DAYS} days passed without a new cause` };
      if (newer.eligible >= CLEAN_SENDS && newer.p_over_5 < 0.1)
        return { to: "good", why: `the last ${newer.eligible} messages show a bounce rate below 5 %` };
      return undefined;
    case "probation":
      if (clean && state.remedyAt !== undefined)
        return { to: "warned", why: `${CLEAN_DAYS} clean days passed, and you said what you changed` };
      return undefined;
    case "suspended":
      if (state.upheld !== true && now - state.since >= UNDECIDED_DAYS * DAY_MS)
        return { to: "probation", why: `nobody decided within ${UNDECIDED_DAYS} days` };
      return undefined;
    default:
      return undefined;
  }
}

/** Probation whose clean days are over, and of which the member has said nothing: a person looks. */
export function waitsForRemedy(state: StandingState, now: number): boolean {
  const isOver = now - cleanSince(state) >= CLEAN_DAYS * DAY_MS;
  return state.standing === "probation" && state.remedyAt === undefined && isOver;
}

/** From when the clean days count. */
const cleanSince = ({ since, lastCauseAt = since }: StandingState) => Math.max(since, lastCauseAt);

/** The way back from a standing. */
export function wayBack(state: StandingState): WayBack {
  const { standing, since, judgedAt = since, remedyAt, upheld } = state;
  switch (standing) {
    case "good":
      return { text: "Nothing is asked of you.", at: null };
    case "warned":
      return {
        text:
          `You return to good after ${CLEAN_DAYS} days without a new cause, or sooner: once ${CLEAN_SENDS} newer ` +
          "messages show that your bounce rate is below 5 %.",
        at: cleanSince(state) + CLEAN_DAYS * DAY_MS,
      };
    case "probation":
      return {
        text:
          `After ${CLEAN_DAYS} clean days you are moved up to warned, ` +
          (remedyAt === undefined
            ? "once you have said what you changed (atmos member remedy); without that a person looks at it then. "
            : "for you have said what you changed. ") +
          "Until then a quarter of your limits applies.",
        at: cleanSince(state) + CLEAN_DAYS * DAY_MS,
      };
    case "suspended":
      return upheld === true
        ? {
            text:
              `A person of the committee decided it, and it stands until a person ends it. The committee looks at it again ` +
              `within ${REVIEW_DAYS} days. You can appeal sooner (atmos member appeal); somebody else decides then.`,
            at: judgedAt + REVIEW_DAYS * DAY_MS,
          }
        : {
            text:
              `The committee decides within ${DECIDE_DAYS * 24} hours. Tell it with what you changed. If nobody has decided ` +
              `after ${UNDECIDED_DAYS} days, probation follows by itself.`,
            at: since + DECIDE_DAYS * DAY_MS,
          };
    case "ejected":
      return { text: "A new application is open to you.", at: null };
  }
}
