import { eventTime, type Envelope } from "../../event/index.ts";
import { createEvidence, evidenceMigration } from "../../evidence/index.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { Database } from "../../platform/database.ts";
import type { StoredEvent } from "../../roles/rules-desk.ts";
import type { RulesEngine, RuleVerdict, Verdict } from "../../rules/index.ts";
import {
  CAUSES,
  ease,
  evidenceOf,
  isByStrangers,
  transition,
  type Finding,
  type StandingState,
} from "../../standing/index.ts";

type Standing = StandingState["standing"];
type Step = { at: number; from: Standing; to: Standing; why: string };

/** One side: what was done, or what these rules would have done. */
type Side = { standing: Standing; changes: Step[] };

export type MemberReplay = {
  did: string;
  /** Anything that acts differs. */
  different: boolean;
  rules: { rule: string; done: number; would: number; doneInShadow: number; wouldInShadow: number }[];
  done: Side;
  would: Side;
};

type Book = {
  done: Side;
  would: Side & { state: StandingState };
  rules: Map<string, MemberReplay["rules"][number]>;
  facts: { tier: string; joinedAt: number };
};

export type ReplayOptions = { engine: RulesEngine; since: number; until: number; members: readonly string[] };

/**
 * Judges the stored history anew, beside scratch evidence in memory. Before `since` the standings are those of the log;
 * from there on rules, time and the ladder decide, and what people decided is taken as it was. Pauses, and which mail was
 * accepted, stay as they were.
 */
export function createReplay({ engine, since, until, members }: ReplayOptions) {
  const db = new Database(":memory:", [evidenceMigration]);
  const evidence = createEvidence(db);
  const books = new Map<string, Book>();
  const counts = { events: 0, judged: 0, errors: 0 };

  function bookOf(did: string, at: number): Book {
    let book = books.get(did);
    if (!book) {
      const side = () => ({ standing: "good" as Standing, changes: [] });
      book = {
        done: side(),
        would: { ...side(), state: { standing: "good", since: 0 } },
        rules: new Map(),
        facts: { tier: "new", joinedAt: at },
      };
      books.set(did, book);
    }
    return book;
  }

  const isMeant = (did: string) => members.length === 0 || members.includes(did);

  function take({ envelope, member }: StoredEvent): void {
    const { action_name: action, data } = envelope.data;
    const { did } = data.member;
    const at = eventTime(envelope);
    if (at >= until) return;
    counts.events += 1;
    const book = bookOf(did, at);
    if (member?.tier !== undefined) book.facts.tier = member.tier;
    if (action === "standing_changed") return standingChanged(envelope, book, at);
    if (action === "member_joined") book.facts.joinedAt = at;
    evidence.apply(envelope);
    if (at < since || !isMeant(did) || !engine.judges(action)) return;
    easeIfDue(did, book, at);
    judge(envelope, member, book, at);
  }

  function standingChanged(envelope: Envelope, book: Book, at: number): void {
    const { from, to, rule, cause, by } = envelope.data.data.detail ?? {};
    const step: Step = {
      at,
      from: from as Standing,
      to: to as Standing,
      why: String(by ?? rule ?? cause ?? ""),
    };
    book.done.standing = step.to;
    if (at >= since) book.done.changes.push(step);
    const isPersons = by !== undefined && by !== null;
    if (at >= since && !isPersons) return;
    evidence.apply(envelope);
    const { would } = book;
    if (at >= since && would.standing !== step.to)
      would.changes.push({ ...step, from: would.standing, why: `${step.why} decided` });
    const probations = [...(would.state.probations ?? []), ...(step.to === "probation" ? [at] : [])];
    would.standing = step.to;
    would.state = {
      standing: step.to,
      since: at,
      lastCauseAt: at,
      probations,
      ...(isPersons && { judgedAt: at }),
    };
  }

  function move(did: string, book: Book, to: Standing, at: number, why: string): void {
    const { would } = book;
    would.changes.push({ at, from: would.standing, to, why });
    would.standing = to;
    evidence.restartWindow(did, at);
  }

  function easeIfDue(did: string, book: Book, at: number): void {
    if (book.would.standing === "good") return;
    const eased = ease(book.would.state, evidence.bounces(did, at), at);
    if (!eased) return;
    book.would.state = { ...book.would.state, standing: eased.to, since: at, easedAt: at };
    move(did, book, eased.to, at, eased.why);
  }

  function judge(envelope: Envelope, kept: StoredEvent["member"], book: Book, at: number): void {
    const { data } = envelope.data;
    const { did, domain } = data.member;
    const ageDays = kept?.age_days ?? Math.max(0, Math.floor((at - book.facts.joinedAt) / DAY_MS));
    const standing = book.would.standing;
    const member = { did, domain, age_days: ageDays, tier: book.facts.tier, standing, labels: [] };
    const window = evidence.windows(envelope);
    const complete = { ...envelope, data: { ...envelope.data, data: { ...data, member, window } } };
    const result = engine.evaluate(complete);
    counts.judged += 1;
    counts.errors += result.errorCount;
    for (const verdict of result.verdicts)
      tally(book, verdict.rule)[verdict.shadow ? "wouldInShadow" : "would"] += 1;
    const findings = result.verdicts.flatMap((verdict) => findingsOf(verdict, complete, at));
    const { state, moved } = transition(book.would.state, findings);
    book.would.state = state;
    if (moved) move(did, book, moved.to, at, moved.finding.rule);
  }

  function tally(book: Book, rule: string) {
    const found = book.rules.get(rule) ?? { rule, done: 0, would: 0, doneInShadow: 0, wouldInShadow: 0 };
    book.rules.set(rule, found);
    return found;
  }

  return {
    /** Takes a part of the log, in its order. */
    take: (events: readonly StoredEvent[]) => db.transaction(() => events.forEach(take)),

    /** What was recorded then. */
    done({ did, at, rule, shadow }: Verdict): void {
      if (at < since || at >= until || !isMeant(did)) return;
      tally(bookOf(did, at), rule)[shadow ? "doneInShadow" : "done"] += 1;
    },

    counts: () => ({ ...counts }),

    /** All members of whom there is anything to say, differences first. */
    members: (): MemberReplay[] =>
      [...books]
        .filter(([did]) => isMeant(did))
        .map(([did, { done, would, rules }]) => ({
          did,
          different: differs(done, would) || [...rules.values()].some((one) => one.done !== one.would),
          rules: [...rules.values()].sort((a, b) => (a.rule < b.rule ? -1 : 1)),
          done,
          would: { standing: would.standing, changes: would.changes },
        }))
        .filter(({ rules, done, would }) => rules.length + done.changes.length + would.changes.length > 0)
        .sort((a, b) => Number(b.different) - Number(a.different) || (a.did < b.did ? -1 : 1)),

    close: () => db.close(),
  };
}

function findingsOf(
  { rule, description, effects, values }: RuleVerdict,
  envelope: Envelope,
  at: number,
): Finding[] {
  const { action_id: actionId, data } = envelope.data;
  return effects
    .filter(
      (one) => one.entityType === "Member" && one.entityId === data.member.did && one.status === "added",
    )
    .map(({ label }) => ({
      cause: label,
      rule,
      description,
      evidence: {},
      actionId,
      at,
      sentAt: data.message?.received_at ?? at,
      byStrangers:
        CAUSES[label] !== undefined && isByStrangers(evidenceOf(CAUSES[label], data.window ?? {}, values)),
    }));
}

const differs = (done: Side, would: Side) =>
  JSON.stringify(done.changes.map(({ to }) => to)) !== JSON.stringify(would.changes.map(({ to }) => to));
