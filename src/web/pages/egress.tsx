import type { EgressNotice, EgressStatus, Listing, ProviderStatus } from "../../egress/index.ts";
import { Badge, DataTable, EmptyState, Section, Time, type Tone } from "../components.tsx";
import { PlanChart } from "../plan-chart.tsx";
import type { EgressView } from "../view.ts";
import { formatCount } from "../words.ts";

/** Where mail leaves from: each address, how far it is with each provider, and what the next days bring. */
export function EgressSection({ view: { addresses, notices, plan } }: { view: EgressView }) {
  const out = addresses.filter((one) => one.out !== undefined).length;
  return (
    <Section
      id="egress"
      title="Where mail leaves from"
      wide
      intro={
        out === 0
          ? `${count(addresses.length, "address")}, all in use. Days end at midnight UTC.`
          : `${out} of ${count(addresses.length, "address")} ${out === 1 ? "is" : "are"} out of use. Days end at midnight UTC.`
      }
    >
      <Addresses addresses={addresses} />
      <Stages addresses={addresses} />
      <Notices notices={notices} />
      <Plan plan={plan} />
    </Section>
  );
}

function Addresses({ addresses }: { addresses: EgressStatus[] }) {
  return (
    <DataTable
      caption="Addresses, and what is seen of them from outside"
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

function Stages({ addresses }: { addresses: EgressStatus[] }) {
  const all = addresses.flatMap((one) => one.providers.map((at) => ({ one, at })));
  const rows = all.toSorted((a, b) => weight(b.at) - weight(a.at)).slice(0, MOST_ROWS);
  if (rows.length === 0) {
    return (
      <EmptyState title="Nothing has left yet">
        The stages of each address appear with its first message to a provider.
      </EmptyState>
    );
  }
  return (
    <DataTable
      caption={
        all.length > rows.length
          ? `Warm-up: the ${rows.length} of ${all.length} pairs of address and provider with most mail; atmos egress show has all`
          : "Warm-up: each address with each provider"
      }
      columns={[
        { label: "Provider" },
        { label: "Stage", numeric: true },
        { label: "Today", numeric: true },
        { label: "Of these" },
        { label: "Why" },
      ]}
      rows={rows
        .toSorted((a, b) => a.at.provider.localeCompare(b.at.provider))
        .map(({ one, at }) => ({ key: `${at.provider} ${one.address}`, cells: stageCells(one, at) }))}
    />
  );
}

const MOST_ROWS = 30;

/** What is paused comes before what is busy. */
function weight({ pausedUntil, usedToday }: ProviderStatus): number {
  return (pausedUntil === undefined ? 0 : 1e9) + usedToday;
}

function stageCells(one: EgressStatus, at: ProviderStatus) {
  const { provider, stage, stages, allowance, usedToday, today, pausedUntil, why } = at;
  return [
    <>
      {provider} <span class="beneath">from {one.address || "the system's choice"}</span>
    </>,
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
};

function Notices({ notices }: { notices: EgressNotice[] }) {
  if (notices.length === 0) return null;
  return (
    <DataTable
      caption="What happened to them, the newest first"
      columns={[{ label: "Address" }, { label: "What" }, { label: "Why" }, { label: "When" }]}
      rows={notices.map(({ address, change, why, at }) => ({
        key: `${address} ${change} ${at}`,
        cells: [
          address,
          <Badge tone={CHANGE_WORDS[change].tone}>{CHANGE_WORDS[change].name}</Badge>,
          why,
          <Time at={at} />,
        ],
      }))}
    />
  );
}

function Plan({ plan: { perDay, days, clearFrom } }: { plan: EgressView["plan"] }) {
  const refused = "What would wait is not taken in: it is answered 451 and comes again.";
  const said =
    clearFrom === null
      ? `some of it waits to the end: more addresses are needed, or less mail. ${refused}`
      : clearFrom === 1
        ? "nothing has to wait for warm-up."
        : `from day ${clearFrom} on nothing has to wait. ${refused}`;
  return (
    <>
      <h3>The next {days.length} days</h3>
      <p class="soft">
        With {formatCount(perDay)} messages a day, the mean of the last week, and no trouble: {said}{" "}
        <code>atmos warmup plan</code> answers other questions.
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
