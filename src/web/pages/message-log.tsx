import { RECIPIENT_STATES } from "../../spool/index.ts";
import { STREAMS } from "../../policy/index.ts";
import { EmptyState, Fold, KeyValue, Section, Time } from "../components.tsx";
import { maskAddress, maskText } from "../mask.ts";
import type { AskedMessages } from "../messages.ts";
import { messagesPath, suppressionsPath, tracePath } from "../paths.ts";
import type { SuppressionSearch } from "../suppression-view.ts";
import type { MessageFound, MessageLog, PortalRole } from "../view.ts";
import { formatCount, STATE_WORDS } from "../words.ts";
import { MessageList } from "./member-messages.tsx";
import { Field, PortalHead } from "./portal-parts.tsx";

/** What a member sent, with a search. */
export function MessagesPage(props: { view: MessageLog; asked: AskedMessages; role: PortalRole }) {
  const { view, asked, role } = props;
  const path = messagesPath(view.did);
  return (
    <>
      <PortalHead
        frame={view}
        current="messages"
        title="Messages"
        role={role}
        lede="Every message with each attempt and the remote server's words. Subject and text are not kept, and the local part of an address is masked."
      />
      <Fold id="search" summary="Search" open={Object.values(asked).some((one) => one !== undefined)}>
        <form method="get" action={path} class="stack">
          <Select
            id="from"
            name="from"
            label="From"
            any="any domain"
            chosen={asked.from}
            choices={view.domains.map((one) => [one, one])}
          />
          <Field
            id="to"
            name="to"
            label="To a domain"
            placeholder="gmail.com"
            value={asked.to}
            maxlength={253}
          />
          <Select
            id="provider"
            name="provider"
            label="Provider that was asked"
            any="any"
            chosen={asked.provider}
            choices={view.providers.map(({ id, name }) => [id, name])}
          />
          <Select
            id="state"
            name="state"
            label="What became of it"
            any="anything"
            chosen={asked.state}
            choices={RECIPIENT_STATES.map((state) => [state, STATE_WORDS[state].name])}
          />
          <Select
            id="stream"
            name="stream"
            label="Stream"
            any="any"
            chosen={asked.stream}
            choices={STREAMS.map((one) => [one, one])}
          />
          <Select
            id="credential"
            name="credential"
            label="Credential"
            any="any"
            chosen={asked.credential}
            choices={view.credentials.map(({ id, name }) => [id, name])}
          />
          <Day id="since" label="From the day" value={asked.since} />
          <Day id="until" label="To the day" value={asked.until} />
          <button type="submit">Search</button>
        </form>
      </Fold>
      <p>
        Looking for one person? <a href={tracePath(view.did)}>Trace an address</a>.
      </p>
      <Section id="messages" title="What fits" intro="Days are those of UTC.">
        <Found
          view={view}
          role={role}
          none="Nothing that you sent fits. Leave something of the search out."
        />
        <More view={view} path={path} asked={asked} />
      </Section>
    </>
  );
}

/** All that happened to mail for one person. */
export function TracePage(props: {
  view: MessageLog;
  /** Empty: nobody asked yet. */
  address: string;
  suppressed: SuppressionSearch | null;
  role: PortalRole;
}) {
  const { view, address, suppressed, role } = props;
  return (
    <>
      <PortalHead
        frame={view}
        current="trace"
        title="Trace an address"
        role={role}
        lede="Somebody says that no mail came? Here is what happened to it."
      />
      <Section id="search" title="Whose mail">
        <form method="post" action={tracePath(view.did)} class="stack">
          <Field
            id="address"
            name="address"
            label="Address"
            placeholder="ada@example.com"
            maxlength={320}
            required
            value={address}
          />
          <button type="submit">Trace</button>
        </form>
      </Section>
      {address === "" ? null : (
        <>
          <Section id="suppressed" title="May mail go there">
            <Suppressed search={suppressed} did={view.did} />
          </Section>
          <Section id="messages" title={`Mail for ${maskAddress(address)}`}>
            <Found
              view={view}
              role={role}
              none="No message to this address is known here: it was never handed in, was refused when it was handed in, or is older than what is kept. Look at the log of the program that sends."
            />
            {view.next === null ? null : (
              <form method="post" action={tracePath(view.did)} class="stack">
                <input type="hidden" name="address" value={address} />
                <input type="hidden" name="before" value={String(view.next)} />
                {view.isFull ? null : (
                  <p class="soft">{formatCount(view.scanned)} messages were looked at so far.</p>
                )}
                <button type="submit">{view.isFull ? "Older ones" : "Look on"}</button>
              </form>
            )}
          </Section>
        </>
      )}
    </>
  );
}

/** One message, whole. */
export function MessagePage({ view, role }: { view: MessageFound; role: PortalRole }) {
  const { message, did } = view;
  const forCommittee = role === "committee";
  return (
    <>
      <PortalHead frame={view} current="messages" title={`Message ${message.id}`} role={role} />
      <Section id="message" title="The message">
        <KeyValue
          items={[
            ["Handed in", <Time at={message.at} />],
            ["From", message.domain],
            ["Return path", view.sender === "" ? "none" : maskAddress(view.sender)],
            ["Stream", message.stream],
            ["Credential", view.credential ?? "not kept"],
          ]}
        />
      </Section>
      <Section id="recipients" title="What became of it">
        <MessageList did={did} messages={[message]} forCommittee={forCommittee} />
      </Section>
      {view.told.length === 0 ? null : (
        <Section id="told" title="What you were told of it">
          {view.told.map(({ at, address, sentTo, text }) => (
            <div class="stack">
              <p>
                <Time at={at} /> of {address}
                {sentTo === null ? ", on these pages alone" : ", by mail"}
              </p>
              <p class="quote">{maskText(text, address)}</p>
            </div>
          ))}
        </Section>
      )}
    </>
  );
}

function Found({ view, role, none }: { view: MessageLog; role: PortalRole; none: string }) {
  if (!view.isKnown) return <EmptyState title="Not known here">No relay runs in this process.</EmptyState>;
  if (view.messages.length === 0) return <EmptyState title="Nothing found">{none}</EmptyState>;
  return <MessageList did={view.did} messages={view.messages} forCommittee={role === "committee"} />;
}

function More({ view, path, asked }: { view: MessageLog; path: string; asked: AskedMessages }) {
  if (view.next === null) return null;
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries({ ...asked, before: view.next }))
    if (value !== undefined) query.set(key, String(value));
  return (
    <p>
      {view.isFull ? null : `${formatCount(view.scanned)} messages were looked at so far. `}
      <a href={`${path}?${query}`}>{view.isFull ? "Older ones" : "Look on"}</a>
    </p>
  );
}

function Suppressed({ search, did }: { search: SuppressionSearch | null; did: string }) {
  switch (search?.found) {
    case "entries":
      return (
        <>
          {search.entries.map(({ reason, since, until, words }) => (
            <p>
              Suppressed ({reason}) since <Time at={since} />
              {until === null ? (
                ""
              ) : (
                <>
                  {" "}
                  until <Time at={until} />
                </>
              )}
              {words === "" ? "" : `: ${words}`}
            </p>
          ))}
          <p>
            <a href={suppressionsPath(did)}>Release it under Suppressed</a>, if it is wrong.
          </p>
        </>
      );
    case "nothing":
      return <p>Nothing keeps mail of yours from this address.</p>;
    case "no-address":
      return <p>That is no mail address: type one like ada@example.com.</p>;
    default:
      return <p class="soft">That is not known here.</p>;
  }
}

function Select(props: {
  id: string;
  name: string;
  label: string;
  any: string;
  chosen: string | undefined;
  choices: readonly (readonly [value: string, text: string])[];
}) {
  const { id, name, label, any, chosen, choices } = props;
  return (
    <p class="field">
      <label for={id}>{label}</label>
      <select id={id} name={name}>
        <option value="">{any}</option>
        {choices.map(([value, text]) => (
          <option value={value} selected={value === chosen}>
            {text}
          </option>
        ))}
      </select>
    </p>
  );
}

function Day({ id, label, value }: { id: string; label: string; value: string | undefined }) {
  return (
    <p class="field">
      <label for={id}>{label}</label>
      <input id={id} name={id} type="date" value={value} />
    </p>
  );
}
