import { explain, FAULT_WORDS } from "../../protocol/smtp-reply/index.ts";
import { TLS_REASON_WORDS } from "../../transport/index.ts";
import { Badge, EmptyState, Fold, KeyValue, Section, Time } from "../components.tsx";
import { maskAddress, maskText } from "../mask.ts";
import { messagePath, messagesPath } from "../paths.ts";
import type { Attempt, MemberMessage, MessageRecipient } from "../view.ts";
import { formatCount, formatSize, STATE_WORDS } from "../words.ts";

const MOST_LINES = 200;
const AT_ONCE = 2;

/** Recent messages: each recipient's state, the remote server's words, and the conversation behind a fold. */
export function Messages(props: { did: string; messages: MemberMessage[]; forCommittee: boolean }) {
  const { did, messages, forCommittee } = props;
  return (
    <Section
      id="messages"
      title="Recent messages"
      intro="Subject and text are not kept here, and the local part of an address is masked."
    >
      {messages.length === 0 ? (
        <EmptyState title="No message yet">
          The first one that is accepted appears here within seconds.
        </EmptyState>
      ) : (
        <>
          <MessageList did={did} messages={messages.slice(0, AT_ONCE)} forCommittee={forCommittee} />
          {messages.length > AT_ONCE ? (
            <Fold id="more-messages" summary={`${formatCount(messages.length - AT_ONCE)} before those`}>
              <MessageList did={did} messages={messages.slice(AT_ONCE)} forCommittee={forCommittee} />
            </Fold>
          ) : null}
          <p>
            <a href={messagesPath(did)}>All of them, to be searched</a>
          </p>
        </>
      )}
    </Section>
  );
}

/** Messages with their recipients, each with a way to its own page. */
export function MessageList(props: { did: string; messages: MemberMessage[]; forCommittee: boolean }) {
  const { did, messages, forCommittee } = props;
  return (
    <ol class="plain mails">
      {messages.map((message) => (
        <li data-key={message.id} class="mail">
          <p class="mail-head">
            <Time at={message.at} />
            <span class="soft small">
              {message.stream} from {message.domain}, {formatSize(message.size)},{" "}
              <a href={messagePath(did, message.id)}>
                <code>{message.id}</code>
              </a>
            </span>
          </p>
          {message.recipients.map((recipient) => (
            <Recipient recipient={recipient} forCommittee={forCommittee} />
          ))}
          {message.moreRecipients ? (
            <p class="soft small">and {formatCount(message.moreRecipients)} more recipients</p>
          ) : null}
        </li>
      ))}
    </ol>
  );
}

function Recipient({ recipient, forCommittee }: { recipient: MessageRecipient; forCommittee: boolean }) {
  const { tone, name } = STATE_WORDS[recipient.state];
  const last = recipient.attempts.at(-1);
  return (
    <div class="recipient stack" data-key={recipient.id}>
      <p>
        <Badge tone={tone}>{name}</Badge> {maskAddress(recipient.address)}
        {recipient.nextAttemptAt === null ? null : (
          <span class="soft small">
            {" "}
            next attempt <Time at={recipient.nextAttemptAt} />
          </span>
        )}
        {recipient.waits === undefined ? null : <span class="soft small"> {recipient.waits}</span>}
        {recipient.dropped === undefined ? null : (
          <span class="soft small">
            {" "}
            by {recipient.dropped.by}: {recipient.dropped.why}
          </span>
        )}
      </p>
      {last ? (
        <>
          <p class="quote">
            <code>{answerOf(last, recipient.address)}</code>
          </p>
          {last.class === "ok" ? null : <p>{explain(last)}</p>}
          <details id={`attempts-${recipient.id}`}>
            <summary>
              {recipient.attempts.length === 1 ? "The conversation" : `${recipient.attempts.length} attempts`}
            </summary>
            {recipient.earlierAttempts ? (
              <p class="soft small">
                {formatCount(recipient.earlierAttempts)} earlier attempts are not shown
              </p>
            ) : null}
            {recipient.attempts.map((attempt) => (
              <AttemptView
                attempt={attempt}
                address={recipient.address}
                isLast={attempt === last}
                forCommittee={forCommittee}
              />
            ))}
          </details>
        </>
      ) : null}
    </div>
  );
}

/** One conversation: when, between whom, under which TLS, what the answer means, and every word of it. */
function AttemptView({
  attempt,
  address,
  isLast,
  forCommittee,
}: {
  attempt: Attempt;
  address: string;
  /** What it means is said above. */
  isLast: boolean;
  forCommittee: boolean;
}) {
  const lines = attempt.conversation.slice(0, MOST_LINES).map((line) => maskText(line, address));
  if (attempt.conversation.length > MOST_LINES)
    lines.push(`*: ${attempt.conversation.length - MOST_LINES} more lines`);
  return (
    <div class="attempt stack">
      <p class="attempt-head">
        <Time at={attempt.at} />
        <code>{attempt.server || "no server was asked"}</code>
      </p>
      {isLast ? null : <p>{explain(attempt)}</p>}
      <KeyValue items={factsOf(attempt, forCommittee)} />
      {lines.length === 0 ? null : (
        <div class="code">
          <pre class="transcript" tabindex={0} aria-label="SMTP conversation">
            <code>
              {lines.map((line) => (
                <span class={SPEAKERS[line[0] ?? ""] ?? "note"}>{`${line}\n`}</span>
              ))}
            </code>
          </pre>
        </div>
      )}
    </div>
  );
}

/** Who says a line of a conversation: we, the server, or a note of ours beside it. */
const SPEAKERS: Record<string, string> = { C: "ours", S: "theirs" };

function factsOf(attempt: Attempt, forCommittee: boolean): Parameters<typeof KeyValue>[0]["items"] {
  const { class: kind, permanent, fault, rule, advice, egress, tls, tlsPolicy } = attempt;
  const items: Parameters<typeof KeyValue>[0]["items"] = [];
  if (kind !== "ok") {
    items.push(["Class", `${kind}, ${permanent ? "for good" : "for now"}`]);
    if (fault !== null && fault !== "none") items.push(["Whose fault", FAULT_WORDS[fault]]);
  }
  // Of the pool's and the recipient's side a member can do nothing.
  if (advice !== undefined && (forCommittee || fault === "member")) items.push(["What to do", advice]);
  if (egress !== null) items.push(["Sent from", <code>{egress}</code>]);
  items.push([
    "TLS",
    tlsPolicy === null ? (tls ?? "none") : `${tls ?? "none"}, by ${TLS_REASON_WORDS[tlsPolicy]}`,
  ]);
  if (forCommittee && rule !== null) items.push(["Rule", <code>{rule}</code>]);
  return items;
}

function answerOf({ code, enhanced, text }: Attempt, address: string): string {
  return [code === 0 ? "" : String(code), enhanced, maskText(text, address)]
    .filter((part) => part !== "")
    .join(" ");
}
