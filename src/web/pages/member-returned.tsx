import { Badge, EmptyState, Fold, Section, Time, type Tone } from "../components.tsx";
import { maskAddress, maskText } from "../mask.ts";
import { settingsPath } from "../paths.ts";
import type { MemberView, ReturnedMail } from "../view.ts";
import { formatCount, STATE_WORDS } from "../words.ts";

/** What the member was told of its mail: the same words as in the notice, whether it was mailed or not. */
export function Returned({ view }: { view: MemberView }) {
  return (
    <Section
      id="returned"
      title="Returned mail"
      intro="What was not delivered, or is late, as it is told to you. It stays here as long as the message does, whether it was mailed to you or not."
    >
      {view.membership === "left" ? null : (
        <p>
          Told {TOLD_WORDS[view.bounces.to]}.{" "}
          <a href={settingsPath(view.did)}>Change it, or where replies go</a>
        </p>
      )}
      {view.returned.length === 0 ? (
        <EmptyState title="Nothing came back" />
      ) : (
        <>
          <ToldList told={view.returned.slice(0, AT_ONCE)} />
          {view.returned.length > AT_ONCE ? (
            <Fold id="more-returned" summary={`${formatCount(view.returned.length - AT_ONCE)} before those`}>
              <ToldList told={view.returned.slice(AT_ONCE)} />
            </Fold>
          ) : null}
        </>
      )}
    </Section>
  );
}

const AT_ONCE = 2;
const TOLD_WORDS: Record<MemberView["bounces"]["to"], string> = {
  nobody: "only here",
  sender: "here, and to the sender of each message",
  address: "here, and to one address of yours",
};

function ToldList({ told }: { told: ReturnedMail[] }) {
  return (
    <ol class="plain mails">
      {told.map((one) => (
        <Told told={one} />
      ))}
    </ol>
  );
}

const KINDS: Record<ReturnedMail["kind"], { tone: Tone; name: string }> = {
  failed: { tone: "bad", name: "Refused" },
  expired: { tone: "bad", name: "Given up" },
  returned: { tone: "warn", name: "Given back" },
  delayed: { tone: "note", name: "Late" },
  relayed: { tone: "idle", name: "Handed over" },
  delivered: { tone: "ok", name: "Delivered" },
};

function Told({ told }: { told: ReturnedMail }) {
  const { tone, name } = KINDS[told.kind];
  return (
    <li data-key={told.id} class="stack">
      <p class="mail-head">
        <span>
          <Badge tone={tone}>{name}</Badge> {maskAddress(told.address)}
        </span>
        <span class="soft small">
          <Time at={told.at} />,{" "}
          {told.sentTo === null ? "not mailed" : `mailed to ${maskAddress(told.sentTo)}`}
          {told.kind === "delayed" ? `, now: ${STATE_WORDS[told.state].name.toLowerCase()}` : ""}
        </span>
      </p>
      <details id={`told-${told.id}`}>
        <summary>What it says</summary>
        <div class="letter stack">
          {paragraphsOf(told.text).map(({ lines, quoted }) => {
            const words = lines.map((line) => maskText(line, told.address)).join(", ");
            return quoted ? (
              <p class="quote">
                <code>{words}</code>
              </p>
            ) : (
              <p>{words}</p>
            );
          })}
        </div>
      </details>
    </li>
  );
}

/** A notice without the line ends of mail. What is indented there are somebody's words, or addresses, one on each line. */
function paragraphsOf(text: string): { lines: string[]; quoted: boolean }[] {
  return text
    .trimEnd()
    .split("\n\n")
    .map((paragraph) => {
      const lines = paragraph.split("\n").map((line) => line.trim());
      const addresses = lines.every((line) => /^\S+@\S+$/.test(line));
      return { lines: addresses ? lines : [lines.join(" ")], quoted: paragraph.startsWith("  ") };
    });
}
