import { ABUSE_KINDS, type AbuseKind, type AbuseOutcome, type AbuseStatus } from "../../inbox/index.ts";
import { Badge, Breadcrumb, Code, EmptyState, KeyValue, Section, Time, type Tone } from "../components.tsx";
import { ABUSE_REPORT_PATH, ALLOWLIST_PATH } from "../paths.ts";
import type { PastedView } from "../view-allowlist.ts";

/** What was typed into a report that was not taken, and why it was not. */
export type Said = { why: string; kind: string; words: string; answerTo: string };

const ABUSE_KIND_WORDS: Record<AbuseKind, string> = {
  phishing: "Phishing: it pretends to be somebody else",
  spam: "Spam: nobody asked for it",
  malware: "Malware: it carries or links to it",
  harassment: "Harassment or threats",
  other: "Something else",
};

export const ABUSE_OUTCOME_WORDS: Record<AbuseOutcome, { tone: Tone; short: string; long: string }> = {
  acted: {
    tone: "ok",
    short: "Acted on",
    long: "It broke our rules, and we acted. What we did with a member stays between us and them.",
  },
  "no-breach": { tone: "note", short: "No breach", long: "We looked into it, and it keeps to our rules." },
  "not-ours": { tone: "note", short: "Not ours", long: "That mail did not leave through us." },
  "need-more": {
    tone: "warn",
    short: "More is needed",
    long: "The header alone does not tell us enough. Write to us with the whole mail, and with this reference.",
  },
};

type FormParts = { view: PastedView; text: string; abuseAddress: string; said?: Said };

/** Below what a header says: how its mail is reported, or why that is for others. */
export function ReportForm({ view, text, abuseAddress, said }: FormParts) {
  const heading = <h3 id="report">Was it abuse?</h3>;
  if (!view.isOurs)
    return (
      <>
        {heading}
        {said === undefined ? null : <p role="alert">{said.why}</p>}
        <p>
          No member signed it, and it carries no mark of ours. Whoever runs the host in its{" "}
          <code>Received</code> lines can do something about it; this cooperative cannot.
        </p>
      </>
    );
  if (view.reference === null)
    return (
      <>
        {heading}
        <p>
          Write to <a href={`mailto:${abuseAddress}`}>{abuseAddress}</a>, with the whole mail attached.
        </p>
      </>
    );
  return (
    <form action={ABUSE_REPORT_PATH} method="post" class="decide" aria-labelledby="report">
      {heading}
      {said === undefined ? null : <p role="alert">{said.why}</p>}
      <p>
        The committee reads each report, and you see here what becomes of it. It keeps this header and what
        you write until 90 days after its answer; the member does not learn who reported.
      </p>
      <input type="hidden" name="reference" value={view.reference} />
      <input type="hidden" name="header" value={text} />
      <label for="kind">What is it?</label>
      <select id="kind" name="kind" required>
        <option value="">Choose one</option>
        {ABUSE_KINDS.map((kind) => (
          <option value={kind} selected={said?.kind === kind}>
            {ABUSE_KIND_WORDS[kind]}
          </option>
        ))}
      </select>
      <label for="words">What should we know? (If you like)</label>
      <textarea id="words" name="words" rows={4} maxlength={2_000}>
        {said?.words ?? ""}
      </textarea>
      <label for="answerTo">Your mail address, if we may ask back (if you like)</label>
      <input
        id="answerTo"
        name="answerTo"
        type="email"
        maxlength={254}
        autocomplete="email"
        value={said?.answerTo ?? ""}
      />
      <button type="submit">Report it</button>
    </form>
  );
}

type ReportParts = { view: AbuseStatus | null; reference: string; abuseAddress: string };

/** What became of a report, for whoever has its reference. */
export function AbuseReportPage({ view, reference, abuseAddress }: ReportParts) {
  const trail = [
    { href: ALLOWLIST_PATH, text: "The allowlist" },
    { href: `${ALLOWLIST_PATH}/mail`, text: "A mail" },
  ];
  if (view === null)
    return (
      <>
        <div class="page-head">
          <Breadcrumb items={trail} current="A report" />
          <h1>No report has this reference</h1>
        </div>
        <EmptyState title="It was mistyped, or is forgotten">
          A reference has 26 letters and digits. Reports are forgotten 90 days after they were answered. To
          ask about one, write to <code>abuse@</code> at the pool's domain.
        </EmptyState>
      </>
    );
  const { tone, short, long } = stateOf(view);
  return (
    <>
      <div class="page-head">
        <Breadcrumb items={trail} current="A report" />
        <h1>Your report</h1>
        <p class="lede">
          Keep the address of this page: it alone shows what becomes of the report, to whoever has it.
        </p>
      </div>
      <Section id="state" title="What became of it" intro={<Badge tone={tone}>{short}</Badge>}>
        <p>
          {long}
          {view.answer?.outcome === "need-more" ? (
            <>
              {" "}
              <a href={`mailto:${abuseAddress}?subject=Report%20${encodeURIComponent(reference)}`}>
                {abuseAddress}
              </a>
            </>
          ) : null}
        </p>
        {view.answer === null || view.answer.words === "" ? null : (
          <blockquote>{view.answer.words}</blockquote>
        )}
        <KeyValue
          items={[
            ["Reported", <Time at={view.at} />],
            ...(view.answer === null
              ? []
              : ([["Answered", <Time at={view.answer.at} />]] as [string, ReturnType<typeof Time>][])),
            ["As", ABUSE_KIND_WORDS[view.kind]],
            ["Signed by", view.domains.join(", ") || "nobody"],
          ]}
        />
      </Section>
      <Section id="reference" title="Reference">
        <Code label="To type elsewhere, or to name in a mail" text={reference} />
      </Section>
    </>
  );
}

function stateOf({ answer, state, isTaken, isAside }: AbuseStatus): {
  tone: Tone;
  short: string;
  long: string;
} {
  if (answer !== null && (state === "done" || answer.outcome === "need-more"))
    return ABUSE_OUTCOME_WORDS[answer.outcome];
  if (answer !== null)
    return { tone: "warn", short: "Looked at again", long: "It was answered, and was opened again since." };
  if (isAside)
    return { tone: "idle", short: "Put aside", long: "It does not say enough for anybody to look into." };
  if (state === "done") return { tone: "idle", short: "Closed", long: "It was closed without an answer." };
  return isTaken
    ? { tone: "warn", short: "Somebody looks into it", long: "A person of the committee took it up." }
    : { tone: "warn", short: "Waiting", long: "It waits for a person of the committee." };
}
