import { Badge, Code, Fold, Section, Time } from "../components.tsx";
import type { JoinDomain, JoinView, StepName, StepState } from "../join-view.ts";
import { JOIN_PATH, memberPath } from "../paths.ts";
import { VouchedBy } from "./member-vouches.tsx";
import type { ShownCredential } from "../view.ts";
import { FindingView } from "./member-domains.tsx";
import { isProved, RecordView } from "./record-view.tsx";
import { zoneLine } from "./zone-line.ts";

const TITLES: Record<StepName, string> = {
  domain: "Your mail domain",
  application: "Apply",
  records: "DNS records",
  attestation: "Say so yourself",
  check: "Verified",
  credential: "Credential for your PDS",
  decision: "The committee's word",
};
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

function RecordsStep({ view: { domains } }: { view: JoinView }) {
  return (
    <Section
      id="records"
      title={TITLES.records}
      intro="They let the pool send in your name, and let others see that it may. What you have already stays; where something is to be added to it, the whole record is here."
    >
      {domains.length === 0 ? (
        <p>They are made when you apply.</p>
      ) : (
        domains.map((domain) => <DomainRecords domain={domain} />)
      )}
    </Section>
  );
}

function DomainRecords({ domain: { name, diagnoses } }: { domain: JoinDomain }) {
  const open = diagnoses.filter(({ published }) => published.state !== "right");
  const lines = open.map((diagnosis) => zoneLine({ ...diagnosis.record, value: diagnosis.value })).join("\n");
  return (
    <>
      <h3>{name}</h3>
      {open.length === 0 ? (
        <p>
          <Badge tone="ok">Done</Badge> All {diagnoses.length} records are published.
        </p>
      ) : (
        <>
          {open.map((diagnosis) => (
            <RecordView diagnosis={diagnosis} />
          ))}
          <Fold id={`zone-${name}`} summary="All of them as lines of a zone file">
            <Code text={lines} label="To paste where your DNS host takes a zone file" />
          </Fold>
          <form method="get" action={JOIN_PATH}>
            <button type="submit">Look again</button>
          </form>
        </>
      )}
    </>
  );
}

function AttestationStep({ view: { domains } }: { view: JoinView }) {
  return (
    <Section
      id="attestation"
      title={TITLES.attestation}
      intro="A record in your own repository that anybody can verify: you operate the mail of this domain, with these keys. You are asked to agree, at your own server, to this one record and nothing else."
    >
      {domains.length === 0 ? <p>It is made when you apply.</p> : null}
      {domains.map(({ name, attestation, record }) => (
        <>
          <h3>{name}</h3>
          {attestation?.isComplete ? (
            <p>
              <Badge tone="ok">Written</Badge> <code>{attestation.uri}</code>
            </p>
          ) : (
            <>
              {attestation === null ? null : (
                <p>Your record does not name all keys of the domain. Write it again.</p>
              )}
              <form method="post" action={`${JOIN_PATH}/attestation`}>
                <input type="hidden" name="domain" value={name} />
                <button type="submit">Write it</button>
              </form>
              <Fold id={`record-${name}`} summary="Write it yourself">
                <p>
                  Put this into your repository as <code>community.email.attestation/{name}</code>.
                </p>
                <Code text={record} label="Record" />
                <form method="post" action={`${JOIN_PATH}/attested`}>
                  <input type="hidden" name="domain" value={name} />
                  <button type="submit">It is there: look</button>
                </form>
              </Fold>
            </>
          )}
        </>
      ))}
    </Section>
  );
}

function CheckStep({ view: { domains } }: { view: JoinView }) {
  return (
    <Section
      id="check"
      title={TITLES.check}
      intro="What receivers of your mail look at, seen from outside. Until all of it is as it should be, your mail waits; then it leaves by itself."
    >
      {domains.every(({ check }) => check === null) ? (
        <p>It is looked at when the record is in your repository.</p>
      ) : null}
      {domains.map(({ name, check }) =>
        check === null ? null : (
          <>
            <h3>{name}</h3>
            {check.verdict === "verified" ? (
              <p>
                <Badge tone="ok">Verified</Badge> <Time at={check.at} />
              </p>
            ) : (
              <>
                <p>
                  <Badge tone={check.verdict === "broken" ? "bad" : "warn"}>
                    {check.findings.length === 0 ? "Not yet" : "To mend"}
                  </Badge>{" "}
                  Looked at <Time at={check.at} />.
                </p>
                {check.findings.map((finding) => (
                  <FindingView finding={finding} />
                ))}
                <form method="post" action={`${JOIN_PATH}/attested`}>
                  <input type="hidden" name="domain" value={name} />
                  <button type="submit">Check again</button>
                </form>
              </>
            )}
          </>
        ),
      )}
    </Section>
  );
}

function CredentialStep({ view: { credentials, domains, membership } }: { view: JoinView }) {
  const isIn = domains.length > 0 && (membership === "applicant" || membership === "member");
  return (
    <Section
      id="credential"
      title={TITLES.credential}
      intro="A user name and a secret, as lines for the environment file of your PDS. The secret is shown once."
    >
      {credentials > 0 ? (
        <p>
          <Badge tone="ok">Done</Badge> You have {credentials}. Lost it? Make another, and revoke the old one
          on your page.
        </p>
      ) : null}
      <form method="post" action={`${JOIN_PATH}/credential`}>
        <label for="credential-name">What it is for</label>{" "}
        <input id="credential-name" name="name" value="pds" maxlength={64} required />{" "}
        <button type="submit" disabled={!isIn} aria-describedby={isIn ? undefined : "credential-why"}>
          Make one
        </button>
        {isIn ? null : <p id="credential-why">It can be made when you have applied.</p>}
      </form>
    </Section>
  );
}

function DecisionStep({ view: { did, membership, application } }: { view: JoinView }) {
  return (
    <Section id="decision" title={TITLES.decision}>
      {membership === "member" ? (
        <p>
          <Badge tone="ok">You are a member</Badge> <a href={memberPath(did)}>Your page</a> says what happens
          to your mail, and why.
        </p>
      ) : membership === "applicant" ? (
        <>
          <p>
            People of the committee read what you wrote. Until then nothing of yours leaves; everything else
            can be made ready. <a href={memberPath(did)}>Your page</a>
          </p>
          {application?.vouches?.length ? (
            <>
              <p>Members who vouch for you:</p>
              <VouchedBy vouches={application.vouches} />
            </>
          ) : (
            <p>A member who knows you can vouch for you on its own page, with your handle.</p>
          )}
        </>
      ) : application?.state === "declined" ? (
        <p>It said no to your last application: {application.decision?.note ?? ""} You may apply again.</p>
      ) : (
        <p>People decide, not a program. You are told here.</p>
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
