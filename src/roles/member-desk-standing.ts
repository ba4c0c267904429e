import type { CountedFact } from "../evidence/index.ts";
import { STANDINGS, type Standing } from "../policy/index.ts";
import type { Case, StandingChange } from "../standing/index.ts";
import type { CaseRefusal } from "./core/case-desk.ts";
import type { MemberError } from "../member/index.ts";
import { wordsFor, type DeskParts, type DeskRefusal } from "./member-desk-parts.ts";

/** What the member said against a change. Times in ms since the epoch. */
export type DeskAppeal = {
  case: number;
  change: number | null;
  words: string;
  openedAt: number;
  /** By then somebody of the committee should have decided. */
  dueAt: number;
  /** Null while it waits. */
  decision: { at: number; by: string; reason: string } | null;
};

/** Whether it went from a better standing to a worse one: what can be appealed. */
export const isWorse = ({ from, to }: Pick<StandingChange, "from" | "to">): boolean =>
  STANDINGS.indexOf(to) > STANDINGS.indexOf(from);

const CASES = 500;
const CHANGES = 200;
const MOST_FACTS = 200;
/** Rules that look at complaints of 90 days. */
const LONG_RULES = new Set(["ComplaintProbationSlow"]);

/** `isKept`: its message can still be looked at. */
export type DeskFact = CountedFact & { isKept: boolean };
export type DeskEvents = {
  change: Pick<StandingChange, "id" | "at" | "from" | "to"> & { rule: string };
  /** The newest first, 200 at most. */
  bounces: DeskFact[];
  complaints: DeskFact[];
};

/** What a member says about its own standing: the same for its pages and the API. */
export function standingDesk({ core, spool }: Pick<DeskParts, "core" | "spool">) {
  return {
    /** The very events that counted when a rule changed the standing; null: no rule did, or there is no such change. */
    async events(did: string, change: number): Promise<DeskEvents | null> {
      const found = core.standings.changesOf(did, CHANGES).find(({ id }) => id === change);
      if (!found || found.rule === null) return null;
      const { bounces, complaints } = core.evidence.counted(did, found.at, {
        long: LONG_RULES.has(found.rule),
      });
      const shown = (facts: CountedFact[]) =>
        Promise.all(
          facts.slice(0, MOST_FACTS).map(async (fact) => {
            const message = await spool?.message(fact.message);
            return { ...fact, isKept: message?.did === did };
          }),
        );
      return {
        change: { id: found.id, at: found.at, from: found.from, to: found.to, rule: found.rule },
        bounces: await shown(bounces),
        complaints: await shown(complaints),
      };
    },

    /** Every appeal of the member, the newest first. */
    appeals: (did: string): DeskAppeal[] =>
      core.cases
        .list("all", CASES, did)
        .filter(({ kind }) => kind === "appeal")
        .map(appealOf)
        .toSorted((a, b) => b.case - a.case),

    /** Says that a change is wrong; people of the committee then look at it. `by`: who wrote it. */
    async appeal(did: string, change: number, words: string, by: string): Promise<DeskAppeal | DeskRefusal> {
      const opened = core.cases.appeal(did, change, words, by);
      if ("error" in opened) return caseWords(opened);
      await core.told();
      return appealOf(opened);
    },

    /** Whether the way back from its standing waits for what the member changed. */
    isRemedyAsked: (did: string): boolean => {
      const { standing } = core.standings.state(did);
      return (
        (standing === "probation" || standing === "suspended") && core.standings.remedyOf(did) === undefined
      );
    },

    /** Says what was changed, which the way back from probation asks. */
    async remedy(did: string, text: string): Promise<{ standing: Standing; waits: boolean } | DeskRefusal> {
      const confirmed = core.cases.remedy(did, text);
      if ("error" in confirmed) return caseWords(confirmed);
      await core.told();
      return { standing: core.standings.state(did).standing, ...confirmed };
    },
  };
}

function appealOf(one: Case): DeskAppeal {
  const { id, changeId: change, words, openedAt, dueAt, decision } = one;
  return {
    case: id,
    change,
    words,
    openedAt,
    dueAt,
    decision: decision && { at: decision.at, by: decision.by, reason: decision.reason },
  };
}

function caseWords(error: CaseRefusal | MemberError): DeskRefusal {
  switch (error.error) {
    case "no-change":
      return { error: "NotFound", message: `There is no change ${error.change} of this standing.` };
    case "appealed-already":
      return { error: "AppealedAlready", message: `This change is appealed already, in case ${error.id}.` };
    case "no-remedy-asked":
      return {
        error: "NoRemedyAsked",
        message: "Only probation and suspension wait for what a member has changed.",
      };
    case "no-case":
    case "decided-already":
    case "own-case":
    case "own-decision":
    case "no-such-verdict":
      return { error: "NotDone", message: "The committee decides this, not the member." };
    default:
      return wordsFor(error);
  }
}
