import type { Between } from "../../timing/index.ts";
import { Badge, DataTable, EmptyState, Figures, Fold, Section, Time } from "../components.tsx";
import { messagePath, messagesPath, providersPath } from "../paths.ts";
import { PeriodChart } from "../period-chart.tsx";
import type { DeliveryView, LateTime, PortalRole, ProviderDelivery, Took } from "../view.ts";
import { formatCount, formatDate } from "../words.ts";
import { PortalHead } from "./portal-parts.tsx";

const SERIES = ["Delivered", "Put off", "Bounced"];

/** What became of a member's mail at each provider over time, and how long a login code takes. */
export function DeliveryPage({ view, role }: { view: DeliveryView; role: PortalRole }) {
  const { did, providers, since } = view;
  return (
    <>
      <PortalHead
        frame={view}
        current="delivery"
        title="Delivery"
        role={role}
        lede="What each provider did with your mail in the last thirty days, and how long it took from your server's hand to theirs."
      />
      <Codes view={view} />
      {providers.length === 0 ? (
        <Section id="providers" title="By provider">
          <EmptyState title="Nothing yet">
            No provider was asked to take mail of yours in these days.
          </EmptyState>
        </Section>
      ) : (
        providers.map((provider) => <Provider did={did} since={since} provider={provider} />)
      )}
    </>
  );
}

function Codes({ view }: { view: DeliveryView }) {
  const { codes, did, asOf, since } = view;
  return (
    <Section
      id="codes"
      title="How long a login code takes"
      intro="Counted is what somebody waits for: mail to one person that is not bulk, or that was handed in as a login code. The clock runs from its hand-in to the remote server's 250; how long a provider then takes to show it, nobody can see."
    >
      {codes.slow
        .filter(({ until }) => until === null)
        .map((one) => (
          <Late time={one} />
        ))}
      {codes.n === 0 ? (
        <EmptyState title="None yet">No login code was delivered in these days.</EmptyState>
      ) : (
        <>
          <Figures items={tookFigures(codes)} />
          <p>
            <a href={`${messagesPath(did)}?state=delivered&stream=transactional&since=${day(since)}`}>
              {formatCount(codes.n)} delivered
            </a>{" "}
            since {formatDate(since)}.
          </p>
        </>
      )}
      {codes.late.length === 0 ? (
        <p>In the last 24 hours none took or waited longer than five minutes.</p>
      ) : (
        <>
          <h3>Longer than five minutes in the last 24 hours</h3>
          <ul>
            {codes.late.map(({ message, provider, handedIn, doneAt }) => (
              <li>
                <a href={messagePath(did, message)}>
                  <Time at={handedIn} />
                </a>{" "}
                {provider}: {minutes((doneAt ?? asOf) - handedIn)}
                {doneAt === null ? ", and waits" : ""}
              </li>
            ))}
          </ul>
        </>
      )}
      <Past times={codes.slow.filter(({ until }) => until !== null)} />
    </Section>
  );
}

function Late({ time }: { time: LateTime }) {
  const { isPools, provider, since, known, slow, waiting, longestMs } = time;
  return (
    <p>
      <Badge tone="warn">Late now</Badge> Since <Time at={since} />, {formatCount(slow)} of{" "}
      {formatCount(known)} {isPools ? "login codes of several members" : "login codes"} for {provider} take
      longer than five minutes
      {waiting === 0 ? "" : `, ${formatCount(waiting)} still ${waiting === 1 ? "waits" : "wait"}`}; the
      longest {minutes(longestMs)}. Tell people at your log-in, and let a code live longer. You are told when
      it is over.
    </p>
  );
}

function Past({ times }: { times: LateTime[] }) {
  if (times.length === 0) return null;
  return (
    <Fold id="late-times" summary="Times in which codes were late">
      <ul>
        {times.map(({ provider, since, until, longestMs }) => (
          <li>
            {provider}, <Time at={since} /> to <Time at={until!} />, the longest {minutes(longestMs)}
          </li>
        ))}
      </ul>
    </Fold>
  );
}

function Provider({ did, since, provider }: { did: string; since: number; provider: ProviderDelivery }) {
  const { id, name, delivered, deferred, bounced, took, days } = provider;
  const log = (state: string) =>
    `${messagesPath(did)}?${new URLSearchParams({ provider: id, state, since: day(since) })}`;
  const periods = days.map((one) => ({
    at: one.at,
    known: true,
    parts: [one.delivered, one.deferred, one.bounced],
  }));
  return (
    <Section id={`provider-${id}`} title={name}>
      <p>
        <a href={log("delivered")}>{formatCount(delivered)} delivered</a>, {formatCount(deferred)}{" "}
        {deferred === 1 ? "attempt" : "attempts"} put off,{" "}
        <a href={log("bounced")}>{formatCount(bounced)} bounced</a>.{" "}
        {took.half === null || took.most === null
          ? ""
          : `Half were taken ${within(took.half)}, 19 of 20 ${within(took.most)}.`}
      </p>
      <PeriodChart title={`${name} by day`} by="day" series={SERIES} periods={periods} height={150} />
      <Fold id={`table-${id}`} summary="The same as a table">
        <DataTable
          caption={`${name} by day`}
          hideCaption
          narrow
          columns={[{ label: "Day" }, ...SERIES.map((label) => ({ label, numeric: true }))]}
          rows={days
            .filter((one) => one.delivered + one.deferred + one.bounced > 0)
            .map((one) => ({
              key: String(one.at),
              cells: [
                <Time at={one.at} dateOnly />,
                formatCount(one.delivered),
                formatCount(one.deferred),
                formatCount(one.bounced),
              ],
            }))}
        />
      </Fold>
      <p class="soft">
        What the provider itself says of you, where it says anything, is under{" "}
        <a href={providersPath(did)}>Providers</a>.
      </p>
    </Section>
  );
}

function tookFigures({ half, most, slowest }: Took) {
  return [
    { label: "Half", value: half === null ? "-" : within(half) },
    { label: "19 of 20", value: most === null ? "-" : within(most) },
    { label: "The slowest", value: slowest === null ? "-" : within(slowest) },
  ];
}

/** `within 5 s`, `within 10 min`, `after more than a day`: the upper end of what is counted together. */
function within({ to }: Between): string {
  if (to === null) return "after more than a day";
  if (to < 120) return `within ${to} s`;
  return to < 7_200 ? `within ${Math.round(to / 60)} min` : `within ${Math.round(to / 3_600)} h`;
}

const minutes = (ms: number) => {
  const n = Math.max(1, Math.round(ms / 60_000));
  return `${formatCount(n)} ${n === 1 ? "minute" : "minutes"}`;
};
const day = (at: number) => new Date(at).toISOString().slice(0, 10);
