import type { Child } from "hono/jsx";
import type { Snippet } from "../../allowlist/index.ts";
import type { AbuseStatus } from "../../inbox/index.ts";
import { Badge, Breadcrumb, Code, EmptyState, KeyValue, Section, Time } from "../components.tsx";
import { ABUSE_REPORT_PATH, ALLOWLIST_PATH, allowlistEntryPath } from "../paths.ts";
import type { AllowlistView, ListingView, PastedView } from "../view-allowlist.ts";
import { AbuseReportPage, ReportForm, type Said } from "./allowlist-abuse.tsx";
import { AllowlistEntryPage, AllowlistPage, CODE_WORDS } from "./allowlist.tsx";

/** Which page of the allowlist, with what it shows. */
export type AllowlistShown =
  | { what: "list"; view: AllowlistView }
  | { what: "entry"; view: ListingView }
  | { what: "settings"; snippet: Snippet; zone: string }
  | ({ what: "mail"; view: PastedView | null } & Pasted)
  | { what: "report"; view: AbuseStatus | null; reference: string; abuseAddress: string };

type Pasted = { text: string; abuseAddress: string; said?: Said };

export function allowlistContent(shown: AllowlistShown): { title: string; body: Child } {
  switch (shown.what) {
    case "list":
      return { title: "The allowlist", body: <AllowlistPage view={shown.view} /> };
    case "entry":
      return {
        title: shown.view.subject?.name ?? "The allowlist",
        body: <AllowlistEntryPage view={shown.view} />,
      };
    case "settings":
      return { title: shown.snippet.title, body: <SettingsPage {...shown} /> };
    case "mail":
      return { title: "Who signed a mail", body: <MailPage {...shown} /> };
    case "report":
      return { title: "A report of abuse", body: <AbuseReportPage {...shown} /> };
  }
}

const HOME = [{ href: ALLOWLIST_PATH, text: "The allowlist" }];

function SettingsPage({ snippet, zone }: { snippet: Snippet; zone: string }) {
  return (
    <>
      <div class="page-head">
        <Breadcrumb items={HOME} current={snippet.title} />
        <h1>{snippet.title}</h1>
        <p class="lede">
          Settings that ask <code>{zone}</code>.{" "}
          {snippet.isTested
            ? "They run in the program itself in our tests."
            : "They are not run in the program in our tests."}
        </p>
      </div>
      <Section id="trust" title="What it trusts">
        <p>{snippet.trusts}</p>
        <p>
          <strong>Never:</strong> {snippet.never}
        </p>
      </Section>
      <Section id="files" title="What to put where">
        {snippet.files.map(({ path, text }) => (
          <Code label={path} text={text.trimEnd()} />
        ))}
        <Code label="Then" text={snippet.reload} />
        <p>
          A resolver that guards against rebinding drops answers in 127.0.0.0/8: let it pass them for this
          zone (unbound: <code>private-domain: "{zone}"</code>).
        </p>
      </Section>
    </>
  );
}

function MailPage({ view, ...pasted }: { view: PastedView | null } & Pasted) {
  return (
    <>
      <div class="page-head">
        <Breadcrumb items={HOME} current="A mail" />
        <h1>Who signed a mail</h1>
        <p class="lede">
          Paste its header, as your mail program shows it under "source" or "original". Nothing of it is kept
          here unless you report it.
        </p>
      </div>
      {view === null ? null : <Result view={view} pasted={pasted} />}
      <Section id="paste" title={view === null ? "Its header" : "Another header"}>
        <form action={`${ALLOWLIST_PATH}/mail`} method="post" class="decide">
          <label for="header">Header</label>
          <textarea id="header" name="header" rows={12} maxlength={65_536} spellcheck={false} required>
            {pasted.text}
          </textarea>
          <button type="submit">Read it</button>
        </form>
      </Section>
      <Section id="earlier" title="You reported a mail before?">
        <form action={ABUSE_REPORT_PATH} method="get" class="decide">
          <label for="reference">Its reference</label>
          <input
            id="reference"
            name="reference"
            maxlength={64}
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            required
          />
          <button type="submit">See what became of it</button>
        </form>
      </Section>
    </>
  );
}

function Result({ view, pasted }: { view: PastedView; pasted: Pasted }) {
  const { header, listed, sent } = view;
  if (header === null)
    return (
      <EmptyState title="That is no header">
        A header begins with lines such as "Received: ..." and "From: ...". Copy it from the source of the
        mail.
      </EmptyState>
    );
  const aligned = header.signers.some(({ domain, isAligned }) => isAligned && listed[domain] !== undefined);
  return (
    <Section
      id="result"
      title={header.from ?? "No sender"}
      intro={
        aligned ? (
          <Badge tone="ok">Its own domain signed it, and is listed</Badge>
        ) : (
          <Badge>Nothing here vouches for it</Badge>
        )
      }
    >
      {header.from === null ? (
        <p>It has no From:, or more than one: no signature can speak for such a mail.</p>
      ) : null}
      {header.signers.length === 0 ? (
        <p>Nobody signed it: it carries no DKIM-Signature.</p>
      ) : (
        header.signers.map(({ domain, selector, isAligned }) => (
          <div class="card">
            <h3>
              <a href={allowlistEntryPath(domain)}>{domain}</a>
            </h3>
            <KeyValue
              items={[
                ["Selector", <code>{selector || "none"}</code>],
                ["Same as From:", isAligned ? "yes" : "no: it may have signed somebody else's mail"],
                ["Listed", listed[domain] ? (CODE_WORDS[listed[domain].code] ?? "yes") : "no"],
                ["Verified", verifiedWords(header.verified, domain)],
              ]}
            />
          </div>
        ))
      )}
      {sent === null ? null : (
        <p>
          It left through this pool: its mark is genuine, and of a mail that{" "}
          <a href={allowlistEntryPath(sent.domain)}>{sent.domain}</a> handed in <Time at={sent.at} />.
        </p>
      )}
      <p>
        A header that was pasted proves nothing: anybody can write these lines. What counts is what your own
        mail server found when the mail came, in the topmost <code>Authentication-Results</code>.
      </p>
      <ReportForm view={view} {...pasted} />
    </Section>
  );
}

function verifiedWords(verified: { by: string; domains: string[] } | null, domain: string): string {
  if (verified === null) return "no server says so here";
  return verified.domains.includes(domain)
    ? `${verified.by} says that it holds`
    : `${verified.by} does not say that it holds`;
}
