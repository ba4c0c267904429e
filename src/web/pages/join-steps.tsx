import { Badge, Code, Fold, Section, Time } from "../components.tsx";
import type { JoinDomain, JoinView } from "../join-view.ts";
import { JOIN_PATH, memberPath, testPath } from "../paths.ts";
import { TITLES } from "./join-titles.ts";
import { FindingView } from "./member-domains.tsx";
import { VouchedBy } from "./member-vouches.tsx";
import { RecordView } from "./record-view.tsx";
import { zoneLine } from "./zone-line.ts";

export function RecordsStep({ view: { domains } }: { view: JoinView }) {
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

export function AttestationStep({ view: { domains } }: { view: JoinView }) {
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

export function CheckStep({ view: { domains } }: { view: JoinView }) {
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

export function CredentialStep({ view: { credentials, domains, membership } }: { view: JoinView }) {
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

export function TestStep({ view: { did, domains }, isDone }: { view: JoinView; isDone: boolean }) {
  return (
    <Section
      id="test"
      title={TITLES.test}
      intro="A mail to the cooperative itself, looked at as any receiver would: whether it comes, and whether your records and keys vouch for it."
    >
      {isDone ? (
        <p>
          <Badge tone="ok">Done</Badge> One arrived, and was right.
        </p>
      ) : null}
      {domains.length === 0 ? (
        <p>It can be sent when you have applied.</p>
      ) : (
        <p>
          <a href={testPath(did)}>{isDone ? "Send another" : "Send one"}</a>, from the pool or from your own
          server. It needs nobody's approval.
        </p>
      )}
    </Section>
  );
}

export function DecisionStep({ view: { did, membership, application } }: { view: JoinView }) {
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
