import { Badge, DataTable, EmptyState, Figures, Fold, Links, Section, Time } from "../components.tsx";
import { STANDINGS } from "../../policy/index.ts";
import {
  changeAnchor,
  memberPath,
  POOL_REPORTS_PATH,
  POOL_SUPPRESSIONS_PATH,
  PROVIDERS_PATH,
} from "../paths.ts";
import {
  RECIPIENT_STATES,
  type RecipientState,
  type CommitteeMember,
  type CommitteeOverview,
} from "../view.ts";
import { EVENT_WORDS, formatCount, STANDING_WORDS, STATE_WORDS } from "../words.ts";
import { MembersAtAGlance } from "./committee-members.tsx";
import { Needs } from "./committee-needs.tsx";
import { EgressAtAGlance } from "./egress.tsx";
import { Measures } from "./measures.tsx";
import { StandingBadge } from "./parts.tsx";

/** What the committee sees: what needs a person first, then the pool at a glance, then what happened. */
export function CommitteePage({ view }: { view: CommitteeOverview }) {
  return (
    <>
      <div class="page-head">
        <h1>Committee</h1>
        <p class="lede">For the committee alone; a member sees its own part of it.</p>
      </div>
      <Needs view={view} />
      <Standings members={view.members} />
      <Queue view={view} />
      <MembersAtAGlance members={view.members} />
      <Elsewhere />
      <Measures measures={view.measures} />
      {view.egress === null ? null : <EgressAtAGlance view={view.egress} />}
      <Changes view={view} />
      <Events view={view} />
    </>
  );
}

/** What has pages of its own. */
function Elsewhere() {
  return (
    <Section id="elsewhere" title="What the world says">
      <Links
        links={[
          [
            POOL_SUPPRESSIONS_PATH,
            "Suppressed recipients",
            "Unknown users that bind the whole pool, and how many each member has of its own.",
          ],
          [
            POOL_REPORTS_PATH,
            "What others report",
            "DMARC and TLS reports about members' domains, in total.",
          ],
          [
            PROVIDERS_PATH,
            "What providers say",
            "Gmail's and Microsoft's figures, Yahoo's complaints and blocklists, day by day.",
          ],
        ]}
      />
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

/** States that are shown when nobody is in them, too. */
const USUAL: ReadonlySet<RecipientState> = new Set(["queued", "deferred", "held", "delivered", "bounced"]);

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
        items={RECIPIENT_STATES.filter((state) => USUAL.has(state) || view.queue[state]).map((state) => ({
          label: STATE_WORDS[state].name.toLowerCase(),
          value: formatCount(view.queue[state] ?? 0),
        }))}
      />
    </Section>
  );
}

const CHANGES_AT_ONCE = 4;
const EVENTS_AT_ONCE = 6;

function Changes({ view: { changes } }: { view: CommitteeOverview }) {
  return (
    <Section
      id="changes"
      title="Recent changes of standing"
      intro="Each with its cause; the member's page has the evidence."
    >
      {changes.length === 0 ? (
        <EmptyState title="No standing has changed yet" />
      ) : (
        <ChangeList changes={changes.slice(0, CHANGES_AT_ONCE)} />
      )}
      {changes.length > CHANGES_AT_ONCE ? (
        <Fold id="more-changes" summary={`${formatCount(changes.length - CHANGES_AT_ONCE)} before those`}>
          <ChangeList changes={changes.slice(CHANGES_AT_ONCE)} />
        </Fold>
      ) : null}
    </Section>
  );
}

function ChangeList({ changes }: { changes: CommitteeOverview["changes"] }) {
  return (
    <ol class="plain changes">
      {changes.map((change) => (
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
  );
}

function decider({ rule, by }: CommitteeOverview["changes"][number]): string {
  if (rule !== null) return `Rule: ${rule}`;
  return by === null ? "By time, without a new cause" : `Decided by ${by}`;
}

function Events({ view: { events } }: { view: CommitteeOverview }) {
  return (
    <Section id="events" title="Recent events" wide>
      {events.length === 0 ? (
        <EmptyState title="Nothing has happened yet" />
      ) : (
        <EventTable events={events.slice(0, EVENTS_AT_ONCE)} caption="Events, the newest first" />
      )}
      {events.length > EVENTS_AT_ONCE ? (
        <Fold id="more-events" summary={`${formatCount(events.length - EVENTS_AT_ONCE)} before those`}>
          <EventTable events={events.slice(EVENTS_AT_ONCE)} caption="Events before those" />
        </Fold>
      ) : null}
    </Section>
  );
}

function EventTable({ events, caption }: { events: CommitteeOverview["events"]; caption: string }) {
  return (
    <DataTable
      caption={caption}
      hideCaption
      compact
      columns={[
        { label: "Domain" },
        { label: "Event", plain: true },
        { label: "What happened", plain: true },
        { label: "When", plain: true },
      ]}
      rows={events.map((event) => ({
        key: event.id,
        cells: [
          <a href={event.action === "provider_reported" ? PROVIDERS_PATH : memberPath(event.did)}>
            {event.domain}
          </a>,
          <Badge tone={EVENT_WORDS[event.action].tone}>{EVENT_WORDS[event.action].name}</Badge>,
          event.summary,
          <Time at={event.at} />,
        ],
      }))}
    />
  );
}
