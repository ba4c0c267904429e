import { Fold, Time } from "../components.tsx";
import { appealPath, remedyPath } from "../paths.ts";
import type { StandingChange } from "../view.ts";
import { PortalForm } from "./portal-parts.tsx";

type Appealed = {
  did: string;
  change: StandingChange;
  /** The same change stands twice on the page: as what is now, and in the list. */
  place: "now" | "then";
  forCommittee: boolean;
  why: string | null;
};

/** What the member may say, or said, against a change. */
export function AppealPart({ did, change: { id, appeal }, place, forCommittee, why }: Appealed) {
  if (appeal === null) return null;
  if (appeal.state === "waits")
    return (
      <p>
        <strong>
          {forCommittee ? "It is appealed" : "You appealed"}, in case {appeal.case}
        </strong>
        , on <Time at={appeal.openedAt} />: somebody of the committee who did not decide it looks at it, by{" "}
        <Time at={appeal.dueAt} dateOnly />.
      </p>
    );
  const decided =
    appeal.state === "decided" ? (
      <p>
        <strong>The appeal was decided</strong> in case {appeal.case}, by {appeal.by}, on{" "}
        <Time at={appeal.at} />: {appeal.reason}
      </p>
    ) : null;
  if (forCommittee) return decided;
  const field = `appeal-${place}-${id}`;
  return (
    <>
      {decided}
      <Fold
        id={`fold-${field}`}
        summary={decided === null ? "If it is wrong: appeal" : "If that is wrong: appeal again"}
      >
        <PortalForm action={appealPath(did, id)} why={why} class="decide">
          <label for={field}>
            What is wrong with it? People of the committee read this; who decided the change does not uphold
            it.
          </label>
          <textarea id={field} name="words" rows={4} maxlength={2000} required></textarea>
          <button type="submit">Appeal change {id}</button>
        </PortalForm>
      </Fold>
    </>
  );
}

/** The way back from probation, and from suspension, waits for what the member changed. */
export function RemedyForm({ did, why }: { did: string; why: string | null }) {
  return (
    <PortalForm action={remedyPath(did)} why={why} class="decide">
      <label for="remedy">The way back waits for this: what have you changed?</label>
      <textarea id="remedy" name="words" rows={3} maxlength={2000} required></textarea>
      <button type="submit">This is what we changed</button>
    </PortalForm>
  );
}
