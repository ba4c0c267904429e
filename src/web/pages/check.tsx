import { Badge, Code, DataTable, EmptyState, Section, Time } from "../components.tsx";
import { checkPath, CHECK_PATH, labelPath } from "../paths.ts";
import type { CheckAnswer } from "../view.ts";
import { FindingView } from "./member-domains.tsx";

/** Public: anybody's mail domain, looked at now. */
export function CheckPage({ answer, url }: { answer: CheckAnswer | null; url: string }) {
  return (
    <>
      <div class="page-head">
        <h1>Check a mail domain</h1>
        <p class="lede">
          What the DNS says about its mail: control, MX, SPF, DKIM, DMARC and more, and the exact record that
          mends what is wrong. It needs no account.
        </p>
      </div>
      <form action={CHECK_PATH} method="get">
        <label for="domain">Domain</label>{" "}
        <input
          id="domain"
          name="domain"
          value={answer === null ? "" : answer.status === "no-domain" ? answer.asked : answer.domain}
          placeholder="example.org"
          maxlength={253}
          autocapitalize="none"
          spellcheck={false}
          required
        />{" "}
        <button type="submit">Check</button>
      </form>
      {answer === null ? null : <Answer answer={answer} url={url} />}
    </>
  );
}

function Answer({ answer, url }: { answer: CheckAnswer; url: string }) {
  switch (answer.status) {
    case "no-domain":
      return (
        <EmptyState title="That is no domain name">
          Write it like example.org, without http:// and @.
        </EmptyState>
      );
    case "too-many":
      return <EmptyState title="Too many checks from your address">Come again in a minute.</EmptyState>;
    case "busy":
      return <EmptyState title="Too many domains are being looked at">Come again in a minute.</EmptyState>;
    case "checked": {
      const faults = answer.findings.filter((finding) => finding.outcome !== "pass");
      const passes = answer.findings.filter((finding) => finding.outcome === "pass");
      return (
        <>
          <Section id="result" title={answer.domain} intro={<Verdict answer={answer} />}>
            {faults.map((finding) => (
              <FindingView finding={finding} open />
            ))}
            {passes.length === 0 ? null : (
              <details id="passes" open={faults.length === 0}>
                <summary>What is as it should be</summary>
                {passes.map((finding) => (
                  <FindingView finding={finding} />
                ))}
              </details>
            )}
          </Section>
          <Requirements rows={answer.requirements} />
          <Share domain={answer.domain} url={url} />
        </>
      );
    }
  }
}

/** The address of a result looks again whenever it is opened; an answer is kept for a minute. */
function Share({ domain, url }: { domain: string; url: string }) {
  return (
    <Section
      id="share"
      title="Share it"
      intro="Whoever opens this address sees the domain as it is at that time. Nothing of it is kept here."
    >
      <Code label="Address of this result" text={new URL(checkPath(domain), url).href} />
      <form action={CHECK_PATH} method="get">
        <input type="hidden" name="domain" value={domain} />
        <button type="submit">Look again</button>
      </form>
    </Section>
  );
}

const PROVIDERS = { gmail: "Gmail", yahoo: "Yahoo", microsoft: "Microsoft" } as const;

function Requirements({ rows }: { rows: Checked["requirements"] }) {
  const needs = [...Map.groupBy(rows, (row) => row.need)];
  return (
    <Section
      id="requirements"
      title="What large providers ask"
      intro="As far as the DNS shows it. The rate of complaints, which they also judge, is not in the DNS."
    >
      <DataTable
        caption="Requirements of senders"
        hideCaption
        columns={[{ label: "Requirement" }, ...Object.values(PROVIDERS).map((label) => ({ label }))]}
        rows={needs.map(([need, of]) => ({
          key: need,
          cells: [
            need,
            ...Object.keys(PROVIDERS).map((provider) => {
              const found = of.find((row) => row.provider === provider);
              return found === undefined ? null : <Met status={found.status} />;
            }),
          ],
        }))}
      />
    </Section>
  );
}

function Met({ status }: { status: Checked["requirements"][number]["status"] }) {
  if (status === "unknown") return <Badge tone="idle">not known</Badge>;
  return status === "pass" ? <Badge tone="ok">met</Badge> : <Badge tone="bad">not met</Badge>;
}

type Checked = Extract<CheckAnswer, { status: "checked" }>;

function Verdict({ answer }: { answer: Checked }) {
  return (
    <>
      {answer.summary === "verified" ? (
        <Badge tone="ok">As it should be</Badge>
      ) : answer.summary === "broken" ? (
        <Badge tone="bad">Needs mending</Badge>
      ) : (
        <Badge tone="warn">The DNS gave no answer</Badge>
      )}{" "}
      {answer.attested === null ? (
        "It has no attestation."
      ) : (
        <>
          Compared with its <a href={labelPath(answer.attested)}>attestation</a>.
        </>
      )}{" "}
      Looked at on <Time at={answer.at} />.
    </>
  );
}
