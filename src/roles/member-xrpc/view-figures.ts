import type { DmarcAdvice } from "../../report/index.ts";
import type * as reportsLexicon from "../../protocol/lexicon/community/email/getReports.ts";
import type * as providersLexicon from "../../protocol/lexicon/community/email/getProviderData.ts";
import type { DomainReportsView, ProviderSubject, ReportedSource, Reporter } from "../../web/index.ts";
import { datetime } from "../xrpc-view.ts";
import { present } from "./view-parts.ts";

const KINDS = ["ours", "aligned", "unaligned"] as const;

/** What others report of a domain, in the words of its lexicon. */
export function reportsBody(view: DomainReportsView): reportsLexicon.$OutputBody {
  const { domain, by, periods, sources, pretended, reporters, tls, publish } = view;
  return {
    domain,
    by,
    periods: periods.map(({ at, known, ...counts }) => ({ at: datetime(at), isKnown: known, ...counts })),
    sources: KINDS.flatMap((kind) => sources[kind].map((source) => sourceView(kind, source))),
    pretended,
    reporters: reporters.map(reporterView),
    tls,
    publish: { ...publish, dmarc: adviceView(publish.dmarc) },
  } satisfies reportsLexicon.$OutputBody;
}

function sourceView(
  kind: (typeof KINDS)[number],
  { ip, since, until, ...counts }: ReportedSource,
): reportsLexicon.Source {
  return {
    kind,
    ...counts,
    ...present({ ip: ip === "" ? null : ip }),
    since: datetime(since),
    until: datetime(until),
  };
}

const reporterView = ({ provenBy, until, ...reporter }: Reporter): reportsLexicon.Reporter => ({
  ...reporter,
  ...present({ provenBy: provenBy === "" ? null : provenBy }),
  until: datetime(until),
});

function adviceView(advice: DmarcAdvice): reportsLexicon.Dmarc {
  return present({
    status: advice.status,
    value: "value" in advice ? advice.value : null,
    at: ("at" in advice && advice.at) || null,
    present: "present" in advice ? [advice.present].flat() : null,
    why: "why" in advice ? advice.why : null,
  });
}

/** What one provider says of one subject, in the words of its lexicon. */
export function subjectView(subject: ProviderSubject): providersLexicon.Subject {
  const { provider, kind, name, unit, days, figures, figuresOf, compliance } = subject;
  return present({
    provider,
    kind,
    name,
    unit,
    days: days.map(({ day, value, level, words }) =>
      present({ day, value: value === null ? null : decimal(value), level, words }),
    ),
    figures,
    figuresOf,
    compliance: compliance && compliance.map((line) => present(line)),
  });
}

/** XRPC has no fractions: `0.0012`, without an exponent. */
const decimal = (value: number) => value.toFixed(8).replace(/\.?0+$/, "");
