import { Badge, DataTable, Fold, Section, Time, type Tone } from "../components.tsx";
import { memberPath } from "../paths.ts";
import type { MeasureLine, WaitingAt } from "../view.ts";
import { formatCount } from "../words.ts";

export const MEASURE_WORDS: Record<MeasureLine["kind"], { tone: Tone; name: string }> = {
  slow: { tone: "note", name: "Slowed down" },
  pause: { tone: "warn", name: "Paused" },
  suspend: { tone: "warn", name: "Member held" },
};

/** Whom a measure is about. */
export function Subject({ one }: { one: MeasureLine }) {
  if (one.domain !== null) return <a href={memberPath(one.subject)}>{one.domain}</a>;
  return <>{one.subject || "the system's choice of address"}</>;
}

/** What providers' replies made us do, all of it. */
export function Measures({ measures }: { measures: MeasureLine[] }) {
  if (measures.length === 0) return null;
  return (
    <Section
      id="measures"
      title="Asked for by providers"
      wide
      intro={
        <>
          Each ends by itself. To end one before its time: <code>atmos shaping lift</code>.
        </>
      }
    >
      <Fold id="all-measures" summary={`${formatCount(measures.length)} in force`}>
        <DataTable
          caption="Measures in force, those that last longest first"
          hideCaption
          columns={[
            { label: "Provider" },
            { label: "What" },
            { label: "Of" },
            { label: "Until" },
            { label: "It said" },
            { label: "To do" },
          ]}
          rows={measures.map((one) => ({
            key: `${one.kind} ${one.provider} ${one.subject}`,
            cells: [
              one.providerName,
              <Badge tone={MEASURE_WORDS[one.kind].tone}>{MEASURE_WORDS[one.kind].name}</Badge>,
              <Subject one={one} />,
              <Time at={one.until} />,
              one.why,
              one.advice,
            ],
          }))}
        />
      </Fold>
    </Section>
  );
}

/** Of a member: where its mail waits, until when, because of which words, and what to do. */
export function WaitsAt({ waits }: { waits: WaitingAt[] }) {
  if (waits.length === 0) return null;
  return (
    <ul class="needs" id="waits-at">
      {waits.map((one) => (
        <li class="warn" data-key={`${one.provider} ${one.ofMember ? "member" : "pool"}`}>
          <h2>
            Your mail to {one.providerName} waits until <Time at={one.until} />
          </h2>
          <p class="need-said">{one.why}</p>
          {one.advice === null ? null : (
            <p class="need-do">
              <strong>What to do:</strong> {one.advice}
            </p>
          )}
          <p class="soft small">
            {one.ofMember
              ? "It is about your mail only. Mail to others leaves as ever, and what waits leaves by itself then."
              : "It is about the pool's addresses and not about you; the committee sees it. What waits leaves by itself then."}
          </p>
        </li>
      ))}
    </ul>
  );
}
