import { Badge, Code, EmptyState, KeyValue, Section, Time } from "../components.tsx";
import { domainAnchor, reportsPath } from "../paths.ts";
import type { DnsRecord, Finding, MemberDomain } from "../view.ts";
import { OUTCOME_WORDS } from "../words.ts";
import { Keys } from "./member-keys.tsx";
import { zoneLine } from "./zone-line.ts";

/** Domains with what the last check found; each fault with the exact record that mends it. */
export function Domains({ did, domains }: { did: string; domains: MemberDomain[] }) {
  return (
    <Section
      id="domains"
      title="Domains"
      intro="What is claimed in the attestation, and what DNS and the wire say."
    >
      {domains.length === 0 ? (
        <EmptyState title="No domain is attested">
          Publish an attestation record in your repository to begin.
        </EmptyState>
      ) : (
        domains.map((domain) => <Domain did={did} domain={domain} />)
      )}
    </Section>
  );
}

function Domain({ did, domain }: { did: string; domain: MemberDomain }) {
  const faults = domain.findings.filter((finding) => finding.outcome !== "pass");
  const passes = domain.findings.filter((finding) => finding.outcome === "pass");
  return (
    <div class="stack" id={domainAnchor(domain.name)}>
      <h3 class="change-line">
        <span>{domain.name}</span>
        {domain.status === "held" ? (
          <Badge tone="bad">Held: authentication is broken</Badge>
        ) : (
          <Badge tone="ok">Active</Badge>
        )}
      </h3>
      <p>
        <a href={reportsPath(did, domain.name)}>Who sends as {domain.name}</a>
      </p>
      {domain.rotation === null ? null : <Keys rotation={domain.rotation} />}
      {faults.map((finding) => (
        <FindingView finding={finding} open />
      ))}
      <details id={`about-${domain.name}`}>
        <summary>Attestation, return path and last check</summary>
        <KeyValue
          items={[
            [
              "Attested",
              domain.attestation === null ? (
                "not yet"
              ) : (
                <>
                  <Time at={domain.attestation.at} dateOnly /> in <code>{domain.attestation.uri}</code>
                </>
              ),
            ],
            ["Return path", domain.returnPath === null ? "of the pool" : <code>{domain.returnPath}</code>],
            ["Last check", domain.checkedAt === null ? "not yet" : <Time at={domain.checkedAt} />],
          ]}
        />
      </details>
      {passes.length === 0 ? null : (
        <details id={`passes-${domain.name}`}>
          <summary>
            {passes.length} {passes.length === 1 ? "check passes" : "checks pass"}:{" "}
            {passes.map((finding) => finding.check.toUpperCase()).join(", ")}
          </summary>
          {passes.map((finding) => (
            <FindingView finding={finding} />
          ))}
        </details>
      )}
    </div>
  );
}

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
