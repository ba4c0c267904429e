import { Badge, EmptyState, Section, Time } from "../components.tsx";
import { maskAddress, maskText } from "../mask.ts";
import type { Attempt, MemberMessage, MessageRecipient } from "../view.ts";
import { formatCount, formatSize, STATE_WORDS } from "../words.ts";

const MOST_LINES = 200;

/** Recent messages: each recipient's state, the remote server's words, and the conversation behind a fold. */
export function Messages({ messages }: { messages: MemberMessage[] }) {
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
        <ol class="plain mails">
          {messages.map((message) => (
            <li data-key={message.id} class="mail">
              <p class="mail-head">
                <Time at={message.at} />
                <span class="soft small">
                  {message.stream} from {message.domain}, {formatSize(message.size)},{" "}
                  <code>{message.id}</code>
                </span>
              </p>
              {message.recipients.map((recipient) => (
                <Recipient recipient={recipient} />
              ))}
              {message.moreRecipients ? (
                <p class="soft small">and {formatCount(message.moreRecipients)} more recipients</p>
              ) : null}
            </li>
          ))}
        </ol>
      )}
    </Section>
  );
}

function Recipient({ recipient }: { recipient: MessageRecipient }) {
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
              <AttemptView attempt={attempt} address={recipient.address} />
            ))}
          </details>
        </>
      ) : null}
    </div>
  );
}

function AttemptView({ attempt, address }: { attempt: Attempt; address: string }) {
  const lines = attempt.conversation.slice(0, MOST_LINES).map((line) => maskText(line, address));
  if (attempt.conversation.length > MOST_LINES)
    lines.push(`(${attempt.conversation.length - MOST_LINES} more lines)`);
  return (
    <div class="code">
      <p class="code-label">
        <Time at={attempt.at} />, {attempt.server || "no server answered"}, {attempt.tls ?? "no TLS"}:{" "}
        {attempt.class}
      </p>
      {lines.length === 0 ? null : (
        <pre class="transcript" tabindex={0} aria-label="SMTP conversation">
          <code>{lines.join("\n")}</code>
        </pre>
      )}
    </div>
  );
}

function answerOf({ code, enhanced, text }: Attempt, address: string): string {
  return [code === 0 ? "" : String(code), enhanced, maskText(text, address)]
    .filter((part) => part !== "")
    .join(" ");
}
