import { Badge, Code, Fold, Section } from "../components.tsx";
import type { JoinView, StepName, StepState } from "../join-view.ts";
import { JOIN_PATH } from "../paths.ts";
import type { ShownCredential } from "../view.ts";
import {
  AttestationStep,
  CheckStep,
  CredentialStep,
  DecisionStep,
  RecordsStep,
  TestStep,
} from "./join-steps.tsx";
import { TITLES } from "./join-titles.ts";
import { isProved, RecordView } from "./record-view.tsx";

const STATES: Record<StepState, [tone: "ok" | "warn" | "idle", words: string]> = {
  done: ["ok", "Done"],
  here: ["warn", "Next"],
  later: ["idle", "Later"],
  waits: ["idle", "Waits"],
};

/** From an account to the first mail, a step after the other. */
export function JoinPage({ view }: { view: JoinView }) {
  const stateOf = (name: StepName) => view.steps.find((step) => step.name === name)!.state;
  return (
    <>
      <div class="page-head">
        <h1>Join</h1>
        <p class="lede">
          Logged in as <code>{view.did}</code>. Each step is kept: come back when you like.
        </p>
        <ol class="ladder steps">
          {view.steps.map(({ name, state }) => (
            <li
              class={state === "here" ? "here warn" : state === "done" ? "done" : undefined}
              aria-current={state === "here" ? "step" : undefined}
            >
              <a href={`#${name}`}>{TITLES[name]}</a>{" "}
              <Badge tone={STATES[state][0]}>{STATES[state][1]}</Badge>
            </li>
          ))}
        </ol>
      </div>
      <DomainStep view={view} />
      <ApplicationStep view={view} isDone={stateOf("application") === "done"} />
      <RecordsStep view={view} />
      <AttestationStep view={view} />
      <CheckStep view={view} />
      <CredentialStep view={view} />
      <TestStep view={view} isDone={stateOf("test") === "done"} />
      <DecisionStep view={view} />
    </>
  );
}

function DomainStep({ view: { claim, domains, membership } }: { view: JoinView }) {
  const isIn = membership === "applicant" || membership === "member";
  return (
    <Section
      id="domain"
      title={TITLES.domain}
      intro="The part behind the @ of the addresses that your PDS sends from."
    >
      {domains.length === 0 ? null : (
        <ul class="plain">
          {domains.map(({ name }) => (
            <li>
              <Badge tone="ok">Yours</Badge> {name}
            </li>
          ))}
        </ul>
      )}
      {claim === null ? (
        <form method="get" action={JOIN_PATH}>
          <label for="claim">{domains.length === 0 ? "Domain" : "Another domain"}</label>{" "}
          <input
            id="claim"
            name="domain"
            placeholder="willow.example"
            maxlength={253}
            autocapitalize="none"
            spellcheck={false}
            required
          />{" "}
          <button type="submit">Go on</button>
        </form>
      ) : (
        <>
          <p>
            Show that <strong>{claim.domain}</strong> is yours: where you keep its DNS, publish this record.
          </p>
          <RecordView diagnosis={claim.proof} />
          <form method="get" action={JOIN_PATH}>
            <input type="hidden" name="domain" value={claim.domain} />
            <button type="submit">Look again</button> <a href={JOIN_PATH}>Another domain</a>
          </form>
          {isIn ? (
            <form method="post" action={`${JOIN_PATH}/domains`}>
              <input type="hidden" name="domain" value={claim.domain} />
              <button type="submit" disabled={!isProved(claim.proof)} aria-describedby="claim-why">
                Add it
              </button>
              {isProved(claim.proof) ? null : <p id="claim-why">When the record is seen, it can be added.</p>}
            </form>
          ) : null}
        </>
      )}
    </Section>
  );
}

function ApplicationStep({ view, isDone }: { view: JoinView; isDone: boolean }) {
  const { claim, application, rules } = view;
  if (isDone)
    return (
      <Section id="application" title={TITLES.application}>
        <p>
          <Badge tone="ok">Done</Badge> You applied{application === null ? "" : ` as ${application.name}`}.
        </p>
      </Section>
    );
  return (
    <Section
      id="application"
      title={TITLES.application}
      intro="The cooperative's members answer for each other's mail. The committee reads this, and nobody else."
    >
      {claim === null || !isProved(claim.proof) ? (
        <p>First the domain: when its record is seen, the form is here.</p>
      ) : (
        <form method="post" action={`${JOIN_PATH}/application`} class="stack">
          <input type="hidden" name="domain" value={claim.domain} />
          <Field
            name="name"
            label="What you are called"
            hint="Yours, or that of your PDS or community."
            required
          />
          <Field
            name="contact"
            label="Where people reach you"
            hint="An address that works when mail of this domain does not."
            type="email"
            required
          />
          <Field name="pds" label="Host name of your PDS" placeholder="pds.example" />
          <Field name="daily" label="Mails a day, about" type="number" hint="Most send 5 to 50." />
          <Area
            name="purpose"
            label="What you send, and to whom"
            hint="Login codes, password resets, newsletters, ..."
          />
          <Area name="words" label="Anything else" hint="Who knows you, for example." />
          <p>
            <label>
              <input type="checkbox" name="rules" value={rules.version} required /> I have read{" "}
              <a href={rules.url}>the rules</a> (version <code>{rules.version}</code>), and send nothing that
              people did not ask for.
            </label>
          </p>
          <p>
            <button type="submit">Apply</button>
          </p>
        </form>
      )}
    </Section>
  );
}

/** The first credential with its secret: the one time that it is seen. */
export function FirstCredentialPage({ credential }: { credential: ShownCredential }) {
  const { name, username, secret, lines } = credential;
  return (
    <div class="page-head notice">
      <h1>Your credential "{name}"</h1>
      <p class="lede">The secret is shown here once: copy it before you leave this page.</p>
      <Code label="For a PDS: append these lines to its environment file, and start it again" text={lines} />
      <Fold id="other" summary="For another program">
        <Code label="User name" text={username} />
        <Code label="Secret" text={secret} />
      </Fold>
      <p>
        <a href={JOIN_PATH}>I have copied it: go on</a>
      </p>
    </div>
  );
}

function Field(props: {
  name: string;
  label: string;
  hint?: string;
  type?: "text" | "email" | "number";
  placeholder?: string;
  required?: boolean;
}) {
  const { name, label, hint, type = "text", placeholder, required } = props;
  return (
    <p class="field">
      <label for={name}>{label}</label>
      <input
        id={name}
        name={name}
        type={type}
        placeholder={placeholder}
        required={required}
        aria-describedby={hint === undefined ? undefined : `${name}-hint`}
      />
      {hint === undefined ? null : <small id={`${name}-hint`}>{hint}</small>}
    </p>
  );
}

function Area({ name, label, hint }: { name: string; label: string; hint: string }) {
  return (
    <p class="field">
      <label for={name}>{label}</label>
      <textarea id={name} name={name} rows={3} maxlength={2_000} aria-describedby={`${name}-hint`}></textarea>
      <small id={`${name}-hint`}>{hint}</small>
    </p>
  );
}
