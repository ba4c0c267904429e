import type { EgressNotice, EgressStatus, Listing, ProviderStatus } from "../../egress/index.ts";
import {
  Badge,
  Breadcrumb,
  DataTable,
  EmptyState,
  Fold,
  pageOf,
  Pages,
  Section,
  Time,
  type Tone,
} from "../components.tsx";
import { COMMITTEE_PATH, EGRESS_PATH } from "../paths.ts";
import { PlanChart } from "../plan-chart.tsx";
import type { EgressView } from "../view.ts";
import { formatCount } from "../words.ts";

/** Where mail leaves from, in a few lines: what is out of use, and the providers that are fullest. */
export function EgressAtAGlance({ view: { addresses, plan } }: { view: EgressView }) {
  const providers = byProvider(addresses);
  return (
    <Section
      id="egress"
      title="Where mail leaves from"
      intro={
        <>
          {useWords(addresses)} <a href={EGRESS_PATH}>Addresses, stages and plan</a>
        </>
      }
    >
      <ul class="plain">
        {addresses.map((one) => (
          <li data-key={one.address || "system"} class="need-head">
            <Badge tone={one.out ? "bad" : "ok"}>
              {one.out ? (one.out.codes ? "Login codes only" : "Out of use") : "In use"}
            </Badge>
            <strong>{one.address || "The system's choice"}</strong>
            <span class="soft small">{one.out?.why ?? one.ehlo}</span>
          </li>
        ))}
      </ul>
      <ProviderTable providers={providers.slice(0, FULLEST)} caption="Today, the fullest providers first" />
      <p class="soft">{planWords(plan)}</p>
    </Section>
  );
}

/** All of it, on a page of its own: each address, each provider with what each address may, and the next days. */
export function EgressPage({ view, asked }: { view: EgressView; asked: number }) {
  const { addresses, notices, plan } = view;
  const { items, page, pages } = pageOf(byProvider(addresses), asked, PAGE);
  return (
    <>
      <div class="page-head">
        <Breadcrumb items={[{ href: COMMITTEE_PATH, text: "Committee" }]} current="Where mail leaves from" />
        <h1>Where mail leaves from</h1>
        <p class="lede">{useWords(addresses)}</p>
      </div>
      <Section id="addresses" title="Addresses" intro="What is seen of them from outside." wide>
        <Addresses addresses={addresses} />
      </Section>
      <Section
        id="warm-up"
        title="Warm-up by provider"
        intro="Messages sent today of those that may be, over all addresses. Open one for each of its addresses. Days end at midnight UTC."
        wide
      >
        {items.length === 0 ? (
          <EmptyState title="Nothing has left yet">
            The stages of each address appear with its first message to a provider.
          </EmptyState>
        ) : (
          items.map((one) => (
            <Fold
              id={`provider-${one.provider}`}
              summary={
                <>
                  <strong>{one.provider}</strong> {usedWords(one)}
                  <span class="soft">{stageWords(one)}</span>
                  {one.paused > 0 ? <Badge tone="warn">Paused</Badge> : null}
                </>
              }
            >
              <Stages lanes={one.lanes} provider={one.provider} />
            </Fold>
          ))
        )}
        <Pages page={page} pages={pages} href={(n) => `${EGRESS_PATH}?page=${n}#warm-up`} />
      </Section>
      <Section id="plan" title={`The next ${plan.days.length} days`} wide>
        <Plan plan={plan} />
      </Section>
      {notices.length === 0 ? null : (
        <Section id="notices" title="What happened to them" wide>
          <Notices notices={notices} />
        </Section>
      )}
    </>
  );
}

const FULLEST = 6;
const PAGE = 25;

type Lane = { one: EgressStatus; at: ProviderStatus };
type ByProvider = {
  provider: string;
  lanes: Lane[];
  used: number;
  /** Of the addresses that have one; undefined: one has no limit. */
  allowance: number | undefined;
  paused: number;
  /** The least far. */
  least: ProviderStatus;
};

/** What is paused comes first, then what is nearest to the end of its day. */
function byProvider(addresses: EgressStatus[]): ByProvider[] {
  const lanes = addresses.flatMap((one) => one.providers.map((at) => ({ one, at })));
  const all = [...Map.groupBy(lanes, ({ at }) => at.provider)].map(([provider, some]): ByProvider => {
    const open = some.some(({ at }) => at.allowance === undefined);
    return {
      provider,
      lanes: some,
      used: some.reduce((sum, { at }) => sum + at.usedToday, 0),
      allowance: open ? undefined : some.reduce((sum, { at }) => sum + at.allowance!, 0),
      paused: some.filter(({ at }) => at.pausedUntil !== undefined).length,
      least: some.map(({ at }) => at).reduce((a, b) => (b.stages - b.stage > a.stages - a.stage ? b : a)),
    };
  });
  const fullness = ({ used, allowance }: ByProvider) => (allowance === undefined ? 0 : used / allowance);
  return all.toSorted(
    (a, b) =>
      Number(b.paused > 0) - Number(a.paused > 0) ||
      fullness(b) - fullness(a) ||
      b.used - a.used ||
      a.provider.localeCompare(b.provider),
  );
}

const usedWords = ({ used, allowance }: ByProvider): string =>
  allowance === undefined ? formatCount(used) : `${formatCount(used)} of ${formatCount(allowance)}`;

function stageWords({ least: { stage, stages }, lanes }: ByProvider): string {
  const from = lanes.length === 1 ? "" : `, ${lanes.length} addresses`;
  return stage >= stages ? `warm${from}` : `stage ${stage + 1} of ${stages}${from}`;
}

function ProviderTable({ providers, caption }: { providers: ByProvider[]; caption: string }) {
  if (providers.length === 0) return null;
  return (
    <DataTable
      caption={caption}
      narrow
      columns={[{ label: "Provider" }, { label: "Sent", numeric: true }, { label: "Least far" }]}
      rows={providers.map((one) => ({
        key: one.provider,
        cells: [
          one.provider,
          usedWords(one),
          <>
            {stageWords({ ...one, lanes: one.lanes.slice(0, 1) })}
            {one.paused > 0 ? <Badge tone="warn">Paused</Badge> : null}
          </>,
        ],
      }))}
    />
  );
}

function useWords(addresses: EgressStatus[]): string {
  const out = addresses.filter((one) => one.out !== undefined).length;
  if (out === 0) return `${count(addresses.length, "address")}, all in use.`;
  return `${out} of ${count(addresses.length, "address")} ${out === 1 ? "is" : "are"} out of use.`;
}

function Addresses({ addresses }: { addresses: EgressStatus[] }) {
  return (
    <DataTable
      caption="Addresses, and what is seen of them from outside"
      hideCaption
      columns={[{ label: "Address" }, { label: "Use" }, { label: "Reverse DNS" }, { label: "Blocklists" }]}
      rows={addresses.map((one) => ({
        key: one.address || "system",
        cells: [
          <>
            {one.address || "The system's choice"} <span class="beneath">{one.ehlo}</span>
          </>,
          <Use one={one} />,
          <Reverse one={one} />,
          <Listings listings={one.listings} />,
        ],
      }))}
    />
  );
}

function Use({ one: { out, warm, address } }: { one: EgressStatus }) {
  if (out === undefined) {
    return (
      <>
        <Badge tone="ok">In use</Badge>
        <span class="beneath">
          {address === ""
            ? "no address is named: nothing is watched"
            : warm
              ? "warm, as it was set"
              : "warming up"}
        </span>
      </>
    );
  }
  return (
    <>
      <Badge tone="bad">{out.codes ? "Login codes only" : "Out of use"}</Badge>
      <span class="beneath">
        {out.why}, since <Time at={out.since} />
      </span>
    </>
  );
}

function Reverse({ one: { reverse } }: { one: EgressStatus }) {
  if (!reverse) return <Badge>Not seen yet</Badge>;
  return (
    <>
      <Badge tone={reverse.problem === undefined ? "ok" : "warn"}>
        {reverse.problem === undefined ? "There and back" : "To be mended"}
      </Badge>
      <span class="beneath">{reverse.problem ?? reverse.names.join(", ")}</span>
    </>
  );
}

function Listings({ listings }: { listings: Listing[] }) {
  if (listings.length === 0) return <Badge>None asked</Badge>;
  const listed = listings.filter((one) => one.listed !== undefined);
  const clear = listings.filter((one) => one.state === "clear" && one.listed === undefined);
  const mute = listings.filter((one) => one.listed === undefined && one.state !== "clear");
  const [tone, words]: [Tone, string] =
    listed.length > 0
      ? ["bad", `On ${listed.length} of ${listings.length}`]
      : clear.length === 0
        ? ["note", "None answers"]
        : ["ok", mute.length === 0 ? "On none" : `On none of ${clear.length} that answer`];
  const at = Math.max(...listings.map(({ checkedAt }) => checkedAt));
  return (
    <>
      <Badge tone={tone}>{words}</Badge>
      {listed.map(({ list, listed: entry, evidence, state }) => (
        <span class="beneath">
          {list}: {entry!.codes.join(", ")} {entry!.text}
          {state === "listed" ? "" : ` (now ${state === "clear" ? "clear, seen once" : evidence})`}
        </span>
      ))}
      {mute.map(({ list, evidence }) => (
        <span class="beneath">
          {list} says nothing: {evidence}
        </span>
      ))}
      <span class="beneath">
        asked on <Time at={at} />
      </span>
    </>
  );
}

function Stages({ lanes, provider }: { lanes: Lane[]; provider: string }) {
  return (
    <DataTable
      caption={`Addresses at ${provider}`}
      hideCaption
      columns={[
        { label: "From" },
        { label: "Stage", numeric: true },
        { label: "Today", numeric: true },
        { label: "Of these" },
        { label: "Why" },
      ]}
      rows={lanes.map(({ one, at }) => ({
        key: `${at.provider} ${one.address}`,
        cells: stageCells(one, at),
      }))}
    />
  );
}

function stageCells(one: EgressStatus, at: ProviderStatus) {
  const { stage, stages, allowance, usedToday, today, pausedUntil, why } = at;
  return [
    one.address || "the system's choice",
    stage >= stages ? "warm" : `${stage + 1} of ${stages}`,
    allowance === undefined
      ? formatCount(usedToday)
      : `${formatCount(usedToday)} of ${formatCount(allowance)}`,
    outcomes(today),
    pausedUntil === undefined ? (
      (why ?? null)
    ) : (
      <>
        paused until <Time at={pausedUntil} />: {why}
      </>
    ),
  ];
}

function outcomes({ delivered, deferred, blocked, complaint }: ProviderStatus["today"]): string {
  const bad: [number, string][] = [
    [deferred, "put off"],
    [blocked, "refused for the address"],
    [complaint, "complained about"],
  ];
  const words = bad.flatMap(([n, what]) => (n === 0 ? [] : [`${formatCount(n)} ${what}`]));
  return [`${formatCount(delivered)} arrived`, ...words].join(", ");
}

const CHANGE_WORDS: Record<EgressNotice["change"], { tone: Tone; name: string }> = {
  listed: { tone: "bad", name: "Listed" },
  delisted: { tone: "ok", name: "Not listed any more" },
  unbound: { tone: "bad", name: "Not bound here" },
  bound: { tone: "ok", name: "Bound again" },
  held: { tone: "warn", name: "Paused by a person" },
  released: { tone: "ok", name: "Resumed" },
  "stepped-back": { tone: "warn", name: "Stepped back" },
  "none-left": { tone: "bad", name: "All out of use" },
  "some-left": { tone: "ok", name: "In use again" },
};

function Notices({ notices }: { notices: EgressNotice[] }) {
  return (
    <DataTable
      caption="What happened to them, the newest first"
      hideCaption
      columns={[{ label: "Address" }, { label: "What" }, { label: "Why" }, { label: "When" }]}
      rows={notices.map(({ address, change, why, at }) => ({
        key: `${address} ${change} ${at}`,
        cells: [
          address || "All addresses",
          <Badge tone={CHANGE_WORDS[change].tone}>{CHANGE_WORDS[change].name}</Badge>,
          why,
          <Time at={at} />,
        ],
      }))}
    />
  );
}

function planWords({ perDay, clearFrom }: EgressView["plan"]): string {
  const refused = "What would wait is not taken in: it is answered 451 and comes again.";
  const said =
    clearFrom === null
      ? `some of it waits to the end: more addresses are needed, or less mail. ${refused}`
      : clearFrom === 1
        ? "nothing has to wait for warm-up."
        : `from day ${clearFrom} on nothing has to wait. ${refused}`;
  return `With ${formatCount(perDay)} messages a day, the mean of the last week, and no trouble: ${said}`;
}

function Plan({ plan }: { plan: EgressView["plan"] }) {
  const { days, clearFrom } = plan;
  return (
    <>
      <p class="soft">
        {planWords(plan)} <code>atmos warmup plan</code> answers other questions.
      </p>
      <PlanChart
        days={days}
        title={`Messages that leave and that wait in the next ${days.length} days`}
        height={clearFrom === 1 ? FLAT_HEIGHT : PLAN_HEIGHT}
      />
    </>
  );
}

/** A plot of days that are all the same needs no height. */
const FLAT_HEIGHT = 120;
const PLAN_HEIGHT = 220;

function count(n: number, noun: string): string {
  return `${formatCount(n)} ${noun}${n === 1 ? "" : "es"}`;
}
