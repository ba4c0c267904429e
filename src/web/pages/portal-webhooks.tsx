import { Badge, Card, Code, DataTable, EmptyState, Fold, KeyValue, Section, Time } from "../components.tsx";
import { webhooksPath } from "../paths.ts";
import type { PortalRole, WebhooksView } from "../view-portal.ts";
import { Field, PortalForm, PortalHead, whyNot } from "./portal-parts.tsx";

/** What came of asking the receiver with a test. */
export type WebhookTest = { ok: boolean; status: number | null; why: string };

/** Where a member's own program is told what happens to its sending. */
export function WebhooksPage({
  view,
  role,
  tested,
}: {
  view: WebhooksView;
  role: PortalRole;
  tested: WebhookTest | null;
}) {
  const why = whyNot(role, view);
  return (
    <>
      <PortalHead
        frame={view}
        current="webhooks"
        title="Webhooks"
        role={role}
        lede="A program of yours can be told by HTTP what happens to your sending: a pause, a change of standing, a domain that is held. Messages are signed as Standard Webhooks says, and tried for about 31 hours."
      />
      {tested === null ? null : (
        <Card tone={tested.ok ? "ok" : "bad"}>
          <p role="status">
            <Badge tone={tested.ok ? "ok" : "bad"}>{tested.ok ? "It answered" : "It failed"}</Badge>{" "}
            {tested.ok ? `HTTP status ${tested.status}.` : tested.why}
          </p>
        </Card>
      )}
      <Receiver view={view} why={why} />
      <Log view={view} />
    </>
  );
}

function Receiver({ view: { did, receiver }, why }: { view: WebhooksView; why: string | null }) {
  const path = webhooksPath(did);
  return (
    <Section
      id="receiver"
      title="Receiver"
      intro="One address, over HTTPS. Naming it again makes a new secret."
    >
      {receiver === null ? (
        <EmptyState title="No program is told" />
      ) : (
        <>
          <KeyValue
            items={[
              ["Address", <code>{receiver.url}</code>],
              [
                "Named",
                <>
                  <Time at={receiver.setAt} />, by {receiver.setBy}
                </>,
              ],
              ["State", <State receiver={receiver} />],
            ]}
          />
          <div class="actions">
            <PortalForm action={`${path}/test`} why={why}>
              <button type="submit">Send a test</button>
            </PortalForm>
            <details id="remove-receiver">
              <summary>Remove it</summary>
              <PortalForm action={`${path}/remove`} why={why}>
                <p class="small">No program is told any more, and what waits for it is dropped.</p>
                <button type="submit" class="grave">
                  Remove the receiver
                </button>
              </PortalForm>
            </details>
          </div>
        </>
      )}
      <PortalForm action={path} why={why} class="decide">
        <Field
          id="url"
          name="url"
          label={
            receiver === null ? "Address of your program" : "Another address, or the same with a new secret"
          }
          type="url"
          placeholder="https://hooks.willow.example/mail"
          maxlength={2_000}
          required
        />
        <button type="submit">{receiver === null ? "Name it" : "Name it, with a new secret"}</button>
      </PortalForm>
    </Section>
  );
}

function State({ receiver }: { receiver: NonNullable<WebhooksView["receiver"]> }) {
  const { stopped, failing } = receiver;
  if (stopped !== null)
    return (
      <>
        <Badge tone="bad">Asked no more</Badge> since <Time at={stopped.at} />: {stopped.why}. Name it again
        when it works.
      </>
    );
  if (failing !== null)
    return (
      <>
        <Badge tone="warn">Failing</Badge> since <Time at={failing.since} />
      </>
    );
  return <Badge tone="ok">Takes messages, or was not asked yet</Badge>;
}

const STATES = {
  delivered: ["ok", "Delivered"],
  waiting: ["note", "Waiting"],
  failed: ["bad", "Given up"],
} as const;

function Log({ view: { messages } }: { view: WebhooksView }) {
  return (
    <Section id="log" title="Messages" intro="The last fifty, with what your program answered." wide>
      {messages.length === 0 ? (
        <EmptyState title="Nothing was told yet" />
      ) : (
        <DataTable
          caption="Messages to the receiver"
          hideCaption
          columns={[
            { label: "Told" },
            { label: "About" },
            { label: "State" },
            { label: "Answer" },
            { label: "Tries" },
          ]}
          rows={messages.map(({ id, at, type, about, state, status, why, tries, nextAt }) => ({
            key: id,
            cells: [
              <>
                <Time at={at} /> <code class="beneath">{id}</code>
              </>,
              <>
                {type} <code class="beneath">{about}</code>
              </>,
              <>
                <Badge tone={STATES[state][0]}>{STATES[state][1]}</Badge>
                {nextAt === null ? null : (
                  <span class="beneath">
                    next try <Time at={nextAt} />
                  </span>
                )}
              </>,
              why !== "" ? why : status === null ? "none yet" : `HTTP status ${status}`,
              String(tries),
            ],
          }))}
        />
      )}
    </Section>
  );
}

/** The secret of a receiver: the one time that it is seen. */
export function WebhookSecretPage({ url, secret, back }: { url: string; secret: string; back: string }) {
  return (
    <div class="page-head notice">
      <h1>Your receiver is named</h1>
      <p class="lede">
        What happens to your sending is told at <code>{url}</code>. The secret is shown here once: copy it
        before you leave this page.
      </p>
      <Code label="Secret" text={secret} />
      <Fold id="verify" summary="How your program checks a message">
        <p>
          The header <code>webhook-signature</code> holds <code>v1,</code> and the base64 of HMAC-SHA-256 over{" "}
          <code>webhook-id</code>, a full stop, <code>webhook-timestamp</code>, a full stop and the body, with
          the key behind <code>whsec_</code> in base64. Every library for Standard Webhooks does that.
        </p>
      </Fold>
      <p>
        <a href={back}>I have copied it: try it with a test</a>
      </p>
    </div>
  );
}
