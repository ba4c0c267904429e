import { Sparkline } from "../charts.tsx";
import { Badge, DataTable, EmptyState, Figures, Section, Time } from "../components.tsx";
import { STANDINGS } from "../../policy/index.ts";
import { changeAnchor, memberPath } from "../paths.ts";
import { RECIPIENT_STATES, type CommitteeMember, type CommitteeOverview } from "../view.ts";
import {
  EVENT_WORDS,
  formatCount,
  formatProbability,
  formatShare,
  STANDING_WORDS,
  STATE_WORDS,
  TIER_WORDS,
} from "../words.ts";
import { EgressSection } from "./egress.tsx";
import { Allowlist, Operators, PoolNumbers, RecentLabels, Together } from "./overview.tsx";
import { StandingBadge } from "./parts.tsx";
import { mailWords } from "./pause-mail.tsx";

/** What the committee sees: the pool, every member's standing, and why it changed. */
export function CommitteePage({ view }: { view: CommitteeOverview }) {
  return (
    <>
      <div class="page-head">
        <h1>Committee</h1>
        <p class="lede">
          Standing, evidence and the queue. What is shown here is for the committee alone; a member sees its
          own part of it.
        </p>
      </div>
      <Waiting view={view} />
      <Standings members={view.members} />
      <Queue view={view} />
      {view.egress === null ? null : <EgressSection view={view.egress} />}
      <Changes view={view} />
      <Members members={view.members} />
      <Events view={view} />
      <PoolNumbers view={view.overview} />
      <Together view={view.overview} />
      <Operators view={view.overview} />
      <Allowlist view={view.overview} />
      <RecentLabels view={view.overview} />
    </>
  );
}

/** What people decide: who wants to belong, and whose mail stands still. */
function Waiting({ view: { applications, pauses } }: { view: CommitteeOverview }) {
  return (
    <Section
      id="waiting"
      title="Waits for a decision"
      intro={
        applications.length + pauses.length === 0
          ? "No application, no pause."
          : "Each is decided on the page of its member."
      }
    >
      {applications.length === 0 ? null : (
        <DataTable
          caption="Applications, the one that waits longest first"
          columns={[
            { label: "Name" },
            { label: "Domains" },
            { label: "A day", numeric: true },
            { label: "Sends" },
            { label: "Applied" },
          ]}
          rows={applications.map((one) => ({
            key: String(one.id),
            cells: [
              <a href={memberPath(one.did)}>{one.name}</a>,
              one.domains.join(", "),
              one.daily === null ? "–" : formatCount(one.daily),
              one.purpose,
              <Time at={one.appliedAt} />,
            ],
          }))}
        />
      )}
      {pauses.length === 0 ? null : (
        <DataTable
          caption="Pauses, the oldest first"
          columns={[
            { label: "Domain" },
            { label: "Of" },
            { label: "Why" },
            { label: "Waiting", numeric: true },
            { label: "Since" },
            { label: "Told" },
          ]}
          rows={pauses.map((pause) => ({
            key: String(pause.id),
            cells: [
              <a href={memberPath(pause.did)}>{pause.domain}</a>,
              pause.credentialName === null ? "the member" : `credential ${pause.credentialName}`,
              pause.by === null ? pause.title : `${pause.by}: ${pause.reason}`,
              pause.held === null ? "–" : formatCount(pause.held),
              <Time at={pause.at} />,
              pause.mails.paused ? mailWords(pause.mails.paused) : "not told by mail",
            ],
          }))}
        />
      )}
    </Section>
  );
}

function Standings({ members }: { members: CommitteeMember[] }) {
  const paused = members.filter((member) => member.paused).length;
  return (
    <Section
      id="standings"
      title="Members by standing"
      intro={`${formatCount(members.length)} members; sending is paused of ${paused === 0 ? "none" : formatCount(paused)}.`}
    >
      <ul class="tally">
        {STANDINGS.map((standing) => (
          <li>
            <strong>{formatCount(members.filter((m) => m.standing === standing).length)}</strong>
            <StandingBadge standing={standing} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Queue({ view }: { view: CommitteeOverview }) {
  return (
    <Section
      id="queue"
      title="Recipients by state"
      intro={
        view.oldestWaiting === null ? (
          "Nothing waits."
        ) : (
          <>
            The oldest that waits was accepted on <Time at={view.oldestWaiting} />.
          </>
        )
      }
    >
      <Figures
        items={RECIPIENT_STATES.map((state) => ({
          label: STATE_WORDS[state].name.toLowerCase(),
          value: formatCount(view.queue[state] ?? 0),
        }))}
      />
    </Section>
  );
}

function Changes({ view }: { view: CommitteeOverview }) {
  return (
    <Section
      id="changes"
      title="Recent changes of standing"
      intro="Each with its cause; the member's page has the evidence."
    >
      {view.changes.length === 0 ? (
        <EmptyState title="No standing has changed yet" />
      ) : (
        <ol class="plain changes">
          {view.changes.map((change) => (
            <li data-key={change.id}>
              <p class="change-line">
                <a href={`${memberPath(change.did)}#${changeAnchor(change.id)}`}>{change.domain}</a>
                <span class="from-to">
                  {STANDING_WORDS[change.from].name} <span aria-hidden="true">→</span>
                  <span class="vh"> to </span> <StandingBadge standing={change.to} />
                </span>
                <span class="soft small">
                  <Time at={change.at} />
                </span>
              </p>
              <p>{change.cause}</p>
              <p class="soft small">{decider(change)}</p>
            </li>
          ))}
        </ol>
      )}
    </Section>
  );
}

function decider({ rule, by }: CommitteeOverview["changes"][number]): string {
  if (rule !== null) return `Rule: ${rule}`;
  return by === null ? "By time, without a new cause" : `Decided by ${by}`;
}

function Members({ members }: { members: CommitteeMember[] }) {
  return (
    <Section id="members" title="Members" wide>
      {members.length === 0 ? (
        <EmptyState title="There is no member yet" />
      ) : (
        <DataTable
          caption="Bounces: hard ones among the last 200 recipients that count, and the probability that the true rate is above 5 %"
          columns={[
            { label: "Domain" },
            { label: "Standing" },
            { label: "Tier" },
            { label: "Today", numeric: true },
            { label: "Seven days" },
            { label: "Bounces", numeric: true },
            { label: "Above 5 %", numeric: true },
            { label: "Last event" },
          ]}
          rows={members
            .toSorted(worstFirst)
            .map((member) => ({ key: member.did, cells: memberCells(member) }))}
        />
      )}
    </Section>
  );
}

/** Who needs the committee's eye comes first. */
function worstFirst(a: CommitteeMember, b: CommitteeMember): number {
  return (
    STANDINGS.indexOf(b.standing) - STANDINGS.indexOf(a.standing) ||
    Number(b.paused) - Number(a.paused) ||
    (b.bounce?.p_over_5 ?? 0) - (a.bounce?.p_over_5 ?? 0) ||
    a.domain.localeCompare(b.domain)
  );
}

function memberCells(member: CommitteeMember) {
  const { bounce, lastEvent } = member;
  return [
    <a href={memberPath(member.did)}>{member.domain}</a>,
    <span class="badges">
      <StandingBadge standing={member.standing} />
      {member.paused ? <Badge tone="warn">Paused</Badge> : null}
    </span>,
    TIER_WORDS[member.tier],
    formatCount(member.today),
    <Sparkline values={member.week} label="Messages of the last seven days" />,
    bounce === null ? "–" : `${bounce.hard} of ${bounce.eligible} (${formatShare(bounce.rate)})`,
    bounce === null ? "–" : formatProbability(bounce.p_over_5),
    lastEvent === null ? null : (
      <>
        {EVENT_WORDS[lastEvent.action].name}{" "}
        <span class="soft small">
          <Time at={lastEvent.at} />
        </span>
      </>
    ),
  ];
}

function Events({ view }: { view: CommitteeOverview }) {
  return (
    <Section id="events" title="Recent events" wide>
      {view.events.length === 0 ? (
        <EmptyState title="Nothing has happened yet" />
      ) : (
        <DataTable
          caption="Events, the newest first"
          hideCaption
          columns={[{ label: "Event" }, { label: "Domain" }, { label: "What happened" }, { label: "When" }]}
          rows={view.events.map((event) => ({
            key: event.id,
            cells: [
              <Badge tone={EVENT_WORDS[event.action].tone}>{EVENT_WORDS[event.action].name}</Badge>,
              <a href={memberPath(event.did)}>{event.domain}</a>,
              event.summary,
              <Time at={event.at} />,
            ],
          }))}
        />
      )}
    </Section>
  );
}
