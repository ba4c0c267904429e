import { DataTable, EmptyState, Section, Time } from "../components.tsx";
import { changeAnchor, memberPath, messagePath, providersPath } from "../paths.ts";
import type { ChangeEventsView, CountedEvent, PortalRole } from "../view-portal.ts";
import { formatCount, STANDING_WORDS } from "../words.ts";
import { PortalHead } from "./portal-parts.tsx";

/** Each bounce and each complaint that a rule counted, with the mail that it is about. */
export function EventsPage({ view, role }: { view: ChangeEventsView; role: PortalRole }) {
  const { did, change, bounces, complaints } = view;
  return (
    <>
      <PortalHead
        frame={view}
        current="overview"
        title="What counted"
        role={role}
        lede={
          <>
            When the rule {change.rule} led from {STANDING_WORDS[change.from].name.toLowerCase()} to{" "}
            {STANDING_WORDS[change.to].name.toLowerCase()} on <Time at={change.at} />, these events counted.{" "}
            <a href={`${memberPath(did)}#${changeAnchor(String(change.id))}`}>
              The change, and how to appeal
            </a>
          </>
        }
      />
      {bounces.length + complaints.length === 0 ? (
        <Section id="none" title="No single event">
          <EmptyState title="There is none to show">
            Single events are kept for 150 days; the values that decided stand with the change. A rule about a
            provider's own figures counts none: those are under <a href={providersPath(did)}>Providers</a>.
          </EmptyState>
        </Section>
      ) : null}
      <Events
        did={did}
        id="bounces"
        title="Bounces"
        intro="Addresses that do not exist, each recipient once a day. What a provider's own incident explains is left out."
        events={bounces}
      />
      <Events
        did={did}
        id="complaints"
        title="Complaints"
        intro="People who called a mail spam. Who they are nobody keeps."
        events={complaints}
      />
      <p class="soft">A message has its page for 30 days, with the remote server's words.</p>
    </>
  );
}

function Events(props: { did: string; id: string; title: string; intro: string; events: CountedEvent[] }) {
  const { did, id, title, intro, events } = props;
  if (events.length === 0) return null;
  return (
    <Section id={id} title={`${title}: ${formatCount(events.length)}`} intro={intro} wide>
      <DataTable
        caption={title}
        hideCaption
        columns={[{ label: "When" }, { label: "Message" }, { label: "At" }]}
        rows={events.map(({ message, at, domain, provider, isKept }, index) => ({
          key: `${message}-${index}`,
          cells: [
            <Time at={at} />,
            isKept ? <a href={messagePath(did, message)}>{message}</a> : <code>{message}</code>,
            domain === "" ? null : `${domain}${provider === "other" ? "" : ` (${provider})`}`,
          ],
        }))}
      />
    </Section>
  );
}
