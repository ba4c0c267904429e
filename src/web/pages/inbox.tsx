import {
  ABUSE_OUTCOMES,
  FOLDERS,
  type AbuseFacts,
  type EntryDetail,
  type EntryKind,
  type Folder,
} from "../../inbox/index.ts";
import {
  Badge,
  Breadcrumb,
  DataTable,
  EmptyState,
  KeyValue,
  Section,
  Time,
  type Tone,
} from "../components.tsx";
import type { InboxList } from "../inbox-view.ts";
import {
  allowlistEntryPath,
  COMMITTEE_PATH,
  INBOX_PATH,
  inboxEntryPath,
  memberPath,
  messagePath,
} from "../paths.ts";
import { formatCount } from "../words.ts";
import { ABUSE_OUTCOME_WORDS } from "./allowlist-abuse.tsx";

const FOLDER_WORDS: Record<Folder, string> = {
  inbox: "To be read",
  abuse: "Reports of abuse",
  machine: "Of programs",
  spam: "From nobody known",
};
const KIND_WORDS: Record<EntryKind, { tone: Tone; name: string }> = {
  message: { tone: "note", name: "Message" },
  complaint: { tone: "bad", name: "Complaint that matches no message" },
  bounce: { tone: "idle", name: "Bounce" },
  report: { tone: "idle", name: "Report" },
  "auto-reply": { tone: "idle", name: "Automatic answer" },
  "abuse-report": { tone: "warn", name: "Report of abuse" },
};

const TRAIL = [{ href: COMMITTEE_PATH, text: "Committee" }];

/** Mail to role addresses, and complaints that match nothing. */
export function InboxPage({ view: { folder, entries, next, counts } }: { view: InboxList }) {
  return (
    <>
      <div class="page-head">
        <Breadcrumb items={TRAIL} current="Inbox" />
        <h1>Inbox</h1>
        <p class="lede">
          Mail to postmaster, abuse and the other role addresses, reports of abuse that were made on the page,
          and complaints that match no message of ours.
        </p>
      </div>
      <Section
        id="entries"
        title={FOLDER_WORDS[folder]}
        wide
        intro={FOLDERS.map((name) => (
          <>
            {name === folder ? (
              <strong>{FOLDER_WORDS[name]}</strong>
            ) : (
              <a href={`${INBOX_PATH}?folder=${name}`}>{FOLDER_WORDS[name]}</a>
            )}{" "}
            ({formatCount(counts[name])} open){" "}
          </>
        ))}
      >
        {entries.length === 0 ? (
          <EmptyState title="Nothing is here">What comes is shown here, the newest first.</EmptyState>
        ) : (
          <DataTable
            caption="The newest first"
            hideCaption
            columns={[
              { label: "Subject" },
              { label: "From" },
              { label: "What" },
              { label: "State" },
              { label: "When" },
            ]}
            rows={entries.map(({ id, subject, from, mailFrom, kind, state, assigned, at }) => ({
              key: String(id),
              cells: [
                <a href={inboxEntryPath(id)}>{subject || "(no subject)"}</a>,
                from || mailFrom || "nobody",
                <Badge tone={KIND_WORDS[kind].tone}>{KIND_WORDS[kind].name}</Badge>,
                <>
                  <Badge tone={state === "open" ? "warn" : "ok"}>{state === "open" ? "Open" : "Done"}</Badge>
                  {assigned === null ? null : <span class="beneath">{assigned} takes care of it</span>}
                </>,
                <Time at={at} />,
              ],
            }))}
          />
        )}
        {next === null ? null : (
          <p>
            <a href={`${INBOX_PATH}?folder=${folder}&before=${next}`}>Older ones</a>
          </p>
        )}
      </Section>
    </>
  );
}

/** One mail as text: nothing of it is loaded, opened or run. */
export function InboxEntryPage({ entry }: { entry: EntryDetail }) {
  const { id, subject, from, mailFrom, to, at, why, authentication, text, attachments, traces, forward } =
    entry;
  return (
    <>
      <div class="page-head">
        <Breadcrumb items={[...TRAIL, { href: INBOX_PATH, text: "Inbox" }]} current={String(id)} />
        <h1>{subject || "(no subject)"}</h1>
        <p class="lede">{why}.</p>
      </div>
      <Section id="mail" title="Mail" wide>
        <KeyValue
          items={[
            ["From", `${from || "(nobody)"}, envelope sender ${mailFrom || "<>"}`],
            ["To", to],
            ["Received", <Time at={at} />],
            ["Checked", <code>{authentication.replace(/\s+/g, " ")}</code>],
            ...(forward === null ? [] : ([["Sent on as", <code>{forward}</code>]] as [string, string][])),
            ...attachments.map(
              (one) =>
                ["Attached", `${one.name || "(no name)"}, ${one.type}, ${formatCount(one.size)} octets`] as [
                  string,
                  string,
                ],
            ),
          ]}
        />
        <pre class="letter">{text || "(no text)"}</pre>
        <p class="soft">
          Links do not work here on purpose. The mail as it came: <code>atmos inbox show {id} --raw</code>
        </p>
        <Answer entry={entry} />
      </Section>
      {entry.abuse === null ? null : <AnswerReport id={id} abuse={entry.abuse} />}
      <Decide entry={entry} />
      {traces.length === 0 ? null : (
        <Section id="history" title="History" wide>
          <DataTable
            caption="What people did with it"
            hideCaption
            columns={[{ label: "When" }, { label: "Who" }, { label: "What" }, { label: "Words" }]}
            rows={traces.map((one, i) => ({
              key: String(i),
              cells: [<Time at={one.at} />, one.by, one.what, one.note],
            }))}
          />
        </Section>
      )}
    </>
  );
}

/** Which mail was reported, and what whoever reported it is told. */
function AnswerReport({ id, abuse: { domains, message, answer } }: { id: number; abuse: AbuseFacts }) {
  return (
    <Section id="report" title="The report" wide>
      <KeyValue
        items={[
          [
            "Signed by",
            domains.length === 0
              ? "nobody"
              : domains.map((domain) => (
                  <>
                    <a href={allowlistEntryPath(domain)}>{domain}</a>{" "}
                  </>
                )),
          ],
          [
            "Sent by us",
            message === null ? (
              "its header carries no mark of ours"
            ) : (
              <>
                <a href={messagePath(message.did, message.id)}>message {message.id}</a> of{" "}
                <a href={memberPath(message.did)}>{message.did}</a>
              </>
            ),
          ],
          [
            "Answer",
            answer === null ? (
              "none yet"
            ) : (
              <>
                <Badge tone={ABUSE_OUTCOME_WORDS[answer.outcome].tone}>
                  {ABUSE_OUTCOME_WORDS[answer.outcome].short}
                </Badge>{" "}
                <Time at={answer.at} /> {answer.words}
              </>
            ),
          ],
        ]}
      />
      <form method="post" action={inboxEntryPath(id)} class="decide">
        <label for="outcome">What whoever reported it is told</label>
        <select id="outcome" name="outcome" required>
          <option value="">Choose one</option>
          {ABUSE_OUTCOMES.map((outcome) => (
            <option value={outcome}>
              {ABUSE_OUTCOME_WORDS[outcome].short}: {ABUSE_OUTCOME_WORDS[outcome].long}
            </option>
          ))}
        </select>
        <label for="words">
          Words of your own, which they read too: nothing of the member's that is not public
        </label>
        <textarea id="words" name="words" rows={3} maxlength={1000} />
        <button type="submit" name="action" value="answer">
          Answer the report
        </button>
      </form>
    </Section>
  );
}

function Answer({ entry: { replyTo, subject, messageId, abuse } }: { entry: EntryDetail }) {
  if (replyTo === null && abuse !== null)
    return <p class="soft">Whoever reported it gave no address: they see the answer that you give below.</p>;
  if (replyTo === null) return <p class="soft">It names no address that could be answered.</p>;
  const fields = new URLSearchParams({ subject: /^re:/i.test(subject) ? subject : `Re: ${subject}` });
  if (/^<[^<>\s]{1,250}>$/.test(messageId)) fields.set("in-reply-to", messageId);
  const href = `mailto:${encodeURIComponent(replyTo)}?${fields.toString().replaceAll("+", "%20")}`;
  return (
    <p>
      <a href={href}>Answer {replyTo}</a> from your own mail program; then say here that it is done.
    </p>
  );
}

function Decide({ entry: { id, state, folder, assigned } }: { entry: EntryDetail }) {
  const actions =
    folder === "spam"
      ? [["not-spam", "Put it back into the inbox"]]
      : [
          state === "open" ? ["done", "Done"] : ["reopen", "Open it again"],
          ["assign", "Assign"],
          ["spam", "Put it aside"],
        ];
  return (
    <Section id="decide" title="What becomes of it" wide>
      <form method="post" action={inboxEntryPath(id)} class="decide">
        <label for="note">Words for the record</label>
        <input id="note" name="note" maxlength={1000} autocomplete="off" />
        <label for="to">Who takes care of it</label>
        <input id="to" name="to" maxlength={200} value={assigned ?? ""} autocomplete="off" />
        <div class="actions">
          {actions.map(([name, words]) => (
            <button type="submit" name="action" value={name}>
              {words}
            </button>
          ))}
        </div>
      </form>
    </Section>
  );
}
