import {
  Badge,
  Breadcrumb,
  Code,
  DataTable,
  EmptyState,
  Figures,
  Fold,
  Section,
  Time,
} from "../components.tsx";
import { COMMITTEE_PATH, memberPath } from "../paths.ts";
import type {
  DomainReportsView,
  PoolReportsView,
  Reporter,
  ReportedSource,
  SourceKind,
} from "../report-view.ts";
import { PeriodChart } from "../period-chart.tsx";
import { PublishReports } from "./report-publish.tsx";
import { formatCount, formatShare } from "../words.ts";
import { zoneLine } from "./zone-line.ts";

const KIND_WORDS: Record<SourceKind, { title: string; intro: string; none: string; series: string }> = {
  unaligned: {
    title: "Others that did not prove it",
    intro:
      "Mail with your domain in From, without your signature and from no address of your SPF record: somebody who pretends, a service of yours that nobody set up, or a forwarder or list that changed mail of yours.",
    none: "Nobody was seen doing this.",
    series: "Did not prove it",
  },
  aligned: {
    title: "Others that proved it",
    intro:
      "They hold a key of yours, stand in your SPF record, or forwarded mail of yours as it was. One that you do not know should have neither: take its key and its entry out of your DNS.",
    none: "Nobody but the pool.",
    series: "Others, proven",
  },
  ours: {
    title: "The pool",
    intro: "What left through this cooperative.",
    none: "No report has seen mail of yours from the pool yet.",
    series: "The pool",
  },
};
const MOST_SHOWN = 15;

/** Who sends as a domain, as receivers report it. */
export function DomainReportsPage(props: { view: DomainReportsView; forCommittee: boolean }) {
  const { view, forCommittee } = props;
  const isKnown = view.periods.some(({ known }) => known);
  const trail = [
    ...(forCommittee ? [{ href: COMMITTEE_PATH, text: "Committee" }] : []),
    { href: memberPath(view.did), text: "Member" },
  ];
  return (
    <>
      <div class="page-head">
        <Breadcrumb items={trail} current={`Who sends as ${view.domain}`} />
        <h1>Who sends as {view.domain}</h1>
        <p class="lede">
          Mail providers report by DMARC what came in with your domain in From. It is their word, and nothing
          here counts for or against you.
        </p>
      </div>
      {isKnown ? (
        <>
          <Result view={view} />
          <Section
            id="periods"
            title={view.by === "day" ? "Day by day" : "Week by week"}
            intro={`${SPANS[view.by]}. A dashed box is a ${view.by} that nobody reported about, which is not a ${view.by} without mail.`}
          >
            <PeriodChart
              title={`Messages as ${view.domain} by ${view.by}`}
              by={view.by}
              series={SERIES.map((kind) => KIND_WORDS[kind].series)}
              periods={view.periods.map(({ at, known, ...counts }) => ({
                at,
                known,
                parts: SERIES.map((kind) => counts[kind]),
              }))}
            />
          </Section>
          <SourceList kind="unaligned" found={view.sources.unaligned} />
          <SourceList kind="aligned" found={view.sources.aligned} />
          <SourceList kind="ours" found={view.sources.ours} />
        </>
      ) : (
        <Section id="result" title="Now" intro="The last thirteen weeks.">
          <EmptyState title="No DMARC report has come yet">
            See below what to publish. Most providers report once a day, and the first report comes within
            two.
          </EmptyState>
        </Section>
      )}
      <Tls tls={view.tls} />
      {view.reporters.length === 0 ? null : <Reporters reporters={view.reporters} />}
      <PublishReports view={view} isKnown={isKnown} />
    </>
  );
}

const SPANS = { day: "Fourteen days", week: "Thirteen weeks" } as const;
const SERIES = ["ours", "aligned", "unaligned"] as const;

function Result({ view }: { view: DomainReportsView }) {
  const { pretended, domain } = view;
  const { messages, stopped } = pretended;
  const all = view.periods.reduce((sum, one) => sum + one.ours + one.aligned + one.unaligned, 0);
  const ours = view.sources.ours.reduce((sum, one) => sum + one.messages, 0);
  return (
    <Section
      id="result"
      title="Now"
      intro={`${formatCount(all)} messages were reported in ${SPANS[view.by].toLowerCase()}.`}
    >
      {messages === 0 ? (
        <p>
          <Badge tone="ok">All proven</Badge> Every message that said it was from {domain} proved it.
        </p>
      ) : (
        <>
          <p>
            <Badge tone="warn">To look at</Badge>{" "}
            <strong>
              {formatCount(messages)} {messages === 1 ? "message" : "messages"} said they were from {domain}{" "}
              and did not prove it.
            </strong>{" "}
            {stoppedWords(messages, stopped)}
          </p>
          <ol>
            <li>
              Look at the addresses below. Is one a service of yours, such as a newsletter, a shop or a
              monitor? Send through the pool, or publish the DKIM key that the service gives you.
            </li>
            <li>A mailing list or a forwarder changes mail on its way: nothing is to be done.</li>
            <li>
              Nobody of yours is left? Then the rest pretends. Set <code>p=quarantine</code>, a few weeks
              later <code>p=reject</code>, and receivers stop it.
            </li>
          </ol>
        </>
      )}
      <Figures
        items={[
          { label: "From the pool", value: formatCount(ours), note: shareOf(ours, all) },
          {
            label: "From others, proven",
            value: formatCount(all - ours - messages),
            note: shareOf(all - ours - messages, all),
          },
          { label: "From others, not proven", value: formatCount(messages), note: shareOf(messages, all) },
        ]}
      />
    </Section>
  );
}

const shareOf = (part: number, all: number) => (all === 0 ? "" : formatShare(part / all));

function stoppedWords(messages: number, stopped: number): string {
  if (stopped === 0) return "Receivers delivered them all the same, as your policy asks.";
  if (stopped >= messages) return "Receivers refused them or put them with the spam.";
  return `Receivers refused ${formatCount(stopped)} of them or put them with the spam, and delivered the others.`;
}

function SourceList({ kind, found }: { kind: SourceKind; found: ReportedSource[] }) {
  const { title, intro, none } = KIND_WORDS[kind];
  const [shown, rest] = [found.slice(0, MOST_SHOWN), found.slice(MOST_SHOWN)];
  return (
    <Section id={kind} title={title} intro={intro}>
      {found.length === 0 ? <p class="soft">{none}</p> : <SourceTable title={title} found={shown} />}
      {rest.length === 0 ? null : (
        <Fold
          id={`more-${kind}`}
          summary={`${formatCount(rest.length)} more ${rest.length === 1 ? "address" : "addresses"}`}
        >
          <SourceTable title={`${title}, the others`} found={rest} />
        </Fold>
      )}
    </Section>
  );
}

function SourceTable({ title, found }: { title: string; found: ReportedSource[] }) {
  return (
    <DataTable
      caption={title}
      hideCaption
      compact
      columns={[
        { label: "Address" },
        { label: "Messages", numeric: true },
        { label: "Proven", numeric: true },
        { label: "Stopped", numeric: true },
        { label: "Seen", plain: true },
      ]}
      rows={found.map(({ ip, messages, aligned, quarantined, rejected, since, until }) => ({
        key: ip || "others",
        cells: [
          ip === "" ? "Addresses that are not told apart" : <code>{ip}</code>,
          formatCount(messages),
          formatCount(aligned),
          formatCount(quarantined + rejected),
          <span class="soft">
            <Time at={since} dateOnly />
            {until === since ? null : (
              <>
                {" "}
                to <Time at={until} dateOnly />
              </>
            )}
          </span>,
        ],
      }))}
    />
  );
}

const TLS_WORDS: Record<string, string> = {
  "starttls-not-supported": "The server offered no STARTTLS",
  "certificate-host-mismatch": "The certificate names another host",
  "certificate-expired": "The certificate had expired",
  "certificate-not-trusted": "The certificate is of nobody they trust",
  "validation-failure": "The certificate or its policy did not hold",
  "tlsa-invalid": "The TLSA record does not fit the certificate",
  "dnssec-invalid": "DNSSEC did not validate",
  "dane-required": "They want DANE, and there is none",
  "sts-policy-fetch-error": "The MTA-STS policy could not be fetched",
  "sts-policy-invalid": "The MTA-STS policy could not be read",
  "sts-webpki-invalid": "The host of the MTA-STS policy has no good certificate",
  other: "Another reason",
};

function Tls({ tls: { succeeded, failed, failures } }: { tls: DomainReportsView["tls"] }) {
  if (succeeded + failed === 0) return null;
  return (
    <Section
      id="tls"
      title="Mail to you over TLS"
      intro="What servers that deliver to your domain say of their connections."
    >
      <p>
        {failed === 0 ? (
          <>
            <Badge tone="ok">All encrypted</Badge> {formatCount(succeeded)} sessions, none failed.
          </>
        ) : (
          <>
            <Badge tone="warn">{formatCount(failed)} failed</Badge> {formatCount(failed)} of{" "}
            {formatCount(succeeded + failed)} sessions failed. Where you ask for TLS by MTA-STS or DANE, that
            mail waits or is returned.
          </>
        )}
      </p>
      {failures.length === 0 ? null : (
        <DataTable
          caption="Why TLS failed"
          hideCaption
          narrow
          columns={[{ label: "Why" }, { label: "Sessions", numeric: true }]}
          rows={failures.map(({ failure, sessions }) => ({
            key: failure,
            cells: [TLS_WORDS[failure] ?? failure, formatCount(sessions)],
          }))}
        />
      )}
    </Section>
  );
}

function Reporters({ reporters }: { reporters: Reporter[] }) {
  return (
    <Section
      id="reporters"
      title="Who reported"
      intro="A report is what its sender claims. One whose sender neither SPF, DKIM nor DMARC proves is listed, and counts in nothing above."
    >
      <DataTable
        caption="Who reported"
        hideCaption
        compact
        columns={[
          { label: "Reporter" },
          { label: "Sent by" },
          { label: "Reports", numeric: true },
          { label: "Messages or sessions", numeric: true },
          { label: "Last day" },
        ]}
        rows={reporters.map(({ organization, provenBy, kind, reports, messages, until }) => ({
          key: `${kind} ${organization} ${provenBy}`,
          cells: [
            `${organization || "Nobody is named"}${kind === "tls" ? ", on TLS" : ""}`,
            proofOf(provenBy),
            formatCount(reports),
            formatCount(messages),
            <Time at={until} dateOnly />,
          ],
        }))}
      />
    </Section>
  );
}

function proofOf(provenBy: string) {
  if (provenBy === "") return <Badge tone="note">Unverified</Badge>;
  return provenBy === "import" ? "imported" : <code>{provenBy}</code>;
}

/** What was reported of all members together. */
export function PoolReportsPage({ view }: { view: PoolReportsView }) {
  const { reports, unverified, messages, aligned, sessions, failed, domains, known, days } = view;
  return (
    <>
      <div class="page-head">
        <Breadcrumb items={[{ href: COMMITTEE_PATH, text: "Committee" }]} current="Reports" />
        <h1>What others report</h1>
        <p class="lede">
          Totals of {days} days, over all members. Who sends as a domain stands on its member's page.
        </p>
      </div>
      <Section id="dmarc" title="DMARC" intro="Mail with a member's domain in From, as receivers saw it.">
        <Figures
          items={[
            { label: "Reports", value: formatCount(reports) },
            { label: "Messages", value: formatCount(messages) },
            {
              label: "Not proven",
              value: formatCount(messages - aligned),
              note: shareOf(messages - aligned, messages),
            },
            {
              label: "Domains reported about",
              value: formatCount(known),
              note: `of ${formatCount(domains)}`,
            },
          ]}
        />
      </Section>
      <Section id="tls" title="TLS" intro="Sessions of servers that deliver to members' domains.">
        <Figures
          items={[
            { label: "Sessions", value: formatCount(sessions) },
            { label: "Failed", value: formatCount(failed), note: shareOf(failed, sessions) },
          ]}
        />
      </Section>
      <Section id="unverified" title="Not counted" intro="Reports of whose sender nothing is proven.">
        <p>{unverified === 0 ? "None." : `${formatCount(unverified)}, listed on the members' pages.`}</p>
      </Section>
      <Section
        id="publish"
        title="So that reports come"
        intro="Reporters ask whether the pool takes reports about others."
      >
        <Code text={zoneLine(view.authorisation)} label="Record to publish: TXT" />
      </Section>
    </>
  );
}
