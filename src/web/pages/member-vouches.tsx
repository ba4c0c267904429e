import type { PersonRole } from "../../account/index.ts";
import type { OwnVouch, Vouch } from "../../member/index.ts";
import { Badge, Breadcrumb, Card, EmptyState, Section, Time } from "../components.tsx";
import { COMMITTEE_PATH, memberPath } from "../paths.ts";
import { vouchesPath, withdrawPath } from "../paths-leave.ts";
import type { VouchView } from "../view-vouch.ts";
import { MemberNav } from "./member-nav.tsx";

type Props = { view: VouchView; role: PersonRole | "committee" | null };

/** For whom a member speaks, and the form that says it. */
export function MemberVouchesPage({ view, role }: Props) {
  const { did, domain, vouches } = view;
  const mayAct = role === "owner" || role === "manager";
  const trail = [
    ...(role === "committee" ? [{ href: COMMITTEE_PATH, text: "Committee" }] : []),
    { href: memberPath(did), text: domain },
  ];
  return (
    <>
      <div class="page-head">
        <Breadcrumb items={trail} current="Vouching" />
        <MemberNav did={did} current="vouches" />
        <h1>Vouching</h1>
        <p class="lede">
          You know somebody who has applied? Say so. The committee reads it beside the application, and so
          does the applicant. Your own standing does not hang on it.
        </p>
      </div>
      <Section
        id="vouch"
        title="Vouch for an applicant"
        intro="At most five at a time. It ends when either of you leaves."
      >
        {view.refused !== null ? (
          <EmptyState title="Not now">{view.refused}</EmptyState>
        ) : mayAct ? (
          <VouchForm did={did} />
        ) : (
          <p>A manager or the owner of the member vouches; you can read it.</p>
        )}
      </Section>
      <Section id="vouches" title="For whom you spoke">
        {vouches.length === 0 ? (
          <EmptyState title="Nobody yet" />
        ) : (
          vouches.map((vouch) => <Spoken member={did} vouch={vouch} mayAct={mayAct} />)
        )}
      </Section>
    </>
  );
}

function VouchForm({ did }: { did: string }) {
  return (
    <form method="post" action={vouchesPath(did)} class="decide">
      <label for="account">Handle or DID of the applicant</label>
      <input
        id="account"
        name="account"
        required
        maxlength={300}
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
      />
      <label for="words">From where you know them</label>
      <textarea id="words" name="words" rows={2} maxlength={1000}></textarea>
      <div class="buttons">
        <button type="submit">Vouch</button>
      </div>
    </form>
  );
}

const ENDS = {
  withdrawn: "Withdrawn",
  decided: "The application was decided",
  left: "One of you has left",
} as const;

function Spoken({ member, vouch, mayAct }: { member: string; vouch: OwnVouch; mayAct: boolean }) {
  const { id, applicant, did, words, at, end } = vouch;
  return (
    <Card id={`vouch-${id}`}>
      <h3>{applicant}</h3>
      <p>
        <Badge tone={end === null ? "ok" : "idle"}>
          {end === null ? "Waits with the application" : ENDS[end.how]}
        </Badge>{" "}
        <Time at={end?.at ?? at} />
      </p>
      <p>
        <code>{did}</code>
      </p>
      {words === "" ? null : <p>{words}</p>}
      {end === null && mayAct ? (
        <form method="post" action={withdrawPath(member, id)}>
          <button type="submit">Withdraw</button>
        </form>
      ) : null}
    </Card>
  );
}

/** Who speaks for an applicant, beside its application. */
export function VouchedBy({ vouches }: { vouches: readonly Vouch[] }) {
  return (
    <ul>
      {vouches.map(({ name, by, words, at }) => (
        <li>
          {name} (<code>{by}</code>), <Time at={at} />
          {words === "" ? null : `: ${words}`}
        </li>
      ))}
    </ul>
  );
}
