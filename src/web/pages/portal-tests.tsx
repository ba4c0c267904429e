import type { TestArrival, TestVerdict } from "../../test-mail/index.ts";
import { Badge, Code, EmptyState, KeyValue, Section, Time, type Tone } from "../components.tsx";
import { credentialsPath, domainsPath, messagePath, testPath } from "../paths.ts";
import type { PortalRole, TestsView, TestView } from "../view-portal.ts";
import { STATE_WORDS } from "../words.ts";
import { PortalForm, PortalHead, whyNot } from "./portal-parts.tsx";

const TONES: Record<TestVerdict["outcome"], Tone> = { pass: "ok", warn: "warn", fail: "bad" };
const OUTCOMES: Record<TestVerdict["outcome"], string> = { pass: "Good", warn: "Better", fail: "To mend" };
const NAMES: Record<TestVerdict["name"], string> = {
  route: "Way",
  spf: "SPF",
  dkim: "DKIM",
  dmarc: "DMARC",
  tls: "Encryption",
  time: "Time",
};

/** A member sends itself a mail, and sees what others see of it. */
export function TestsPage({ view, role }: { view: TestsView; role: PortalRole }) {
  const why = whyNot(role, view);
  return (
    <>
      <PortalHead
        frame={view}
        current="test"
        title="Test mail"
        role={role}
        lede="A mail that leaves as your users' login codes do, and comes to the cooperative's own server, which looks at it as any receiver would. It counts for nothing, and is forgotten after a day."
      />
      <Section
        id="records"
        title="Your records and keys"
        intro="The pool writes one in the name of your domain. It shows whether your DNS and the signatures fit; your own server has no part in it."
      >
        {view.domains.length === 0 ? (
          <p>
            There is no domain yet: <a href={domainsPath(view.did)}>add one</a> first.
          </p>
        ) : (
          <PortalForm action={testPath(view.did)} why={why} class="stack">
            <p class="field">
              <label for="test-domain">From</label>
              <select id="test-domain" name="domain">
                {view.domains.map((name) => (
                  <option value={name}>{name}</option>
                ))}
              </select>
            </p>
            <p>
              <button type="submit">Send one</button>
            </p>
          </PortalForm>
        )}
      </Section>
      <Section
        id="own"
        title="Your server"
        intro="Your PDS, or any program with one of your credentials, sends to an address of its own. Then you know that its settings are right, too."
      >
        <PortalForm action={testPath(view.did)} why={why}>
          <button type="submit">Make an address</button>
        </PortalForm>
        <p class="soft">
          It takes mail for a day. For a new secret: <a href={credentialsPath(view.did)}>Credentials</a>.
        </p>
      </Section>
      <Section id="tests" title="Tests of the last 24 hours" wide>
        {view.tests.length === 0 ? (
          <EmptyState title="None yet">
            What you send above appears here, most often within seconds.
          </EmptyState>
        ) : (
          view.tests.map((test) => <One did={view.did} test={test} />)
        )}
      </Section>
    </>
  );
}

function One({ did, test }: { did: string; test: TestView }) {
  const { id, sent, madeAt, madeBy, arrivals } = test;
  return (
    <article class="card" id={`test-${id}`} aria-labelledby={`test-${id}-h`}>
      <h3 id={`test-${id}-h`}>
        {sent === null ? "From your server" : `From the pool, as ${sent.domain}`}
        {arrivals.length > 0 ? <Result passed={arrivals.every(({ passed }) => passed)} /> : null}
      </h3>
      <p class="soft small">
        <Time at={madeAt} />, by {madeBy}
      </p>
      {arrivals.length === 0 ? <Waiting did={did} test={test} /> : null}
      {arrivals.map((arrival) => (
        <Arrived did={did} arrival={arrival} />
      ))}
    </article>
  );
}

function Result({ passed }: { passed: boolean }) {
  return (
    <>
      {" "}
      <Badge tone={passed ? "ok" : "bad"}>{passed ? "Arrived, and right" : "Arrived, and to mend"}</Badge>
    </>
  );
}

function Waiting({ did, test: { address, sent, waiting } }: { did: string; test: TestView }) {
  return (
    <>
      <p role="status">
        {waiting.length === 0
          ? sent === null
            ? "Nothing has come to it yet."
            : "It is on its way."
          : "It has not arrived yet."}{" "}
        <a href={testPath(did)}>Look again</a>
      </p>
      {waiting.map(({ messageId, state, attempts, nextAt }) => (
        <p>
          <Badge tone={STATE_WORDS[state].tone}>{STATE_WORDS[state].name}</Badge>{" "}
          <a href={messagePath(did, messageId)}>Message {messageId}</a>
          {attempts === 0 ? null : (
            <>
              , tried {attempts === 1 ? "once" : `${attempts} times`}, again at <Time at={nextAt} />
            </>
          )}
        </p>
      ))}
      {sent === null ? (
        <>
          <Code label="Send any mail to this address" text={address} />
          <Code
            label="Or on the host of a PDS, with the settings that it sends login codes with"
            text={pdsCommand(address)}
          />
        </>
      ) : null}
    </>
  );
}

function Arrived({ did, arrival: { at, facts, verdicts } }: { did: string; arrival: TestArrival }) {
  return (
    <>
      <p class="small">
        Arrived <Time at={at} />
        {facts.message === null ? null : (
          <>
            {" "}
            as <a href={messagePath(did, facts.message)}>message {facts.message}</a>
          </>
        )}
      </p>
      <KeyValue
        items={verdicts.map(({ name, outcome, text, remedy }) => [
          NAMES[name],
          <>
            <Badge tone={TONES[outcome]}>{OUTCOMES[outcome]}</Badge> {text}
            {remedy === undefined ? null : <span class="beneath">What to do: {remedy}</span>}
          </>,
        ])}
      />
      {verdicts.some(({ outcome }) => outcome !== "pass") ? (
        <p class="small">
          <a href={domainsPath(did)}>Your domains and their records</a>
        </p>
      ) : null}
    </>
  );
}

/** With the library and the environment of the PDS itself, in its container of the official compose file. */
function pdsCommand(address: string): string {
  const mailer = `require(require.resolve("nodemailer",{paths:[require.resolve("@atproto/pds")]}))`;
  const mail = `{from:env.PDS_EMAIL_FROM_ADDRESS,to:"${address}",subject:"A test",text:"A test."}`;
  return `docker exec pds node -e 'const{env}=process;${mailer}.createTransport(env.PDS_EMAIL_SMTP_URL).sendMail(${mail}).then(r=>console.log(r.response),e=>console.error(e.message))'`;
}
