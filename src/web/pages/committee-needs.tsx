import type { Child } from "hono/jsx";
import { Badge, EmptyState, Fold, Section, Time, type Tone } from "../components.tsx";
import { changeAnchor, EGRESS_PATH, memberPath, PROVIDERS_PATH } from "../paths.ts";
import type { CommitteeOverview } from "../view.ts";
import { formatCount } from "../words.ts";
import { MEASURE_WORDS, Subject } from "./measures.tsx";
import { mailWords } from "./pause-mail.tsx";

type Need = { key: string; tone: Tone; badge: string; head: Child; at: number; said: Child; todo?: Child };

const AT_ONCE = 6;

/** The first thing that the committee reads: what waits for a person, the gravest first. */
export function Needs({ view }: { view: CommitteeOverview }) {
  const needs = [
    ...ofEgress(view),
    ...ofCodes(view),
    ...ofCases(view),
    ...ofPauses(view),
    ...ofProviders(view),
    ...ofApplications(view),
    ...ofMeasures(view),
  ];
  return (
    <Section
      id="waiting"
      title="Needs a person now"
      intro={
        needs.length === 0
          ? undefined
          : `${formatCount(needs.length)} ${needs.length === 1 ? "thing" : "things"}, the gravest first.`
      }
    >
      {needs.length === 0 ? (
        <EmptyState title="Nothing waits for a decision">
          No case, no application, no pause, every address in use, and no provider asks for anything.
        </EmptyState>
      ) : (
        <NeedList needs={needs.slice(0, AT_ONCE)} />
      )}
      {needs.length > AT_ONCE ? (
        <Fold id="more-needs" summary={`${formatCount(needs.length - AT_ONCE)} more`}>
          <NeedList needs={needs.slice(AT_ONCE)} />
        </Fold>
      ) : null}
    </Section>
  );
}

function NeedList({ needs }: { needs: Need[] }) {
  return (
    <ul class="needs">
      {needs.map(({ key, tone, badge, head, at, said, todo }) => (
        <li class={tone} data-key={key}>
          <p class="need-head">
            <Badge tone={tone}>{badge}</Badge>
            {head}
            <span class="soft small">
              since <Time at={at} />
            </span>
          </p>
          <p class="need-said">{said}</p>
          {todo === undefined ? null : <p class="need-do">{todo}</p>}
        </li>
      ))}
    </ul>
  );
}

function ofEgress({ egress }: CommitteeOverview): Need[] {
  const addresses = egress?.addresses ?? [];
  const out = addresses.filter((one) => one.out !== undefined);
  if (out.length === 0) return [];
  const since = Math.min(...out.map((one) => one.out!.since));
  const none = out.length === addresses.length;
  const codes = out.some((one) => one.out!.codes);
  const byHand = out.every((one) => one.out!.reason === "by-hand");
  const ways = <a href={EGRESS_PATH}>Where mail leaves from</a>;
  return [
    {
      key: "egress",
      tone: none ? "bad" : "warn",
      badge: none ? (codes ? "Only login codes leave" : "No mail leaves") : "Address out of use",
      head: ways,
      at: since,
      said: out
        .map(({ address, out: { why } = { why: "" } }) =>
          why.includes(address) ? why : `${address}: ${why}`,
        )
        .join("; "),
      todo: none
        ? "Every sending address is out of use: mail waits up to five days, and new mail is answered 451. Mend the cause above, or add an address (ATMOS_EGRESS_ADDRESSES)."
        : `Mail leaves from the other addresses. ${byHand ? "Let it back when that is over: atmos egress resume." : "Mend the cause before they follow."}`,
    },
  ];
}

function ofCodes({ lateCodes }: CommitteeOverview): Need[] {
  return lateCodes.map(({ provider, since, known, slow, waiting, longestMs }) => ({
    key: `codes ${provider}`,
    tone: "bad",
    badge: "Login codes late",
    head: provider === "other" ? "several mail hosts" : provider,
    at: since,
    said: `${formatCount(slow)} of ${formatCount(known)} codes of several members took longer than five minutes, ${formatCount(waiting)} wait; the longest ${formatCount(Math.round(longestMs / 60_000))} minutes.`,
    todo: (
      <>
        What the provider says: <code>atmos shaping measures</code> and{" "}
        <code>atmos queue list --state deferred</code>
      </>
    ),
  }));
}

function ofCases({ cases }: CommitteeOverview): Need[] {
  return cases.map(({ id, did, domain, change, title, words, openedAt, dueAt, isOverdue }) => ({
    key: `case ${id}`,
    tone: isOverdue ? "bad" : "warn",
    badge: isOverdue ? `Case ${id}, overdue` : `Case ${id}`,
    head: <a href={memberPath(did)}>{domain}</a>,
    at: openedAt,
    said: `${title}${words === "" ? "" : ` It says: ${words}`}`,
    todo: (
      <>
        {isOverdue ? "It was due " : "Due "}
        <Time at={dueAt} />:{" "}
        {change === null ? null : (
          <>
            <a href={`${memberPath(did)}#${changeAnchor(change)}`}>the values that decided</a>,{" "}
          </>
        )}
        <code>atmos case show {id}</code>, then <code>atmos case decide {id}</code>
      </>
    ),
  }));
}

function ofPauses({ pauses }: CommitteeOverview): Need[] {
  return pauses.map((pause) => {
    const of = pause.credentialName === null ? "the member" : `credential ${pause.credentialName}`;
    const held = pause.held === null ? "" : ` ${formatCount(pause.held)} wait.`;
    const told = pause.mails.paused ? mailWords(pause.mails.paused) : "not told by mail";
    return {
      key: `pause ${pause.id}`,
      tone: "warn",
      badge: "Paused",
      head: <a href={memberPath(pause.did)}>{pause.domain}</a>,
      at: pause.at,
      said: `Of ${of}: ${pause.by === null ? pause.title : `${pause.by}: ${pause.reason}`}.${held} The member: ${told}.`,
    };
  });
}

/** A login that was taken back mends itself for nobody; figures that are late are looked at before they are needed. */
function ofProviders({ providers }: CommitteeOverview): Need[] {
  return providers
    .filter(({ state }) => state === "broken" || state === "late")
    .map(({ provider, state, since, why }) => ({
      key: `provider ${provider}`,
      tone: "warn",
      badge: state === "broken" ? "Connection broken" : "Figures late",
      head: <a href={PROVIDERS_PATH}>{provider === "gmail" ? "Gmail Postmaster Tools" : "Microsoft SNDS"}</a>,
      at: since ?? 0,
      said: `${why || "No look has worked for two days"}.`,
      todo:
        state === "broken" ? (
          <>
            Nothing comes until somebody runs <code>atmos provider connect {provider}</code>
          </>
        ) : undefined,
    }));
}

function ofApplications({ applications }: CommitteeOverview): Need[] {
  return applications.map((one) => ({
    key: `application ${one.id}`,
    tone: "note",
    badge: "Wants to join",
    head: <a href={memberPath(one.did)}>{one.name}</a>,
    at: one.appliedAt,
    said: `${one.domains.join(", ")}${one.daily === null ? "" : `, ${formatCount(one.daily)} a day`}. ${one.purpose}`,
  }));
}

/** Those for which there is something to do. */
function ofMeasures({ measures }: CommitteeOverview): Need[] {
  return measures
    .filter((one) => one.advice !== null)
    .map((one) => ({
      key: `measure ${one.kind} ${one.provider} ${one.subject}`,
      tone: MEASURE_WORDS[one.kind].tone,
      badge: MEASURE_WORDS[one.kind].name,
      head: (
        <span>
          <strong>{one.providerName}</strong>, <Subject one={one} />, until <Time at={one.until} />
        </span>
      ),
      at: one.since,
      said: one.why,
      todo: one.advice,
    }));
}
