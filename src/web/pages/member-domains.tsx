import { Badge, Code } from "../components.tsx";
import type { DnsRecord, Finding } from "../view.ts";
import { OUTCOME_WORDS } from "../words.ts";
import { zoneLine } from "./zone-line.ts";

/** One finding with what was seen and the record that mends it. */
export function FindingView({ finding, open }: { finding: Finding; open?: boolean }) {
  const { tone, name } = OUTCOME_WORDS[finding.outcome];
  return (
    <div class={open ? "finding stack" : "finding stack quiet"} data-key={finding.check}>
      <p>
        <Badge tone={tone}>
          {finding.check.toUpperCase()}: {name.toLowerCase()}
        </Badge>{" "}
        {finding.text}
      </p>
      {finding.observed === null ? null : <Code text={finding.observed} label="Observed" />}
      {finding.remedy ? (
        <>
          <p>
            <strong>Remedy.</strong> {finding.remedy.text}
          </p>
          {finding.remedy.record ? <RecordBlock record={finding.remedy.record} /> : null}
        </>
      ) : null}
    </div>
  );
}

function RecordBlock({ record }: { record: DnsRecord }) {
  return <Code label={`Record to publish: ${record.type}`} text={zoneLine(record)} />;
}
