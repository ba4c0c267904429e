import { SPAM_RATE, type Level } from "../../provider-data/index.ts";
import {
  Badge,
  Breadcrumb,
  DataTable,
  EmptyState,
  Fold,
  KeyValue,
  Section,
  Time,
  type Tone,
} from "../components.tsx";
import { DayChart } from "../day-chart.tsx";
import { COMMITTEE_PATH, memberPath } from "../paths.ts";
import type { ProviderDay, ProviderState, ProviderSubject, ProviderView } from "../provider-view.ts";
import { MemberNav } from "./member-nav.tsx";

const PROVIDER_NAMES: Record<ProviderSubject["provider"], string> = {
  gmail: "Gmail",
  microsoft: "Microsoft",
  yahoo: "Yahoo",
  blocklists: "Blocklists",
};

const ABOUT: Record<ProviderSubject["provider"], string> = {
  gmail:
    "From Postmaster Tools: what share of mail people reported as spam. Keep below 0.1\u00a0%; never reach 0.3\u00a0%: from there on Gmail may refuse mail. It comes one to three days late, and not at all for days with little mail.",
  microsoft:
    "From SNDS, for each address: its filter's verdict (green, yellow, red) and complaints. Days with little mail have none.",
  yahoo:
    "Counted by us: complaints that came from Yahoo's complaint feed against mail delivered there. Yahoo's Insights cannot be fetched by a program.",
  blocklists: "Our own watch of the addresses that mail leaves from: the worst of each day.",
};

const ORDER = ["gmail", "microsoft", "yahoo", "blocklists"] as const;

/** What mailbox providers and blocklists say of us, day by day. */
export function ProvidersPage({ view, forCommittee }: { view: ProviderView; forCommittee: boolean }) {
  const { member, subjects } = view;
  const trail = [
    ...(forCommittee ? [{ href: COMMITTEE_PATH, text: "Committee" }] : []),
    ...(member ? [{ href: memberPath(member.did), text: member.domain }] : []),
  ];
  const some = ORDER.filter((provider) => subjects.some((one) => one.provider === provider));
  return (
    <>
      <div class="page-head">
        <Breadcrumb items={trail} current="What providers say" />
        {member ? <MemberNav did={member.did} current="providers" /> : null}
        <h1>What providers say</h1>
        <p class="lede">
          The last 30 days{member ? ` of ${member.domain}` : ""}. A dashed box is a day of which nobody said
          anything: that is no zero.
        </p>
      </div>
      {view.connections === null ? null : <Connections states={view.connections} />}
      {some.length === 0 ? (
        <EmptyState title="There are no figures yet">
          {member
            ? "They come when the committee has connected a provider that knows one of your domains."
            : "Connect a provider: atmos provider connect gmail."}
        </EmptyState>
      ) : (
        some.map((provider) => (
          <Section id={provider} title={PROVIDER_NAMES[provider]} intro={ABOUT[provider]} wide>
            {subjects
              .filter((one) => one.provider === provider)
              .map((one) => (
                <Subject one={one} />
              ))}
          </Section>
        ))
      )}
    </>
  );
}

const STATES: Record<ProviderState["state"], { tone: Tone; name: string }> = {
  good: { tone: "ok", name: "Connected" },
  late: { tone: "warn", name: "Late" },
  broken: { tone: "bad", name: "Broken" },
  none: { tone: "idle", name: "Not connected" },
};

function Connections({ states }: { states: ProviderState[] }) {
  return (
    <Section id="connections" title="Connections" intro="Logins by which figures are fetched once a day.">
      <ul class="needs">
        {states.map((one) => (
          <li class={STATES[one.state].tone} data-key={one.provider}>
            <p class="need-head">
              <Badge tone={STATES[one.state].tone}>{STATES[one.state].name}</Badge>
              <strong>{PROVIDER_NAMES[one.provider]}</strong>
              {one.state === "broken" && one.since !== null ? (
                <span class="soft small">
                  since <Time at={one.since} />
                </span>
              ) : one.fetchedAt === null ? null : (
                <span class="soft small">
                  fetched <Time at={one.fetchedAt} />
                </span>
              )}
            </p>
            {one.why === "" ? null : <p class="need-said">{one.why}</p>}
            {one.state === "broken" || one.state === "none" ? (
              <p class="need-do">
                Run <code>atmos provider connect {one.provider}</code>
              </p>
            ) : null}
          </li>
        ))}
      </ul>
    </Section>
  );
}

const TONES: Record<Level, { tone: Tone; name: string }> = {
  ok: { tone: "ok", name: "Good" },
  warn: { tone: "warn", name: "Look at it" },
  bad: { tone: "bad", name: "Too much" },
};

function Subject({ one }: { one: ProviderSubject }) {
  const newest = one.days.findLast(({ words }) => words !== null);
  const limits = one.unit === "blocklists" || one.unit === "verdict" ? [] : [SPAM_RATE.warn, SPAM_RATE.bad];
  const unmet = one.compliance?.filter(({ status }) => status === "unmet") ?? [];
  const known = one.days.filter(({ words }) => words !== null).length;
  return (
    <div class="card">
      <p class="need-head">
        <strong>{one.name}</strong>
        {newest?.level ? <Badge tone={TONES[newest.level].tone}>{TONES[newest.level].name}</Badge> : null}
        <span class="soft small">
          {newest ? `${newest.day}: ${newest.words}` : "no figures in these 30 days"}
        </span>
      </p>
      {known === 0 ? null : <DayChart days={one.days} title={`${one.name}, ${one.unit}`} limits={limits} />}
      {unmet.length === 0 ? null : (
        <ul class="needs">
          {unmet.map(({ name, reason, remedy }) => (
            <li class="bad">
              <p class="need-head">
                <Badge tone="bad">Not met</Badge>
                <strong>{name}</strong>
                {reason === "" ? null : <span class="soft small">{reason}</span>}
              </p>
              <p class="need-do">{remedy}</p>
            </li>
          ))}
        </ul>
      )}
      {one.compliance && unmet.length === 0 ? <p class="soft">{complianceWords(one.compliance)}</p> : null}
      {known === 0 ? null : (
        <Fold id={`days-${one.provider}-${one.name.replaceAll(/[^\w-]/g, "-")}`} summary="Every day in words">
          {one.figures.length === 0 ? null : (
            <>
              <p class="soft">All figures of {one.figuresOf}</p>
              <KeyValue items={one.figures.map(({ name, value }) => [name, value])} />
            </>
          )}
          <Days days={one.days} />
        </Fold>
      )}
    </div>
  );
}

function complianceWords(lines: NonNullable<ProviderSubject["compliance"]>): string {
  const met = lines.filter(({ status }) => status === "met").length;
  if (lines.length === 0) return "Gmail has not said yet whether its requirements are met.";
  if (met === lines.length) return `All ${met} requirements for senders are met.`;
  return `${met} of ${lines.length} requirements for senders are met; of the others Gmail says nothing yet.`;
}

/** The newest first; days without figures that follow each other are one line. */
function Days({ days }: { days: readonly ProviderDay[] }) {
  const rows: { from: string; to: string; words: string | null; level: Level | null }[] = [];
  for (const { day, words, level } of days.toReversed()) {
    const last = rows.at(-1);
    if (words === null && last?.words === null) last.from = day;
    else rows.push({ from: day, to: day, words, level });
  }
  return (
    <DataTable
      caption="Figures by day"
      hideCaption
      narrow
      columns={[{ label: "Day" }, { label: "What was said" }]}
      rows={rows.map(({ from, to, words, level }) => ({
        key: to,
        cells: [
          from === to ? from : `${from} to ${to}`,
          words === null ? (
            <span class="soft">No figures</span>
          ) : (
            <>
              {level ? <Badge tone={TONES[level].tone}>{TONES[level].name}</Badge> : null} {words}
            </>
          ),
        ],
      }))}
    />
  );
}
