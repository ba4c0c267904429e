import { Badge, Card, KeyValue, Section, Time } from "../components.tsx";
import { PortalForm } from "./portal-parts.tsx";
import { MailLine } from "./pause-mail.tsx";
import { pausePath } from "../paths.ts";
import type { MemberPause, MemberView } from "../view.ts";
import { formatCount } from "../words.ts";

type Answer = Parameters<typeof KeyValue>[0]["items"][number];

export const isOpen = (pause: MemberPause) => pause.end === null;

/** An open pause with what ends it; the first thing that its member reads. */
export function OpenPause({
  pause,
  forCommittee,
  frees,
  why,
}: {
  pause: MemberPause;
  forCommittee: boolean;
  /** Nothing else holds the mail that waits. */
  frees: boolean;
  /** Why whoever looks may not answer. */
  why: string | null;
}) {
  return (
    <Card tone="warn" id={`pause-${pause.id}`}>
      <h2>{headline(pause)}</h2>
      <KeyValue items={factsOf(pause, forCommittee)} />
      {forCommittee ? (
        <CommitteeForm pause={pause} />
      ) : pause.by === null ? (
        <MemberForms pause={pause} frees={frees} why={why} />
      ) : null}
    </Card>
  );
}

function headline({ credentialName }: MemberPause): string {
  return credentialName === null ? "Sending is paused" : `Sending with “${credentialName}” is paused`;
}

/** What a breaker counted. */
const FACTS: Record<string, string> = {
  reached: "New people reached",
  hard: "Hard bounces",
  among: "Among the last new people",
};

function factsOf(pause: MemberPause, forCommittee: boolean): Answer[] {
  const items: Answer[] = [["Why", pause.by === null ? pause.title : pause.reason]];
  for (const [name, label] of Object.entries(FACTS)) {
    const value = pause.facts[name];
    if (typeof value === "number") items.push([label, formatCount(value)]);
  }
  items.push(["Since", <Time at={pause.at} />]);
  if (pause.by !== null) items.push(["Begun by", pause.by]);
  if (pause.held !== null)
    items.push([
      "Waiting",
      pause.held === 1 ? "mail to 1 recipient" : `mail to ${formatCount(pause.held)} recipients`,
    ]);
  const { paused } = pause.mails;
  if (paused)
    items.push([forCommittee ? "Mail to the member" : "Mail to you", <MailLine receipt={paused} />]);
  items.push(["What to do", pause.remedy]);
  return items;
}

function MemberForms(props: { pause: MemberPause; frees: boolean; why: string | null }) {
  const { pause, frees, why } = props;
  const action = pausePath(pause.did, pause.id);
  const whose = pause.credential === null ? "Your credentials are" : "The credential is";
  const after = (replaced: string) =>
    pause.inUse
      ? `${whose} ${replaced}; you get the new one on the next page.`
      : `${whose} revoked already; make another under Credentials.`;
  const mail = frees
    ? "The mail that waits leaves."
    : "This pause ends. The mail waits on, for what else is said here.";
  return (
    <div class="choices" role="group" aria-label="Did you send it?">
      <PortalForm action={action} why={why} class="choice">
        <h3>You sent it</h3>
        <p>
          {mail} {after("replaced all the same")}
        </p>
        <button type="submit" name="answer" value="this-was-me">
          This was me: let it go
        </button>
      </PortalForm>
      <PortalForm action={action} why={why} class="choice">
        <h3>Somebody else did</h3>
        <p>The mail that waits is dropped for good. {after("replaced")}</p>
        <button type="submit" name="answer" value="this-was-not-me" class="grave">
          This was not me: drop it
        </button>
      </PortalForm>
    </div>
  );
}

function CommitteeForm({ pause }: { pause: MemberPause }) {
  const field = `reason-${pause.id}`;
  return (
    <form method="post" action={pausePath(pause.did, pause.id)} class="decide">
      <label for={field}>Why it ends, in words for the member</label>
      <textarea id={field} name="reason" rows={2} maxlength={2000} required></textarea>
      <button type="submit" name="answer" value="resumed">
        End the pause: what waits leaves
      </button>
    </form>
  );
}

const ENDINGS: Record<NonNullable<MemberPause["end"]>["how"], string> = {
  resumed: "ended",
  "this-was-me": "ended: it was the member",
  "this-was-not-me": "ended: it was somebody else, and the mail was dropped",
  left: "ended with the membership",
};

/** Pauses that are over. */
export function PastPauses({ view }: { view: MemberView }) {
  const past = view.pauses.filter((pause) => !isOpen(pause));
  if (past.length === 0) return null;
  return (
    <Section id="pauses" title="Pauses" intro="When sending was stopped, by the breaker or by a person.">
      <ul class="plain">
        {past.map((pause) => (
          <li data-key={String(pause.id)}>
            <p class="change-line">
              <span>
                <Badge>{pause.by === null ? "Breaker" : "Committee"}</Badge>{" "}
                {pause.by === null ? pause.title : pause.reason}
              </span>
              <span class="soft small">
                <Time at={pause.at} />
              </span>
            </p>
            {pause.end ? (
              <p class="soft small">
                <Time at={pause.end.at} />: {ENDINGS[pause.end.how]}, by {pause.end.by}. {pause.end.reason}
              </p>
            ) : null}
            {(["paused", "resumed"] as const).map((when) => {
              const receipt = pause.mails[when];
              return receipt ? (
                <p class="soft small">
                  {when === "paused" ? "When it began" : "When it ended"}: <MailLine receipt={receipt} />
                </p>
              ) : null;
            })}
          </li>
        ))}
      </ul>
    </Section>
  );
}
