import type { Clock } from "../lib/clock.ts";
import type { Database, Migration } from "../platform/database.ts";
import { STANDINGS, type Standing } from "../policy/index.ts";
import { caseMigration } from "./cases.ts";
import { CAUSES, gradeOf, remedyOf } from "./causes.ts";
import { isByStrangers, stillHolds } from "./evidence-of.ts";
import { createNotes, noteMigration } from "./notes.ts";
import { pauseMigration } from "./pauses.ts";
import { createStandingStore, standingMigration, type StandingChange } from "./store.ts";
import {
  ease,
  restored,
  transition,
  waitsForRemedy,
  wayBack,
  without,
  withoutFuture,
  type Finding,
  type StandingState,
} from "./transition.ts";

export {
  caseTitle,
  createCases,
  decisionEffects,
  isOwnCase,
  VERDICTS_OF,
  type Case,
  type CaseKind,
  type Cases,
  type CaseVerdict,
  type DecisionEffects,
} from "./cases.ts";
export { CAUSES, gradeOf, type Cause, type Consequence } from "./causes.ts";
export { evidenceOf, isByStrangers } from "./evidence-of.ts";
export { labelsFor } from "./labels-for.ts";
export { canRead, type Note, type Viewer } from "./notes.ts";
export { pauseWords } from "./pause-causes.ts";
export { ANSWER_WORDS, createPauses, resumption, type Ending, type Pause, type Pauses } from "./pauses.ts";
export type { DomainHold, StandingChange } from "./store.ts";
export { ease, transition, type Finding, type StandingState, type Transition } from "./transition.ts";

export const standingMigrations: Migration[] = [
  standingMigration,
  noteMigration,
  pauseMigration,
  caseMigration,
];

/** What a person decided: `why` in words for the member. */
export type PersonsDecision = { by: string; why: string; remedy?: string };

const MOST_CHANGES = 200;
/** Cause of a change that takes others back. */
const TAKEN_BACK = "provider-incident";

/** Cause of a change that no rule's label names, and its title. */
const OTHER_TITLES: Readonly<Record<string, string>> = {
  "way-back": "You have come back",
  committee: "The committee decided",
  "provider-incident": "A provider refused people who exist, and that counts for nobody",
};

/** The cause of a change in a few words. */
export function titleOf({ cause, to }: Pick<StandingChange, "cause" | "to">): string {
  const title = CAUSES[cause]?.title ?? OTHER_TITLES[cause] ?? cause;
  const repeated = to === "suspended" && gradeOf(cause) === "probation";
  return repeated ? `For the second time within 30 days: ${title}` : title;
}

const takenBackIn = (past: readonly StandingChange[]) =>
  past.filter(({ cause }) => cause === TAKEN_BACK).flatMap(({ evidence }) => evidence["changes"] as number[]);

export type Standings = ReturnType<typeof createStandings>;

/** The ladder: every change names its cause, the evidence, the remedy and the way back, and is told to the member. */
export function createStandings({ db, clock, authority }: { db: Database; clock: Clock; authority: string }) {
  const notes = createNotes(db, authority);
  const store = createStandingStore(db);

  /** Once a clock that was ahead is right again, what was decided under it is of that moment. */
  function stateNow(did: string): StandingState {
    const before = store.state(did);
    const state = withoutFuture(before, clock.now());
    if (state !== before) store.save(did, state);
    return state;
  }

  /** Writes the new state, the change and its note. */
  function change(state: StandingState, told: Omit<StandingChange, "id" | "wayBack" | "to">): StandingChange {
    store.save(told.did, state);
    const made = store.addChange({ ...told, to: state.standing, wayBack: wayBack(state) });
    const decidedBy = made.by === null ? "" : `Decided by ${made.by}.`;
    notes.put(made.did, {
      rkey: `standing-${made.id}`,
      at: made.at,
      kind: "standing",
      title: `Your standing is now ${made.to}: ${titleOf(made)}`,
      body: [made.description, decidedBy, made.remedy, made.wayBack.text]
        .filter((part) => part !== "")
        .join("\n\n"),
    });
    return made;
  }

  /** A better standing, or a person's decision: what was sent before it has been judged. */
  function move(
    did: string,
    to: Standing,
    at: number,
    reason: Pick<StandingChange, "cause" | "by" | "description" | "remedy" | "evidence">,
  ): StandingChange {
    const before = store.state(did);
    const { lastCauseAt, remedyAt, probations = [] } = before;
    const isJudged = reason.by !== null || before.standing === "suspended";
    const judgedAt = isJudged ? at : before.judgedAt;
    const next: StandingState = {
      standing: to,
      since: Math.max(at, before.since),
      easedAt: at,
      probations,
      ...(judgedAt !== undefined && { judgedAt }),
      ...(lastCauseAt !== undefined && { lastCauseAt }),
      // Said while it was suspended, it holds for the probation that follows.
      ...(remedyAt !== undefined && to === "probation" && { remedyAt }),
      ...(to === "suspended" && reason.by !== null && { upheld: true }),
    };
    return change(next, { ...reason, did, from: before.standing, at, rule: null, actionId: null });
  }

  /** Changes of a member, oldest first. */
  const pastOf = (did: string) =>
    store
      .changesOf(did, MOST_CHANGES)
      .toReversed()
      .map((one) => ({
        ...one,
        byStrangers: gradeOf(one.cause) !== undefined && isByStrangers(one.evidence),
      }));

  /** Without what was taken back, and the taking back itself. */
  function standingPast(did: string) {
    const past = pastOf(did);
    const taken = new Set(takenBackIn(past));
    return past.filter(({ id, cause }) => cause !== TAKEN_BACK && !taken.has(id));
  }

  /**
   * Takes a rule's changes back that should not have been: the state is what all others lead to, if that is better, as if
   * these had never been. What a person decided since stays. Undefined where nothing becomes better.
   */
  function takeBack(did: string, changeIds: readonly number[], why: string): StandingChange | undefined {
    const before = stateNow(did);
    if (before.upheld === true) return undefined;
    const past = standingPast(did);
    const undone = past.filter(({ id, rule }) => rule !== null && changeIds.includes(id));
    const left = without(past, new Set(undone.map(({ id }) => id)));
    if (!left || STANDINGS.indexOf(left.standing) >= STANDINGS.indexOf(before.standing)) return undefined;
    const at = clock.now();
    const next = restored(before, left, { first: undone[0]!.at, now: at });
    return change(next, {
      did,
      from: before.standing,
      at,
      cause: TAKEN_BACK,
      rule: null,
      by: null,
      description: why,
      remedy: "",
      evidence: { changes: undone.map(({ id }) => id), undone: undone.map((one) => one.at) },
      actionId: null,
    });
  }

  return {
    state: store.state,
    notes,
    change: store.change,
    /** The newest first, each as it was told; but the way back of where the member stands is that of now. */
    changesOf(did: string, limit = 50): StandingChange[] {
      const [latest, ...earlier] = store.changesOf(did, limit);
      if (!latest) return [];
      const state = store.state(did);
      const isOfNow = latest.to === state.standing && latest.to !== "good";
      return [isOfNow ? { ...latest, wayBack: wayBack(state) } : latest, ...earlier];
    },
    recentChanges: (limit = 20): StandingChange[] => store.recentChanges(limit),
    changesSince: (at: number, limit = 100): StandingChange[] => store.changesSince(at, limit),

    /** Begins a member's record. Idempotent. */
    begin: (did: string): void => store.begin(did, clock.now()),

    /** Weighs what rules found in one event. Undefined when the member stays where it stands. */
    consider(did: string, findings: readonly Finding[]): StandingChange | undefined {
      if (findings.length === 0) return undefined;
      const before = stateNow(did);
      const { state, moved } = transition(before, findings, clock.now());
      if (!moved) {
        if (state !== before) store.save(did, state);
        return undefined;
      }
      const { finding, from } = moved;
      const { cause, rule, description, evidence, actionId, byStrangers = false } = finding;
      const at = Math.min(finding.at, clock.now());
      const remedy = remedyOf(cause, byStrangers);
      return change(state, { did, from, at, cause, rule, by: null, description, evidence, remedy, actionId });
    },

    /** Moves a member one rung up when the way back has been gone. */
    review(did: string, newer: { eligible: number; p_over_5: number }): StandingChange | undefined {
      const now = clock.now();
      const eased = ease(stateNow(did), newer, now);
      if (!eased) return undefined;
      const description = `Eased because ${eased.why}.`;
      return move(did, eased.to, now, {
        cause: "way-back",
        by: null,
        description,
        remedy: "",
        evidence: { ...newer },
      });
    },

    /** A person's decision, kept with who decided it and why. */
    decide: (did: string, to: Standing, { by, why, remedy = "" }: PersonsDecision): StandingChange =>
      move(did, to, clock.now(), { cause: "committee", by, description: why, remedy, evidence: {} }),

    takeBack,

    /**
     * What the standing would be if one change had not been: never better than the other causes make it. That change is
     * no first cause of a repetition any more. Undefined: it is too long ago to say.
     */
    disown(did: string, changeId: number): Standing | undefined {
      const past = standingPast(did);
      const left = without(past, new Set([changeId]));
      const at = past.find(({ id }) => id === changeId)?.at;
      const { probations, ...state } = store.state(did);
      if (left && probations)
        store.save(did, { ...state, probations: probations.filter((one) => one !== at) });
      return left?.standing;
    },

    /** Members whose standing may become better by itself, or who are to say something. */
    withWayBack: store.withWayBack,

    /**
     * What rested on bounces that count for nobody, such as those of an incident at a provider, is taken back: of the changes
     * of a time those that would not have come with the window that `count` gives, of mail after `sentAfter`; neither then
     * nor until the next change.
     */
    restore(
      did: string,
      about: {
        from: number;
        until: number;
        why: string;
        count: (of: { at: number; sentAfter: number }) => Record<string, unknown>;
      },
    ): StandingChange | undefined {
      const { from, until, why, count } = about;
      const past = standingPast(did);
      const isMeant = ({ rule, cause, at }: StandingChange) =>
        rule !== null && CAUSES[cause]?.window === "bounce" && at >= from && at <= until;
      const undone: number[] = [];
      let sentAfter = Number.MIN_SAFE_INTEGER;
      for (const [i, one] of past.entries()) {
        const next = past.slice(i + 1).find((later) => !isMeant(later))?.at ?? clock.now();
        const holds = (at: number) => stillHolds(one.evidence, count({ at, sentAfter }));
        if (isMeant(one) && !holds(one.at) && !holds(next)) undone.push(one.id);
        else sentAfter = one.at;
      }
      return takeBack(did, undone, why);
    },

    /** The member says what it has changed, which a probation waits for. False: nothing waits for that. */
    confirmRemedy(did: string, text: string): boolean {
      const state = store.state(did);
      if (state.standing !== "probation" && state.standing !== "suspended") return false;
      store.save(did, { ...state, remedyAt: clock.now() });
      store.setRemedy(did, text);
      return true;
    },
    /** What it said, and whether a person has to look because it has said nothing. */
    remedyOf: (did: string): { at: number; text: string } | undefined => {
      const { remedyAt } = store.state(did);
      return remedyAt === undefined ? undefined : { at: remedyAt, text: store.remedy(did) };
    },
    waitsForRemedy: (did: string): boolean => waitsForRemedy(store.state(did), clock.now()),
    /** A person let another fortnight pass. */
    putOff(did: string): void {
      const state = store.state(did);
      store.save(did, { ...state, lastCauseAt: clock.now() });
    },
    /** A person decided that a suspension stands. */
    uphold(did: string): void {
      const state = store.state(did);
      if (state.standing === "suspended") store.save(did, { ...state, upheld: true, judgedAt: clock.now() });
    },
    /** Who was away is a member again: the days of its way back count from now. False: nothing is asked of it. */
    comeBack(did: string): boolean {
      const state = store.state(did);
      if (state.standing === "good" || state.standing === "ejected") return false;
      store.save(did, { ...state, since: clock.now() });
      return true;
    },

    cleanUntil: store.cleanUntil,
    setCleanUntil: store.setCleanUntil,

    /** Domains whose mail waits because their records do not pass. */
    holds: store.holds,
    hold: store.hold,
    beginHold: store.beginHold,
    endHold: store.endHold,
  };
}
