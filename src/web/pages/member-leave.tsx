import type { PersonRole } from "../../account/index.ts";
import { Breadcrumb, KeyValue, Section, Time } from "../components.tsx";
import { COMMITTEE_PATH, memberPath } from "../paths.ts";
import { deletionPath, exportPath, leaveConfirmPath, leavePath } from "../paths-leave.ts";
import type { MemberLeaveView } from "../view-leave.ts";
import { MemberNav } from "./member-nav.tsx";

export type LeaveStep = "look" | "leave" | "delete";
type Props = { view: MemberLeaveView; role: PersonRole | "committee" | null; step: LeaveStep };

/** Leaving: what happens to what, then the form that does it. After it, what is kept and its deletion. */
export function MemberLeavePage({ view, role, step }: Props) {
  const { did, domain } = view;
  const trail = [
    ...(role === "committee" ? [{ href: COMMITTEE_PATH, text: "Committee" }] : []),
    { href: memberPath(did), text: domain },
    ...(step === "look" ? [] : [{ href: leavePath(did), text: "Leave" }]),
  ];
  const title = { look: "Leave", leave: "Leave now", delete: "Delete what is kept" }[step];
  return (
    <>
      <div class="page-head">
        <Breadcrumb items={trail} current={title} />
        <MemberNav did={did} current="export" />
        <h1>{title}</h1>
        <p class="lede">{ledeOf(view, step)}</p>
      </div>
      {step === "look" ? <Look view={view} role={role} /> : <Confirm view={view} step={step} role={role} />}
    </>
  );
}

function ledeOf({ membership, leftAt, deletedAt }: MemberLeaveView, step: LeaveStep) {
  if (deletedAt !== null)
    return (
      <>
        What need not stay was deleted <Time at={deletedAt} />.
      </>
    );
  if (step === "leave" && membership === "member")
    return "Sending ends at once, domains are free and keys destroyed. A new application is the way back.";
  if (step === "delete") return "Nothing brings it back. Take everything along first.";
  if (membership === "left" && leftAt !== null)
    return (
      <>
        This membership ended <Time at={leftAt} />. A new application is the way back.
      </>
    );
  if (membership === "applicant") return "You have applied, and are no member yet.";
  return "You can leave at any time, and need no reason. This is what happens then.";
}

function Look({ view, role }: { view: MemberLeaveView; role: Props["role"] }) {
  const { did, membership, deletedAt } = view;
  const isOwner = role === "owner";
  return (
    <>
      {membership === "member" ? (
        <Section id="consequences" title="What happens to what">
          <KeyValue items={view.consequences.map(({ what, outcome }) => [what, outcome])} />
          <p>
            <a href={exportPath(did)}>Take everything along first</a>, with a signed proof of your reputation.
          </p>
          <Onward href={leaveConfirmPath(did)} text="Go on to the last step" isOwner={isOwner} />
        </Section>
      ) : null}
      <Section
        id="kept"
        title={deletedAt === null ? "What deletion leaves" : "What stays"}
        intro="All else is deleted: name, applications, notes, mails to you, credentials, webhook, mail that waits, and the log of your messages."
      >
        <KeptTable view={view} />
        {membership === "left" && deletedAt === null ? (
          <Onward href={deletionPath(did)} text="Delete what is kept" isOwner={isOwner} />
        ) : membership === "member" ? (
          <p>Deletion is possible once you have left.</p>
        ) : null}
      </Section>
    </>
  );
}

function Onward({ href, text, isOwner }: { href: string; text: string; isOwner: boolean }) {
  if (isOwner)
    return (
      <p>
        <a href={href}>{text}</a>
      </p>
    );
  return <p>The owner does this: for others it can only be read.</p>;
}

function KeptTable({ view }: { view: MemberLeaveView }) {
  return <KeyValue items={view.kept.map(({ what, why, howLong }) => [what, `${why} Until: ${howLong}.`])} />;
}

function Confirm({ view, step, role }: Props) {
  const { did, domain, membership, deletedAt } = view;
  const isLeaving = step === "leave";
  if (role !== "owner") return <p>The owner does this; the committee does it by command.</p>;
  if (isLeaving ? membership !== "member" : membership !== "left" || deletedAt !== null)
    return (
      <p>
        There is nothing to do here any more. <a href={leavePath(did)}>Back</a>
      </p>
    );
  return (
    <Section id="confirm" title="The last step" intro={`Type ${domain} to say that you mean it.`}>
      <form method="post" action={isLeaving ? leaveConfirmPath(did) : deletionPath(did)} class="decide">
        <label for="name">Type {domain}</label>
        <input id="name" name="name" required autocomplete="off" autocapitalize="none" maxlength={300} />
        {isLeaving ? (
          <>
            <label for="reason">Why, if you like: the committee reads it</label>
            <textarea id="reason" name="reason" rows={2} maxlength={2000}></textarea>
          </>
        ) : null}
        <div class="buttons">
          <button type="submit" class="grave">
            {isLeaving ? "Leave now" : "Delete for good"}
          </button>
        </div>
        <p>
          <a href={leavePath(did)}>No, go back</a>
        </p>
      </form>
    </Section>
  );
}
