import { Badge, Breadcrumb, DataTable, EmptyState, Section, Time, type Tone } from "../components.tsx";
import { maskText } from "../mask.ts";
import { COMMITTEE_PATH, memberPath, POOL_SUPPRESSIONS_PATH, suppressionsPath } from "../paths.ts";
import type {
  MemberSuppressions,
  PoolSuppressions,
  SuppressedRecipient,
  SuppressionPage,
  SuppressionSearch,
} from "../suppression-view.ts";
import { formatCount } from "../words.ts";
import { MemberNav } from "./member-nav.tsx";

type Reason = SuppressedRecipient["reason"];

const REASONS: Record<Reason, { tone: Tone; name: string; why: (by: string) => string }> = {
  "bad-mailbox": { tone: "warn", name: "No such mailbox", why: () => "" },
  inactive: { tone: "warn", name: "Not in use", why: () => "" },
  "bad-domain": { tone: "warn", name: "No such domain", why: () => "" },
  complaint: {
    tone: "bad",
    name: "Complaint",
    why: () =>
      "Its owner reported mail of yours as spam; another complaint counts against you. Release it when its owner asked for the mail, such as a password reset.",
  },
  unsubscribe: {
    tone: "note",
    name: "Unsubscribed",
    why: () => "Its owner wants no bulk mail of yours. Release it only when its owner has subscribed anew.",
  },
  manual: { tone: "idle", name: "By hand", why: (by) => `Put on the list by ${by}.` },
  import: { tone: "idle", name: "Imported", why: (by) => `Of a list that ${by} took in.` },
};

/** The recipients to whom nothing of one member is sent, each with its way back. */
export function MemberSuppressionsPage(props: {
  view: MemberSuppressions;
  search: SuppressionSearch | null;
  forCommittee: boolean;
}) {
  const { view, search, forCommittee } = props;
  const path = suppressionsPath(view.did);
  const trail = [
    ...(forCommittee ? [{ href: COMMITTEE_PATH, text: "Committee" }] : []),
    { href: memberPath(view.did), text: view.domain },
  ];
  return (
    <>
      <div class="page-head">
        <Breadcrumb items={trail} current="Suppressed recipients" />
        <MemberNav did={view.did} current="suppressions" />
        <h1>Suppressed recipients</h1>
        <p class="lede">
          To these addresses nothing is sent, so that dead mailboxes and people who complained do not count
          against you again and again. Submissions are answered <code>550 5.1.1 [suppressed]</code>.
        </p>
      </div>
      <Search path={path} search={search} release={path} />
      <Listed view={view} path={path} release={path} none="Nobody is suppressed" />
    </>
  );
}

/** What binds every member, and how many each member has for itself. */
export function PoolSuppressionsPage(props: { view: PoolSuppressions; search: SuppressionSearch | null }) {
  const { view, search } = props;
  return (
    <>
      <div class="page-head">
        <Breadcrumb
          items={[{ href: COMMITTEE_PATH, text: "Committee" }]}
          current="Suppressed recipients of the pool"
        />
        <h1>Suppressed recipients of the pool</h1>
        <p class="lede">
          An unknown user binds the whole pool when two members met it, or one met it twice with a day
          between. It ends by itself, and a member can pass it for its own mail.
        </p>
      </div>
      <Search path={POOL_SUPPRESSIONS_PATH} search={search} release={POOL_SUPPRESSIONS_PATH} />
      <Listed
        view={view}
        path={POOL_SUPPRESSIONS_PATH}
        release={POOL_SUPPRESSIONS_PATH}
        none="Nothing binds the whole pool"
      />
      <Section
        id="members"
        title="Of members"
        intro="How many each has. Which they are stands on the member's own page."
      >
        {view.members.length === 0 ? (
          <EmptyState title="No member has any" />
        ) : (
          <DataTable
            caption="Suppressed recipients by member"
            hideCaption
            columns={[{ label: "Member" }, { label: "Recipients", numeric: true }, { label: "Why" }]}
            rows={view.members.map((member) => ({
              key: member.did,
              cells: [
                <a href={suppressionsPath(member.did)}>{member.domain}</a>,
                formatCount(member.n),
                member.reasons.map(({ reason, n }) => `${formatCount(n)} ${lower(reason)}`).join(", "),
              ],
            }))}
          />
        )}
      </Section>
    </>
  );
}

const lower = (reason: Reason) => REASONS[reason].name.toLowerCase();

function Search(props: { path: string; search: SuppressionSearch | null; release: string }) {
  const { path, search, release } = props;
  return (
    <Section
      id="search"
      title="Look for an address"
      intro="The list holds no addresses, only what is computed from them. Type one to see whether it is there."
    >
      <form method="post" action={`${path}/search`}>
        <label for="address">Address</label>
        <input
          id="address"
          type="text"
          inputmode="email"
          name="address"
          maxlength={320}
          required
          autocomplete="off"
          spellcheck={false}
          placeholder="ada@example.com"
        />
        <button type="submit">Look it up</button>
      </form>
      {search === null ? null : <Found search={search} release={release} />}
    </Section>
  );
}

function Found({ search, release }: { search: SuppressionSearch; release: string }) {
  if (search.found === "no-address")
    return (
      <p class="said" role="status">
        “{search.asked}” is not an address. It looks like <code>ada@example.com</code>.
      </p>
    );
  if (search.found === "no-key")
    return (
      <p class="said" role="status">
        Addresses cannot be looked for here: this service is not the relay, and has no key to compare them
        with. Ask the relay: <code>GET /v1/suppressions?address=…</code> with one of your credentials, or
        whoever runs the pool.
      </p>
    );
  if (search.found === "nothing")
    return (
      <p class="said" role="status">
        <Badge tone="ok">Not suppressed</Badge> Mail to {search.address} leaves as usual.
      </p>
    );
  return (
    <div role="status">
      <Entries entries={search.entries} release={release} place="found" />
    </div>
  );
}

function Listed(props: { view: SuppressionPage; path: string; release: string; none: string }) {
  const { view, path, release, none } = props;
  const all = view.counts.reduce((sum, { n }) => sum + n, 0);
  const counts = `${formatCount(all)} in force: ${view.counts.map(({ reason, n }) => `${formatCount(n)} ${lower(reason)}`).join(", ")}.`;
  return (
    <Section
      id="listed"
      title="In force"
      intro={
        all === 0
          ? "None."
          : `${counts} After a release mail goes there again within a second; an address that refuses it again is suppressed again, for longer. What was refused must be sent once more.`
      }
    >
      {view.entries.length === 0 ? (
        <EmptyState title={none}>Mail to everybody leaves as usual.</EmptyState>
      ) : (
        <Entries entries={view.entries} release={release} place="listed" />
      )}
      {view.next === null ? null : (
        <p>
          <a href={`${path}?before=${view.next}`}>Older ones</a>
        </p>
      )}
    </Section>
  );
}

function Entries(props: { entries: SuppressedRecipient[]; release: string; place: string }) {
  return (
    <ul class="plain mails">
      {props.entries.map((entry) => (
        <Entry entry={entry} release={props.release} place={props.place} />
      ))}
    </ul>
  );
}

function Entry({ entry, release, place }: { entry: SuppressedRecipient; release: string; place: string }) {
  const { tone, name, why } = REASONS[entry.reason];
  const said = why(entry.by || "somebody");
  const binds = [entry.streams === "bulk" ? "bulk mail only" : "", entry.pool ? "every member" : ""];
  const note = binds.filter(Boolean).join(", ");
  const shown = entry.address || "an address of an imported list";
  return (
    <li data-key={`${place}-${entry.id}`} class="stack">
      <p class="mail-head">
        <span>
          <Badge tone={tone}>{name}</Badge> <strong>{shown}</strong>
        </span>
        <span class="soft small">
          since <Time at={entry.since} dateOnly />,{" "}
          {entry.until === null ? (
            "until released"
          ) : (
            <>
              until <Time at={entry.until} dateOnly />
            </>
          )}
          {note ? `; ${note}` : ""}
        </span>
      </p>
      {entry.words ? <p class="quote small">{maskText(entry.words, entry.address)}</p> : null}
      {said ? <p class="soft small">{said}</p> : null}
      <form method="post" action={`${release}/${entry.id}/release`} class="decide">
        <button type="submit" aria-label={`Release ${shown}`}>
          Release
        </button>
      </form>
    </li>
  );
}
