import { Meter } from "../charts.tsx";
import { Badge, Breadcrumb, EmptyState, Fold, KeyValue, Links, Section, Time } from "../components.tsx";
import { COMMITTEE_PATH, providersPath, suppressionsPath } from "../paths.ts";
import type { LimitUse, MemberView, PortalRole } from "../view.ts";
import {
  formatCount,
  formatProbability,
  formatShare,
  formatTime,
  LABEL_WORDS,
  TIER_WORDS,
} from "../words.ts";
import { PastApplications } from "./member-application.tsx";
import { CredentialsInBrief, DomainsInBrief } from "./member-brief.tsx";
import { Messages } from "./member-messages.tsx";
import { isOpen, PastPauses } from "./member-pauses.tsx";
import { WaitsAt } from "./measures.tsx";
import { Returned } from "./member-returned.tsx";
import { MemberNav } from "./member-nav.tsx";
import { Changes, Ladder, Rungs, Situation } from "./member-standing.tsx";
import { StandingBadge } from "./parts.tsx";
import { whyNot } from "./portal-parts.tsx";

/** How it stands with a member, why, and what is to be done; the rest is on its other pages. */
export function MemberPage({ view, role }: { view: MemberView; role: PortalRole }) {
  const forCommittee = role === "committee";
  const why = whyNot(role, view);
  return (
    <>
      <div class="page-head">
        {forCommittee ? (
          <Breadcrumb items={[{ href: COMMITTEE_PATH, text: "Committee" }]} current={view.domain} />
        ) : null}
        <MemberNav did={view.did} current="overview" />
        <h1>{view.domain}</h1>
        <p class="badges">
          {view.membership === "member" ? <StandingBadge standing={view.standing} /> : null}
          {view.membership === "applicant" ? <Badge tone="note">Applicant</Badge> : null}
          {view.membership === "left" ? <Badge>Has left</Badge> : null}
          {view.pauses.some(isOpen) ? <Badge tone="warn">Paused</Badge> : null}
        </p>
      </div>
      {view.membership === "applicant" ? null : <Jumps />}
      <WaitsAt waits={view.waitsAt} />
      <Situation view={view} forCommittee={forCommittee} why={why} />
      {view.membership === "applicant" ? null : (
        <>
          <Section
            id="standing"
            title="Standing"
            intro="Where the member is, and what that means for its mail."
          >
            <Ladder standing={view.standing} since={view.standingSince} />
            <Rungs />
          </Section>
          <Limits view={view} />
          <Evidence view={view} />
          <Changes view={view} forCommittee={forCommittee} why={why} />
        </>
      )}
      <DomainsInBrief view={view} />
      <CredentialsInBrief view={view} />
      {view.membership === "applicant" ? null : (
        <>
          <Messages did={view.did} messages={view.messages} forCommittee={forCommittee} />
          <Returned view={view} />
          <Elsewhere did={view.did} />
          <PastPauses view={view} />
        </>
      )}
      <Notes view={view} />
      <PastApplications view={view} />
      <IdentityAndLabels view={view} />
    </>
  );
}

/** What has pages of its own. */
function Elsewhere({ did }: { did: string }) {
  return (
    <Section id="suppressed" title="What the world says">
      <Links
        links={[
          [
            suppressionsPath(did),
            "Suppressed recipients",
            "Addresses that do not exist, and people who complained or unsubscribed: nothing goes there until it ends or you release it.",
          ],
          [
            providersPath(did),
            "What providers say",
            "Spam reports at Gmail and complaints at Yahoo, day by day, and whether Gmail's requirements are met.",
          ],
        ]}
      />
    </Section>
  );
}

/** The way to the parts that people come for. */
function Jumps() {
  return (
    <nav class="jumps" aria-label="On this page">
      {(
        [
          ["standing", "Standing"],
          ["limits", "Limits"],
          ["changes", "Changes of standing"],
          ["messages", "Messages"],
          ["returned", "Returned mail"],
        ] as const
      ).map(([id, text]) => (
        <a href={`#${id}`}>{text}</a>
      ))}
    </nav>
  );
}

const BOUNCE_SCALE = 0.1;
const BOUNCE_MARK = 0.05;
const COMPLAINT_SCALE = 0.005;
const COMPLAINT_MARK = 0.001;

function Evidence({ view }: { view: MemberView }) {
  const { bounce, complaints } = view;
  return (
    <Section
      id="evidence"
      title="Evidence now"
      intro="A rate counts only with enough mail behind it: a rule acts on the probability, not on the bare rate."
    >
      {bounce === null || bounce.eligible === 0 ? (
        <EmptyState title="No mail counts yet">
          Mail counts that was handed in after you joined, and after the last change of standing.
        </EmptyState>
      ) : (
        <Meter
          label="Hard bounces"
          value={bounce.rate}
          max={BOUNCE_SCALE}
          threshold={BOUNCE_MARK}
          state={evidenceState(bounce.rate > BOUNCE_MARK, bounce.p_over_5)}
          text={`${bounce.hard} of ${formatCount(bounce.eligible)} recipients (${formatShare(bounce.rate)}), mark at 5 %`}
          note={`Probability that the true rate is above 5 %: ${formatProbability(bounce.p_over_5)}; above 10 %: ${formatProbability(bounce.p_over_10)}.`}
        />
      )}
      {complaints === null || complaints.eligible === 0 ? null : (
        <Meter
          label="Complaints, 30 days"
          value={complaints.rate}
          max={COMPLAINT_SCALE}
          threshold={COMPLAINT_MARK}
          state={evidenceState(complaints.rate > COMPLAINT_MARK, complaints.p_over_01)}
          text={`${complaints.complaints} of ${formatCount(complaints.eligible)} (${formatShare(complaints.rate)}), mark at 0.1 %`}
          note={`Different people who complained: ${formatCount(complaints.complainants)}. Probability that the true rate is above 0.1 %: ${formatProbability(complaints.p_over_01)}.`}
        />
      )}
    </Section>
  );
}

const SURE = 0.95;

/** A rate above its mark alarms only when there is enough behind it. */
function evidenceState(above: boolean, probability: number): "fine" | "near" | "over" {
  if (!above) return "fine";
  return probability >= SURE ? "over" : "near";
}

const NEAR = 0.8;

function Limits({ view }: { view: MemberView }) {
  return (
    <Section
      id="limits"
      title="Limits"
      intro={
        <>
          Tier: <strong>{TIER_WORDS[view.tier]}</strong>.{" "}
          {view.nextTier === null ? "There is no higher one." : `Next: ${view.nextTier}`}
        </>
      }
    >
      {view.limits.length === 0 ? (
        <EmptyState title="Nothing may be sent now" />
      ) : (
        view.limits.map((use) => (
          <Meter
            label={`Messages in ${use.window}`}
            value={use.used}
            max={use.limit}
            state={limitState(use)}
            text={`${formatCount(use.used)} of ${formatCount(use.limit)} used`}
            note={
              limitState(use) === "fine" || use.freeAt === null
                ? undefined
                : `All of it is free again on ${formatTime(use.freeAt)}.`
            }
          />
        ))
      )}
    </Section>
  );
}

function limitState({ used, limit }: LimitUse): "fine" | "near" | "over" {
  if (used >= limit) return "over";
  return used >= limit * NEAR ? "near" : "fine";
}

function Notes({ view }: { view: MemberView }) {
  return (
    <Section id="notes" title="Notes" intro="Private: for the member and the committee only.">
      {view.notes.length === 0 ? (
        <EmptyState title="There are no notes" />
      ) : (
        <>
          <NoteList notes={view.notes.slice(0, NOTES_AT_ONCE)} />
          {view.notes.length > NOTES_AT_ONCE ? (
            <Fold id="more-notes" summary={`${formatCount(view.notes.length - NOTES_AT_ONCE)} before those`}>
              <NoteList notes={view.notes.slice(NOTES_AT_ONCE)} />
            </Fold>
          ) : null}
        </>
      )}
    </Section>
  );
}

const NOTES_AT_ONCE = 5;

function NoteList({ notes }: { notes: MemberView["notes"] }) {
  return (
    <ul class="plain">
      {notes.map((note) => {
        const parts = note.text.split("\n\n").map((part) => <p>{part}</p>);
        return (
          <li data-key={note.id}>
            {note.text.length <= SHORT_NOTE ? (
              <>
                <p class="soft small">
                  <Time at={note.at} />
                </p>
                {parts}
              </>
            ) : (
              <Fold
                id={`note-${note.id}`}
                summary={
                  <>
                    <span>{headOf(note.text)}</span>
                    <span class="soft small">
                      <Time at={note.at} />
                    </span>
                  </>
                }
              >
                {parts}
              </Fold>
            )}
          </li>
        );
      })}
    </ul>
  );
}

const SHORT_NOTE = 160;
const LONGEST_HEAD = 80;

/** What a note is about: its first words, up to a colon or a full stop. */
function headOf(text: string): string {
  const [head = ""] = text.split(/[:.](?:\s|$)|\n/, 1);
  return head.length <= LONGEST_HEAD ? head : `${head.slice(0, LONGEST_HEAD).replace(/\s+\S*$/, "")} ...`;
}

function IdentityAndLabels({ view }: { view: MemberView }) {
  return (
    <Section
      id="identity"
      title="Identity and labels"
      intro="Labels are public; everything else on this page is not."
    >
      <KeyValue
        items={[
          ["DID", <code>{view.did}</code>],
          ["Handle", view.handle ?? "none"],
          ["Member since", <Time at={view.joinedAt} dateOnly />],
        ]}
      />
      {view.labels.length === 0 ? (
        <EmptyState title="No label is held now" />
      ) : (
        <ul class="plain">
          {view.labels.map((label) => (
            <li data-key={`${label.uri} ${label.value}`}>
              <Badge tone="ok">{label.value}</Badge> {LABEL_WORDS[label.value] ?? ""}
              <p class="soft small">
                Since <Time at={label.issuedAt} dateOnly />
                {label.expiresAt === null ? null : (
                  <>
                    , lapses on <Time at={label.expiresAt} dateOnly /> unless renewed
                  </>
                )}
                , about <code>{label.uri}</code>
              </p>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}
