import { Badge, EmptyState, Fold, Section, Time, type Tone } from "../components.tsx";
import { maskAddress, maskText } from "../mask.ts";
import { bouncesPath, repliesPath } from "../paths.ts";
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
        <Fold id="told-where" summary={`Told ${TOLD_WORDS[view.bounces.to]}. Change it, or where replies go`}>
          <Choice view={view} />
          <Replies view={view} />
        </Fold>
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

/** People answer return paths: some mail programs show them as the sender. */
function Replies({ view: { did, replies } }: { view: MemberView }) {
  return (
    <form method="post" action={repliesPath(did)} class="decide">
      <label for="replies">Replies of people to the return path are sent on to</label>
      <input
        id="replies"
        type="email"
        name="address"
        value={replies ?? ""}
        maxlength={320}
        placeholder="nobody: they are refused, with words that say so"
      />
      <button type="submit">Save</button>
    </form>
  );
}

function Choice({ view: { did, bounces } }: { view: MemberView }) {
  const address = bounces.to === "address" ? bounces.address : "";
  return (
    <form method="post" action={bouncesPath(did)} class="decide options">
      <fieldset>
        <legend>Where it is told</legend>
        <label>
          <input type="radio" name="to" value="nobody" checked={bounces.to === "nobody"} /> Only here
        </label>
        <label>
          <input type="radio" name="to" value="sender" checked={bounces.to === "sender"} /> Here, and by mail
          to the sender of each message
        </label>
        <label>
          <input type="radio" name="to" value="address" checked={bounces.to === "address"} /> Here, and by
          mail to one address of yours
        </label>
        <input
          type="email"
          name="address"
          value={address}
          maxlength={320}
          placeholder="postmaster@your.domain"
          aria-label="Your address"
        />
      </fieldset>
      <p class="soft small">
        The address must be at one of your verified domains, or the contact that you were admitted with.
      </p>
      <button type="submit">Save</button>
    </form>
  );
}
