import type { ActionName, EventData } from "../../event/index.ts";
import type { CommitteeOverview, LabelledOperator, PublicOverview } from "../../web/index.ts";
import { CAUSES, caseTitle } from "../../standing/index.ts";
import { providerStates } from "../provider-data-pages.ts";
import { egressView } from "./egress.ts";
import { measureLines } from "./measures.ts";
import { pauseView } from "./pauses.ts";
import { dayOf, labelsInForce, lastDays, type QueryParts } from "./parts.ts";

/** Messages a day from which Gmail's Postmaster Tools show a sender its own figures. */
const VISIBILITY_THRESHOLD = 250;
const WEEK = 7;
const WAITING = 50;

export async function publicOverview(parts: QueryParts): Promise<PublicOverview> {
  const { core, labeler, zone, clock } = parts;
  const now = clock.now();
  const days = lastDays(parts, WEEK);
  const today = days.at(-1)!;
  const active = Math.max(1, days.filter((day) => day.accepted > 0).length);
  const perMember = core.evidence.acceptedByMember(dayOf(now) - WEEK + 1);
  const snapshot = zone?.publication.snapshot();
  const first = zone?.store.firstDomain();
  return {
    asOf: now,
    today: {
      messages: today.accepted,
      delivered: today.delivered,
      deferred: today.deferred,
      bounced: today.bounced,
    },
    days: days.map(({ day, delivered, deferred, bounced }) => ({ day, delivered, deferred, bounced })),
    together: {
      threshold: VISIBILITY_THRESHOLD,
      operators: perMember.map(({ accepted }) => accepted / active).sort((a, b) => b - a),
    },
    operators: labelledOperators(parts),
    labeler: { did: labeler?.labels.did ?? "", url: parts.publicUrl },
    allowlist: snapshot
      ? {
          zone: `dwl.${snapshot.head.zone}`,
          serial: snapshot.head.serial,
          entries: zone!.store.countListed(),
          publishedAt: Date.parse(snapshot.head.issuedAt),
          example: first ? { domain: first.key, answer: first.code } : null,
          digServer: parts.digServer,
        }
      : null,
    recentLabels: labelsInForce(parts).slice(0, 12),
  };
}

function labelledOperators({ labeler }: QueryParts): LabelledOperator[] {
  if (!labeler) return [];
  const byUri = Map.groupBy(labeler.labels.active(), (label) => label.uri);
  return labeler.attestations
    .list()
    .flatMap((attestation) => {
      const proof = byUri.get(attestation.uri)?.find((label) => label.cid === attestation.cid);
      if (!proof) return [];
      const onDid = byUri.get(attestation.did) ?? [];
      const labels = [...new Set([proof.val, ...onDid.map((label) => label.val)])].sort();
      return [{ did: attestation.did, domain: attestation.domain, labels, since: Date.parse(proof.cts) }];
    })
    .sort((a, b) => a.domain.localeCompare(b.domain));
}

export async function committeeOverview(parts: QueryParts): Promise<CommitteeOverview> {
  const { core, spool, clock } = parts;
  const now = clock.now();
  const domainOf = (did: string) => core.members.domainsOf(did)[0]?.name ?? did;
  const waiting = (await spool?.oldestWaiting()) ?? null;
  return {
    overview: await publicOverview(parts),
    applications: core.members.applications.list("open", WAITING),
    pauses: await Promise.all(
      core.pauses.allOpen(WAITING).map(async (pause) => ({
        ...(await pauseView(parts, pause)),
        domain: domainOf(pause.did),
      })),
    ),
    cases: core.cases.list("open", WAITING).map(({ id, did, kind, words, openedAt, dueAt, changeId }) => ({
      id,
      did,
      change: changeId === null ? null : String(changeId),
      domain: domainOf(did),
      title: caseTitle(kind),
      words,
      openedAt,
      dueAt,
      isOverdue: dueAt < now,
    })),
    members: membersOf(core).map((member) => {
      const week = lastDays(parts, WEEK, member.did).map((day) => day.accepted);
      const last = core.events.recentOf(member.did, 1)[0];
      return {
        did: member.did,
        domain: domainOf(member.did),
        standing: core.standings.state(member.did).standing,
        paused: core.pauses.open(member.did).length > 0,
        tier: member.tier,
        today: week.at(-1) ?? 0,
        week,
        bounce: core.evidence.bounces(member.did, now),
        lastEvent: last ? { action: last.action, at: last.at } : null,
      };
    }),
    changes: core.standings.recentChanges(12).map((change) => ({
      id: String(change.id),
      at: change.at,
      did: change.did,
      domain: domainOf(change.did),
      from: change.from,
      to: change.to,
      cause: CAUSES[change.cause]?.title ?? change.description,
      rule: change.rule,
      by: change.by,
    })),
    events: core.events.recent(25).map(({ seq, at, action, did, envelope }) => ({
      id: String(seq),
      at,
      action,
      did,
      domain: envelope.data.data.member.domain || domainOf(did),
      summary: summarize(action, envelope.data.data),
    })),
    queue: (await spool?.counts()) ?? {},
    oldestWaiting: waiting,
    lateCodes: core.timing
      .slowNow()
      .filter(({ did }) => did === null)
      .map(({ provider, since, last }) => ({ provider, since, ...last })),
    measures: measureLines(parts),
    egress: egressView(parts),
    providers: parts.providers ? providerStates(parts.providers.store, now) : [],
  };
}

function membersOf({ members }: QueryParts["core"]) {
  return members.list().filter((member) => member.membership === "member");
}

function summarize(action: ActionName, { smtp, recipient, detail, message }: EventData): string {
  if (smtp && recipient) {
    const reply = [smtp.code || "", smtp.enhanced, smtp.text].filter((part) => part !== "").join(" ");
    return `${recipient.domain}: ${reply || smtp.class}`;
  }
  const by = typeof detail?.["by"] === "string" ? `, by ${detail["by"]}` : "";
  if (action === "standing_changed") return `${String(detail?.["from"])} to ${String(detail?.["to"])}${by}`;
  if (action === "provider_reported")
    return `${String(detail?.["provider"])}, ${String(detail?.["subject"])}, ${String(detail?.["day"])}: ${String(detail?.["level"])}`;
  if (action === "domain_checked") return `checks: ${String(detail?.["summary"])}`;
  if (message)
    return `${message.recipients} recipient${message.recipients === 1 ? "" : "s"}, ${message.size} octets`;
  if (action === "credential_used_anew") return String(detail?.["network"]);
  const said = detail?.["reason"] ?? detail?.["cause"] ?? detail?.["tier"];
  return `${typeof said === "string" ? said : ""}${by}`.replace(/^, /, "");
}
