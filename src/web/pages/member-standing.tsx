import { Badge, Card, Code, DataTable, EmptyState, Fold, KeyValue, Section, Time } from "../components.tsx";
import { STANDINGS, type Standing } from "../../policy/index.ts";
import { changeAnchor, changeEventsPath, domainAnchor, domainsPath } from "../paths.ts";
import type { MemberPause, MemberView, StandingChange } from "../view.ts";
import { evidenceWords, formatCount, STANDING_WORDS } from "../words.ts";
import { AppealPart, RemedyForm } from "./member-appeal.tsx";
import { OpenApplication } from "./member-application.tsx";
import { isOpen, OpenPause } from "./member-pauses.tsx";
import { StandingBadge } from "./parts.tsx";

/** Whether what waits for a pause leaves when that ends. */
function isOnlyHold({ membership, standing, pauses }: MemberView, pause: MemberPause): boolean {
  if (membership !== "member" || standing === "suspended" || standing === "ejected") return false;
  return !pauses.some(
    (one) => isOpen(one) && one.id !== pause.id && [null, pause.credential].includes(one.credential),
  );
}

/** The first thing on the page: is something wrong, why, what to do, and until when. */
export function Situation({
  view,
  forCommittee,
  why,
}: {
  view: MemberView;
  forCommittee: boolean;
  why: string | null;
}) {
  const change = view.changes.find((one) => one.to === view.standing);
  const held = view.domains.filter((domain) => domain.status === "held");
  return (
    <div class="stack situation">
      {view.applications
        .filter((application) => application.state === "open")
        .map((application) => (
          <OpenApplication application={application} forCommittee={forCommittee} />
        ))}
      {view.pauses.filter(isOpen).map((pause) => (
        <OpenPause pause={pause} forCommittee={forCommittee} frees={isOnlyHold(view, pause)} why={why} />
      ))}
      {view.membership === "left" ? (
        <Card tone="idle">
          <h2>This membership has ended</h2>
          <p>Nothing is sent. What was published for the pool may be removed from the DNS.</p>
        </Card>
      ) : null}
      {view.standing === "good" ? null : (
        <Card tone={STANDING_WORDS[view.standing].tone}>
          <h2>{STANDING_WORDS[view.standing].name}: what happened and what to do</h2>
          <p>{STANDING_WORDS[view.standing].effect}</p>
          {change ? (
            <>
              <Answers items={answersOf(change, view.did)} />
              {view.remedyAsked && !forCommittee ? <RemedyForm did={view.did} why={why} /> : null}
              <AppealPart did={view.did} change={change} place="now" forCommittee={forCommittee} why={why} />
            </>
          ) : (
            <p>
              Since <Time at={view.standingSince} />. The change that led here is older than this page
              reaches; the committee has it.
            </p>
          )}
        </Card>
      )}
      {held.map((domain) => (
        <Card tone="bad">
          <h2>Mail of {domain.name} is held</h2>
          <p>
            Its authentication fails in DNS.{" "}
            <a href={`${domainsPath(view.did)}#${domainAnchor(domain.name)}`}>
              The record to publish is under Domains
            </a>
            ; the mail leaves by itself when the check passes again.
          </p>
        </Card>
      ))}
      {view.membership === "member" &&
      view.standing === "good" &&
      !view.pauses.some(isOpen) &&
      held.length === 0 ? (
        <Card tone="ok">
          <p>
            Nothing is held against this member. In good standing since{" "}
            <Time at={view.standingSince} dateOnly />.
          </p>
        </Card>
      ) : null}
    </div>
  );
}

/** Every rung, the current one marked in words and by shape. */
export function Ladder({ standing, since }: { standing: Standing; since: number }) {
  return (
    <ol class="ladder">
      {STANDINGS.map((rung) => {
        const here = rung === standing;
        return (
          <li
            class={here ? `here ${STANDING_WORDS[rung].tone}` : undefined}
            aria-current={here ? "step" : undefined}
          >
            <p>
              <strong>{STANDING_WORDS[rung].name}</strong>
              {here ? (
                <span class="now">
                  {" "}
                  now, since <Time at={since} dateOnly />
                </span>
              ) : null}
            </p>
            {here ? <p class="soft small">{STANDING_WORDS[rung].effect}</p> : null}
          </li>
        );
      })}
    </ol>
  );
}

/** What every rung means, for whoever asks. */
export function Rungs() {
  return (
    <Fold id="rungs" summary="What each rung means">
      <KeyValue items={STANDINGS.map((rung) => [STANDING_WORDS[rung].name, STANDING_WORDS[rung].effect])} />
    </Fold>
  );
}

export function Changes({
  view,
  forCommittee,
  why,
}: {
  view: MemberView;
  forCommittee: boolean;
  why: string | null;
}) {
  const { did, changes } = view;
  const one = (change: StandingChange) => (
    <Change did={did} change={change} forCommittee={forCommittee} why={why} />
  );
  return (
    <Section
      id="changes"
      title="Changes of standing"
      intro="Each with its number, its cause, the values that decided, the rule, and the way back."
    >
      {changes.length === 0 ? (
        <EmptyState title="Standing has never changed" />
      ) : (
        <ol class="plain">
          {changes.slice(0, AT_ONCE).map(one)}
          {changes.length > AT_ONCE ? (
            <li>
              <Fold id="more-changes" summary={`${formatCount(changes.length - AT_ONCE)} before those`}>
                <ol class="plain">{changes.slice(AT_ONCE).map(one)}</ol>
              </Fold>
            </li>
          ) : null}
        </ol>
      )}
    </Section>
  );
}

const AT_ONCE = 5;

const DECIDERS: Record<StandingChange["decidedBy"], string> = {
  rule: "a rule",
  committee: "the committee",
  breaker: "the breaker",
  time: "time without a new cause",
};

function Change(props: { did: string; change: StandingChange; forCommittee: boolean; why: string | null }) {
  const { did, change, forCommittee, why } = props;
  return (
    <li data-key={change.id}>
      <Fold
        id={`change-line-${changeAnchor(change.id)}`}
        summary={
          <>
            <span>
              {STANDING_WORDS[change.from].name} <span aria-hidden="true">→</span>
              <span class="vh"> to </span> <StandingBadge standing={change.to} />
            </span>
            <span class="soft small">
              change {change.id}, <Time at={change.at} />, by{" "}
              {change.by === null ? null : `${change.by}, for `}
              {DECIDERS[change.decidedBy]}
            </span>
          </>
        }
      >
        {/* A browser that is led here opens what is around it. */}
        <div id={changeAnchor(change.id)} class="stack">
          <Answers items={answersOf(change, did)} />
          <AppealPart did={did} change={change} place="then" forCommittee={forCommittee} why={why} />
          {change.evidence.length === 0 ? null : (
            <details id={`values-${changeAnchor(change.id)}`}>
              <summary>The values that decided</summary>
              <DataTable
                caption="The values that decided"
                hideCaption
                narrow
                columns={[
                  { label: "Evidence" },
                  { label: "Seen", numeric: true },
                  { label: "The rule asks", numeric: true },
                ]}
                rows={change.evidence.map((evidence) => {
                  const { name, value, asked } = evidenceWords(evidence);
                  return { key: evidence.key, cells: [name, value, asked] };
                })}
              />
            </details>
          )}
          {change.rule ? (
            <details id={`rule-${changeAnchor(change.id)}`}>
              <summary>
                The rule: <Badge>{change.rule.name}</Badge>
              </summary>
              <Code text={change.rule.text} label={`Text of the rule ${change.rule.name}`} />
            </details>
          ) : null}
          {forCommittee && change.actionId !== null ? (
            <p class="soft small">
              Every rule at that event: <code>atmos rules explain {change.actionId}</code>
            </p>
          ) : null}
        </div>
      </Fold>
    </li>
  );
}

function answersOf(change: StandingChange, did: string): [string, Answer][] {
  const { cause, remedy, wayBack } = change;
  const answers: [string, Answer][] = [["Why", cause]];
  if (change.rule !== null)
    answers.push(["Evidence", <a href={changeEventsPath(did, change.id)}>The very events that counted</a>]);
  if (remedy !== null) answers.push(["What to do", remedy]);
  if (wayBack !== null) {
    answers.push([
      "The way back",
      wayBack.at === null ? (
        wayBack.text
      ) : (
        <>
          {wayBack.text} Expected on{" "}
          <strong>
            <Time at={wayBack.at} dateOnly />
          </strong>
          .
        </>
      ),
    ]);
  }
  return answers;
}

type Answer = Parameters<typeof KeyValue>[0]["items"][number][1];

function Answers({ items }: { items: [string, Answer][] }) {
  return <KeyValue items={items} />;
}
