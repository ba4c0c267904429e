import type { MemberError } from "../../member/index.ts";
import { STANDINGS, type Standing } from "../../policy/index.ts";
import {
  caseTitle,
  decisionEffects,
  isOwnCase,
  VERDICTS_OF,
  type Case,
  type CaseVerdict,
  type Pause,
  type StandingChange,
} from "../../standing/index.ts";
import type { CoreParts } from "./parts.ts";
import type { PauseDesk } from "./pause-desk.ts";

export type CaseRefusal =
  | { error: "no-case"; id: number }
  | { error: "decided-already"; one: Case }
  | { error: "own-case"; by: string; id: number }
  | { error: "own-decision"; by: string; id: number; change: number }
  | { error: "no-such-verdict"; one: Case; verdicts: readonly CaseVerdict[] }
  | { error: "no-change"; did: string; change: number }
  | { error: "appealed-already"; id: number }
  | { error: "no-remedy-asked"; did: string; standing: Standing };

export type CaseDecision = { verdict: CaseVerdict; to?: Standing | undefined; by: string; reason: string };
export type CaseDesk = ReturnType<typeof createCaseDesk>;

/** Appeals against one change. */
const MOST_APPEALS = 3;
/** A breaker's pause that nobody has answered for so long comes before the committee. */
const UNANSWERED_MS = 24 * 3_600_000;
const DECIDE_MS = 48 * 3_600_000;
/** Pauses that are read at once. */
const AT_ONCE = 500;
const ENDED = { by: "time", reason: "The membership has ended." };

const rank = (standing: Standing) => STANDINGS.indexOf(standing);

/** What only a person decides: opened when it must be, decided once, by somebody else than whom it is about. */
export function createCaseDesk(parts: CoreParts, pauseDesk: PauseDesk) {
  const { db, clock, members, standings, pauses, cases, pipeline, news, tell } = parts;

  function note(one: Case, title: string, body: string): void {
    const state = one.decision ? "decided" : "open";
    standings.notes.put(one.did, {
      rkey: `case-${one.id}-${state}`,
      at: one.decision?.at ?? one.openedAt,
      kind: "notice",
      title,
      body,
    });
  }

  /** Another standing by a person's decision; undefined where it stands so already. */
  function moveTo(did: string, to: Standing, { by, reason }: CaseDecision): StandingChange | undefined {
    if (standings.state(did).standing === to) return undefined;
    const change = standings.decide(did, to, { by, why: reason });
    if (to === "ejected")
      for (const { id } of members.credentialsOf(did)) members.revokeCredential(did, id, by);
    pipeline.conclude(change);
    return change;
  }

  /** Once for each change, and again when who was away comes back. A person's has been judged already, and is looked at again. */
  function openSuspended(change: StandingChange, again = ""): void {
    const { id, did, rule, by, description, evidence, wayBack } = change;
    const at = again === "" ? change.at : clock.now();
    const facts = { rule, description, evidence, ...(by !== null && { decidedBy: by }) };
    const dueAt = by === null ? undefined : (wayBack.at ?? undefined);
    cases.open({
      did,
      kind: "suspended",
      about: `change:${id}${again}`,
      at,
      changeId: id,
      facts,
      ...(dueAt !== undefined && { dueAt }),
    });
  }

  const isMember = (did: string) => members.get(did)?.membership === "member";

  function refusalOf(did: string): MemberError | undefined {
    const member = members.get(did);
    if (!member) return { error: "not-a-member", did };
    const { membership } = member;
    return membership === "member" ? undefined : { error: "has-left", did, membership };
  }

  /** Nothing waits for a decision about who is no member. */
  function close(did: string, { by, reason }: { by: string; reason: string }, which: (one: Case) => boolean) {
    const at = clock.now();
    pauseDesk.close(did, { by, reason });
    for (const one of cases.openOf(did).filter(which))
      cases.decide(one.id, { at, by, verdict: "uphold", to: null, reason });
  }

  /** Of somebody who was suspended before there were cases, or while nobody was looking. */
  function reviewStanding(did: string, now: number): void {
    const { standing, since, lastCauseAt = 0, upheld } = standings.state(did);
    const [latest] = standings.changesOf(did, 1);
    const isOpen = cases.openOf(did).some(({ kind }) => kind === "suspended");
    if (standing === "suspended" && latest && !isOpen && (upheld !== true || latest.by !== null))
      openSuspended(latest);
    if (!standings.waitsForRemedy(did)) return;
    cases.open({
      did,
      kind: "remedy",
      about: `remedy:${did}:${Math.max(since, lastCauseAt)}`,
      at: now,
      changeId: latest?.id ?? null,
    });
  }

  function reviewPause({ id, did, at, by, cause, facts, credential }: Pause, now: number): void {
    if (!isMember(did)) return close(did, ENDED, () => true);
    if (by !== null || now - at < UNANSWERED_MS || cases.openAbout({ pauseId: id }).length > 0) return;
    cases.open({
      did,
      kind: "pause",
      about: `pause:${id}`,
      at: now,
      dueAt: at + DECIDE_MS,
      facts: { cause, credential, ...facts },
      pauseId: id,
    });
  }

  /** All that are open, so many at a time. */
  function* openPauses(): Generator<Pause> {
    for (let page = pauses.allOpen(AT_ONCE); page.length > 0; page = pauses.allOpen(AT_ONCE, page.at(-1)!.id))
      yield* page;
  }

  function follow(one: Case, decision: CaseDecision, at: number): void {
    const { did } = one;
    const { verdict, to, by, reason } = decision;
    const isTakenBack = verdict === "lift" && one.changeId !== null && one.kind !== "remedy";
    const before =
      (isTakenBack ? standings.disown(did, one.changeId!) : undefined) ?? standings.state(did).standing;
    const effects = decisionEffects(one, { verdict, ...(to && { to }), at }, before);
    const { standing, pause, upheld, putOff } = effects;
    const now = standings.state(did).standing;
    // Taken back: never to something worse, where time or another person has been milder meanwhile.
    const isWorse = verdict === "lift" && standing !== undefined && rank(standing) >= rank(now);
    if (standing !== undefined && !isWorse) moveTo(did, standing, decision);
    if (pause !== undefined && one.pauseId !== null) {
      const of = pauses.get(one.pauseId);
      const credential = of?.credential ?? null;
      if (pause === "keep") pauseDesk.pause(did, { credential, reason, by });
      else pauseDesk.resumeOne(did, one.pauseId, { reason, by });
    }
    if (upheld) {
      standings.uphold(did);
      const about = `${one.about}:again`;
      cases.open({ did, kind: "suspended", about, at, dueAt: upheld.reviewAt, changeId: one.changeId });
    }
    if (putOff) standings.putOff(did);
  }

  return {
    get: cases.get,
    list: cases.list,

    /** A change has been written down: a suspension is for people, and what it was about before is over. */
    changed(change: StandingChange): void {
      const { did, to, at, by, description } = change;
      const isOver = ({ kind }: Case) =>
        (kind === "suspended" && (to !== "suspended" || by !== null)) ||
        ((kind === "remedy" || kind === "newcomers") && to !== "probation");
      for (const one of cases.openOf(did).filter(isOver)) {
        const reason = description || `The standing is ${to} now.`;
        cases.decide(one.id, { at, by: by ?? "time", verdict: "standing", to, reason });
      }
      if (to === "suspended") openSuspended(change);
      if (to === "ejected")
        close(did, { by: by ?? "time", reason: description }, ({ kind }) => kind !== "appeal");
    },

    /** A membership has ended. */
    left(did: string, ended: { by: string; reason: string }): void {
      close(did, { ...ended, reason: ended.reason || ENDED.reason }, () => true);
    },

    /** It has begun again: what time and people owe to a standing counts from now, since nobody looked meanwhile. */
    cameBack(did: string): void {
      const at = clock.now();
      if (!standings.comeBack(did)) return;
      const [latest] = standings.changesOf(did, 1);
      if (standings.state(did).standing === "suspended" && latest) openSuspended(latest, `:back:${at}`);
    },

    /** What waits for nobody any more, and what nobody has answered. */
    review(): void {
      const now = clock.now();
      db.transaction(() => {
        for (const did of standings.withWayBack().filter(isMember)) reviewStanding(did, now);
        for (const pause of openPauses()) reviewPause(pause, now);
        for (const did of cases.withOpen()) if (!isMember(did)) close(did, ENDED, () => true);
      });
    },

    /** The member says that a change is wrong. */
    appeal(did: string, changeId: number, words: string, by: string): Case | CaseRefusal | MemberError {
      const away = refusalOf(did);
      if (away) return away;
      const change = standings.change(changeId);
      if (change?.did !== did) return { error: "no-change", did, change: changeId };
      const open = cases.openAbout({ changeId }).find(({ kind }) => kind === "appeal");
      if (open) return { error: "appealed-already", id: open.id };
      const earlier = cases.appealsOf(changeId);
      if (earlier.length >= MOST_APPEALS) return { error: "appealed-already", id: earlier.at(-1)!.id };
      return db.transaction(() => {
        const { from, to, description, evidence, rule } = change;
        const one = cases.open({
          did,
          kind: "appeal",
          about: `appeal:${changeId}:${earlier.length + 1}`,
          at: clock.now(),
          changeId,
          words,
          facts: { from, to, rule, description, evidence, decidedBy: change.by, enteredBy: by },
        })!;
        note(one, `Your appeal is case ${one.id}`, words);
        return one;
      });
    },

    /** The member says what it has changed, which the way back from probation asks. */
    remedy(did: string, text: string): { waits: boolean } | CaseRefusal | MemberError {
      const away = refusalOf(did);
      if (away) return away;
      return db.transaction(() => {
        if (!standings.confirmRemedy(did, text))
          return { error: "no-remedy-asked" as const, did, standing: standings.state(did).standing };
        const at = clock.now();
        for (const one of cases.openOf(did).filter(({ kind }) => kind === "remedy"))
          cases.decide(one.id, { at, by: "the member", verdict: "lift", to: null, reason: text });
        pipeline.review(did);
        tell([did]);
        return { waits: standings.state(did).standing === "probation" };
      });
    },

    decide(id: number, decision: CaseDecision): Case | CaseRefusal {
      const one = cases.get(id);
      if (!one) return { error: "no-case", id };
      if (one.decision) return { error: "decided-already", one };
      const { verdict, to, by, reason } = decision;
      const verdicts = VERDICTS_OF[one.kind];
      if (!verdicts.includes(verdict) || (verdict === "standing") !== (to !== undefined))
        return { error: "no-such-verdict", one, verdicts };
      const member = members.get(one.did);
      const domains = members.domainsOf(one.did).map(({ name }) => name);
      if (isOwnCase(by, { did: one.did, handle: member?.handle ?? "", domains }))
        return { error: "own-case", by, id };
      const appealed =
        one.kind === "appeal" && one.changeId !== null ? standings.change(one.changeId) : undefined;
      // Who decided something does not also decide whether that was right; taking it back oneself is another thing.
      if (appealed?.by && verdict !== "lift" && isSame(by, appealed.by))
        return { error: "own-decision", by, id, change: appealed.id };
      return db.transaction(() => {
        const at = clock.now();
        // Written first: what follows may end other cases, and must not end this one by another's name.
        const decided = cases.decide(id, { at, by, verdict, to: to ?? null, reason })!;
        follow(one, decision, at);
        note(decided, `Case ${id} is decided: ${caseTitle(one.kind)}`, `Decided by ${by}.\n\n${reason}`);
        news.caseDecided(decided);
        tell([one.did]);
        return decided;
      });
    },
  };
}

const isSame = (one: string, other: string): boolean => spelled(one) === spelled(other);
const spelled = (name: string): string => name.normalize("NFKC").trim().toLowerCase().replace(/^@/, "");
