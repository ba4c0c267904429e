import { eventTime } from "../../event/index.ts";
import type { RuleVerdict } from "../../rules/index.ts";
import { CAUSES, evidenceOf, isByStrangers, type Cause, type Finding } from "../../standing/index.ts";
import type { CoreParts } from "./parts.ts";
import type { DomainDesk } from "./domain-desk.ts";
import type { PauseDesk } from "./pause-desk.ts";
import type { Judged } from "./pipeline.ts";

const LAPSES_MS = 7 * 86_400_000;

/** One label that a verdict puts on somebody whom the event is about, and its meaning. */
type Said = { label: string; cause: Cause; verdict: RuleVerdict; expiresMs: number };

/**
 * What follows from verdicts, in the transaction of the event: standing, notes, pauses, holds. An event is judged once, so
 * each verdict has its effect once; what is there already is not begun again.
 */
export function createConsequences(
  { clock, members, standings, cases, pipeline, news, tell }: CoreParts,
  desks: { pauses: PauseDesk; domains: DomainDesk },
) {
  /** A rule can speak of the member, the credential and the domain of its event, and of nobody else. */
  function saidIn({ envelope, verdicts }: Judged): Said[] {
    const { member, credential } = envelope.data.data;
    const { did } = member;
    const subjects: Record<Cause["entity"], string | undefined> = {
      Member: did,
      Credential: members.credential(credential ?? "")?.did === did ? credential : undefined,
      Domain: members.domain(member.domain)?.did === did ? member.domain : undefined,
    };
    return verdicts.flatMap((verdict) =>
      verdict.effects.flatMap(({ label, status, entityType, entityId, expiresAfterS }) => {
        const cause = CAUSES[label];
        if (!cause || status !== "added" || entityType !== cause.entity) return [];
        if (subjects[cause.entity] !== entityId) return [];
        const expiresMs = expiresAfterS === null ? LAPSES_MS : expiresAfterS * 1_000;
        return [{ label, cause, verdict, expiresMs }];
      }),
    );
  }

  function followOne(said: Said, judged: Judged): void {
    const { label, cause, verdict } = said;
    const { action_id, data } = judged.envelope.data;
    const { did, domain } = data.member;
    // A clock that is ahead puts nothing into the future.
    const at = Math.min(eventTime(judged.envelope), clock.now());
    const evidence = evidenceOf(cause, judged.window, verdict.values);
    switch (cause.consequence.kind) {
      case "grade":
        return;
      case "note":
        standings.notes.put(did, {
          rkey: `${label}-${action_id}`,
          at,
          kind: "notice",
          title: cause.title,
          body: `${verdict.description}\n\n${cause.remedy}`,
        });
        return news.noted(did, {
          about: `${label}:${action_id}`,
          type: "complaint.received",
          data: { title: cause.title, description: verdict.description, remedy: cause.remedy },
        });
      case "pause":
        return desks.pauses.stop(did, {
          credential: data.credential!,
          cause: "complaints",
          at,
          facts: { ...evidence, rule: verdict.rule, description: verdict.description },
        });
      case "end-pause":
        return desks.pauses.lift(did, data.credential!, { rule: verdict.rule, why: verdict.description });
      case "hold": {
        const { record = "", fix = "" } = judged.window.authentication ?? {};
        return desks.domains.hold(did, {
          domain,
          since: at,
          found: record || verdict.description,
          record: fix,
        });
      }
      case "release":
        return desks.domains.release(did, domain);
      case "public":
        standings.setCleanUntil(did, at + said.expiresMs);
        return tell([did]);
    }
  }

  /** More complaints during a probation would suspend; of people who have just signed up a person judges. */
  function askAboutNewcomers(
    did: string,
    { cause, rule, description, evidence, at, sentAt, byStrangers }: Finding,
  ) {
    const { standing, since } = standings.state(did);
    const isAsked = CAUSES[cause]?.window === "complaint" && byStrangers && standing === "probation";
    if (!isAsked || sentAt <= since) return;
    const [latest] = standings.changesOf(did, 1);
    cases.open({
      did,
      kind: "newcomers",
      about: `newcomers:${did}:${since}`,
      at: Math.min(at, clock.now()),
      changeId: latest?.id ?? null,
      facts: { rule, description, evidence },
    });
  }

  return {
    follow(judged: Judged): void {
      const { did } = judged.envelope.data.data.member;
      const said = saidIn(judged);
      for (const one of said) followOne(one, judged);
      const findings = said
        .filter(({ cause }) => cause.consequence.kind === "grade")
        .map((one) => findingOf(one, judged));
      const change = standings.consider(did, findings);
      if (change) pipeline.conclude(change);
      else for (const finding of findings) askAboutNewcomers(did, finding);
    },
  };
}

function findingOf({ label, cause, verdict }: Said, { envelope, window }: Judged): Finding {
  const { action_id: actionId, data } = envelope.data;
  const at = eventTime(envelope);
  const evidence = evidenceOf(cause, window, verdict.values);
  return {
    cause: label,
    rule: verdict.rule,
    description: verdict.description,
    evidence,
    actionId,
    at,
    sentAt: data.message?.received_at ?? at,
    byStrangers: isByStrangers(evidence),
  };
}
