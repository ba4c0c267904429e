import { Badge, Code, DataTable, EmptyState, KeyValue, Section, Time } from "../components.tsx";
import { labelPath } from "../paths.ts";
import type { ExplainedCheck, ExplainedLabel, ExplainedRecord, LabelExplanation } from "../view.ts";
import { LABEL_WORDS, OUTCOME_WORDS } from "../words.ts";
import { LabelBadges } from "./parts.tsx";

/** Public: what the labels in force of one subject rest on. It knows nothing of labels that ended. */
export function LabelPage({ view }: { view: LabelExplanation }) {
  return (
    <>
      <div class="page-head">
        <h1>{view.subject}</h1>
        <p class="lede">The labels in force, and the public facts that they rest on.</p>
      </div>
      <Labels view={view} />
      {view.records.map((record) => (
        <Record record={record} />
      ))}
      <Verify view={view} />
    </>
  );
}

function Labels({ view }: { view: LabelExplanation }) {
  return (
    <Section
      id="labels"
      title="Labels"
      intro={
        <>
          As of <Time at={view.asOf} />. A label lapses by itself unless it is found true again.
        </>
      }
    >
      {view.labels.length === 0 ? (
        <EmptyState title="No label is in force here">
          Labels say only what is good. From the absence of one nothing follows.
        </EmptyState>
      ) : (
        view.labels.map((label) => <Label label={label} records={view.records} />)
      )}
    </Section>
  );
}

function Label({ label, records }: { label: ExplainedLabel; records: ExplainedRecord[] }) {
  const behind = records.filter((record) => label.records.includes(record.uri));
  return (
    <div class="card" data-key={`${label.value} ${label.uri}`}>
      <h3>
        <LabelBadges values={[label.value]} />
      </h3>
      <KeyValue
        items={[
          ["Says", LABEL_WORDS[label.value] ?? "A value that this page has no words for."],
          [
            "About",
            <a href={labelPath(label.uri)}>
              <code>{label.uri}</code>
            </a>,
          ],
          ...(label.cid === null
            ? []
            : [["Version", <code>{label.cid}</code>] as [string, ReturnType<typeof Time>]]),
          ["Stands since", <Time at={label.since} />],
          ["Last said", <Time at={label.issuedAt} />],
          ["Lapses", label.expiresAt === null ? "not by itself" : <Time at={label.expiresAt} />],
          [
            "Rests on",
            behind.length === 0 ? BASIS[label.value] : `the checks of ${behind.map(domainOf).join(", ")}`,
          ],
        ]}
      />
    </div>
  );
}

const domainOf = (record: ExplainedRecord) => record.domain;

const BASIS: Record<string, string> = {
  "verified-mail-operator": "checks of a record, which are being repeated",
  "relay-member": "membership in the cooperative",
  "verified-member": "membership in the cooperative, after a person has looked",
  "clean-sender": "30 days of mail in the pool, by the rule that is the same for all members",
};

function Record({ record }: { record: ExplainedRecord }) {
  return (
    <Section
      id={`record-${record.domain}`}
      title={record.domain}
      wide
      intro={
        <>
          Attested in <code>{record.uri}</code>, version <code>{record.cid}</code>, which was last proved to
          be in its repository on <Time at={record.provedAt} />.
        </>
      }
    >
      {record.checks.length === 0 ? (
        <EmptyState title="The checks have not been made yet" />
      ) : (
        <DataTable
          caption={`Checks of ${record.domain}`}
          hideCaption
          columns={[{ label: "Check" }, { label: "Result" }, { label: "What was found" }, { label: "When" }]}
          rows={record.checks.map((check) => ({ key: check.check, cells: checkCells(check) }))}
        />
      )}
    </Section>
  );
}

function checkCells({ check, outcome, at, findings }: ExplainedCheck) {
  const { tone, name } = OUTCOME_WORDS[outcome];
  return [
    check.toUpperCase(),
    <Badge tone={tone}>{name}</Badge>,
    findings.length === 0 ? (
      "As it should be."
    ) : (
      <>
        {findings.map((finding) => (
          <p>
            {finding.text} {finding.observed === null ? null : <code>{finding.observed}</code>}
          </p>
        ))}
      </>
    ),
    <Time at={at} />,
  ];
}

function Verify({ view }: { view: LabelExplanation }) {
  const subject = view.labels[0]?.uri ?? view.subject;
  return (
    <Section
      id="verify"
      title="Look for yourself"
      intro={
        <>
          Each label is signed with the key <code>#atproto_label</code> of <code>{view.labeler.did}</code>.
        </>
      }
    >
      <Code
        label="The signed labels"
        text={`curl "${view.labeler.url}/xrpc/com.atproto.label.queryLabels?uriPatterns=${subject}"`}
      />
      <Code
        label="This page as JSON"
        text={`curl -H "accept: application/json" "${view.labeler.url}${labelPath(view.subject)}"`}
      />
    </Section>
  );
}
