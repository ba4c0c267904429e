import { STREAMS } from "../../policy/index.ts";
import { Code, Fold, Section } from "../components.tsx";
import { credentialsPath } from "../paths.ts";
import type { ShownCredential } from "../view.ts";
import type { CredentialsView, PortalRole } from "../view-portal.ts";
import { Credentials } from "./member-credentials.tsx";
import { Field, PortalForm, PortalHead, whyNot } from "./portal-parts.tsx";

const STREAM_WORDS: Record<(typeof STREAMS)[number], string> = {
  transactional: "transactional: login codes, resets, receipts",
  bulk: "bulk: newsletters, announcements",
};

/** With what a member submits mail: those in use, and another. */
export function CredentialsPage({ view, role }: { view: CredentialsView; role: PortalRole }) {
  const why = whyNot(role, view);
  return (
    <>
      <PortalHead
        frame={view}
        current="credentials"
        title="Credentials"
        role={role}
        lede="Each for one program, so that one can be revoked without the others. Their secrets are kept nowhere."
      />
      <Credentials view={view} why={why} />
      <New view={view} why={why} />
    </>
  );
}

function New({ view: { did, domains }, why }: { view: CredentialsView; why: string | null }) {
  return (
    <Section
      id="new"
      title="A new credential"
      intro="Its secret is shown once, on the next page, with the block for a PDS."
    >
      <PortalForm
        action={credentialsPath(did)}
        why={
          why ?? (domains.length === 0 ? "Add a domain first: a credential sends for one at least." : null)
        }
        class="stack"
      >
        <Field
          id="new-name"
          name="name"
          label="What it is for"
          hint="The program that uses it: pds, blog, forum."
          maxlength={60}
          required
        />
        <fieldset class="checks">
          <legend>Sends as</legend>
          {domains.map((domain) => (
            <label>
              <input type="checkbox" name="domains" value={domain} checked={domains.length === 1} /> {domain}
            </label>
          ))}
        </fieldset>
        <fieldset class="checks">
          <legend>Streams</legend>
          {STREAMS.map((stream) => (
            <label>
              <input type="checkbox" name="streams" value={stream} checked={stream === "transactional"} />{" "}
              {STREAM_WORDS[stream]}
            </label>
          ))}
        </fieldset>
        <Fold id="caps" summary="Caps of its own, below those of your tier">
          <Field id="new-hourly" name="hourly" label="Recipients an hour" type="number" />
          <Field
            id="new-daily"
            name="daily"
            label="Recipients a day"
            type="number"
            hint="Empty: no cap of its own. A leaked secret then sends as much as your tier lets you."
          />
        </Fold>
        <p>
          <button type="submit">Make it</button>
        </p>
      </PortalForm>
    </Section>
  );
}

/** A credential with its secret: the one time that it is seen. */
export function IssuedPage({ credential, back }: { credential: ShownCredential; back: string }) {
  const { name, username, secret, lines } = credential;
  return (
    <div class="page-head notice">
      <h1>Your credential “{name}”</h1>
      <p class="lede">The secret is shown here once: copy it before you leave this page.</p>
      <Code label="For a PDS: append these lines to its environment file, and start it again" text={lines} />
      <Fold id="other" summary="For another program">
        <Code label="User name" text={username} />
        <Code label="Secret" text={secret} />
      </Fold>
      <p>
        <a href={back}>I have copied it: go on</a>
      </p>
    </div>
  );
}
