import { Badge, Code, DataTable, EmptyState, KeyValue, Links, Section, Time } from "../components.tsx";
import { ALLOWLIST_PATH, allowlistEntryPath, allowlistSettingsPath, labelPath } from "../paths.ts";
import type { AllowlistView, ListedView, ListingView } from "../view-allowlist.ts";
import { formatCount, formatSize } from "../words.ts";
import { LabelBadges } from "./parts.tsx";

/** What a code of the list means. */
export const CODE_WORDS: Record<string, string> = {
  "127.0.6.1": "a verified member",
  "127.0.6.2": "a verified member, clean for long",
  "127.0.3.1": "an address of the pool, behind which many members are",
};

/** Public: the list as a whole, and the ways into it. */
export function AllowlistPage({ view }: { view: AllowlistView }) {
  return (
    <>
      <div class="page-head">
        <h1>The allowlist</h1>
        <p class="lede">
          Any mail server can ask, by DNS, whether the domain that signed a mail belongs to a verified member
          in good standing. Each entry can be proved from signed records.
        </p>
      </div>
      <Search asked="" />
      <List view={view} />
      <Ask view={view} />
      <Section
        id="settings"
        title="In your mail server"
        intro="Settings with this list's names, each with what it trusts and what it must not."
      >
        <Links
          links={view.settings.map(
            ({ name, title, asks }) => [allowlistSettingsPath(name), title, asks] as const,
          )}
        />
      </Section>
      <Section
        id="mail"
        title="A mail that you have"
        intro="Which member signed it, and what vouches for that."
      >
        <p>
          <a href={`${ALLOWLIST_PATH}/mail`}>Paste its header</a>
        </p>
      </Section>
    </>
  );
}

function Search({ asked }: { asked: string }) {
  return (
    <form action={`${ALLOWLIST_PATH}/entry`} method="get">
      <label for="of">Domain, account or address</label>{" "}
      <input
        id="of"
        name="of"
        value={asked}
        placeholder="alder.example"
        maxlength={2048}
        autocapitalize="none"
        spellcheck={false}
        required
      />{" "}
      <button type="submit">Look up</button>
    </form>
  );
}

function List({ view }: { view: AllowlistView }) {
  const { published } = view;
  return (
    <Section
      id="list"
      title="The list now"
      intro="Every change is published within a second, and believed for five minutes at most."
    >
      {published === null ? (
        <EmptyState title="Nothing has been published yet">Come again in a minute.</EmptyState>
      ) : (
        <>
          <KeyValue
            items={[
              ["Name", <code>{view.zone}</code>],
              ["Domains", formatCount(view.domains)],
              ["Addresses", formatCount(view.addresses)],
              ["Serial", <code>{String(published.serial)}</code>],
              ["Published", <Time at={published.at} />],
              ["Snapshot", <code>{published.id}</code>],
              ["Signed by", <code>{published.key}</code>],
            ]}
          />
          <Links
            links={[
              [
                `${ALLOWLIST_PATH}/snapshot.json`,
                "Snapshot",
                `Every entry with its signed labels, ${formatSize(published.bytes)} of JSON.`,
              ],
              [
                `${ALLOWLIST_PATH}/maps/dkim-domains.map`,
                "Domains",
                "One a line, for programs that fetch lists.",
              ],
              [`${ALLOWLIST_PATH}/maps/addresses.map`, "Addresses", "One a line."],
              [`${ALLOWLIST_PATH}/zones/${view.zone}.zone`, "Zone file", "For Knot, NSD, BIND and PowerDNS."],
              [`${ALLOWLIST_PATH}/zones/${view.zone}.rbldnsd`, "rbldnsd file", "A combined data set."],
            ]}
          />
        </>
      )}
    </Section>
  );
}

function Ask({ view }: { view: AllowlistView }) {
  if (view.example === null) return null;
  const { domain, answer } = view.example;
  const dig = ["dig", view.digServer, "+short", `${domain}.dwl.${view.zone}`, "A"].filter((word) => word);
  return (
    <Section
      id="ask"
      title="Ask it"
      intro="Count the answer only for a domain whose DKIM signature your own server has verified, and only these codes."
    >
      <Code label={`Is ${domain} listed?`} text={dig.join(" ")} />
      <p>
        The answer <code>{answer}</code> says: {CODE_WORDS[answer] ?? "listed"}.
      </p>
      <Code
        label="Is every entry proved?"
        text={`atmos allowlist verify ${view.url}${ALLOWLIST_PATH}/snapshot.json`}
      />
    </Section>
  );
}

const CHANGE_WORDS = {
  added: "listed",
  changed: "listed otherwise",
  removed: "not listed any more",
} as const;

/** Public: what is known of one domain, account or address. Why an entry ended is nobody's to read here. */
export function AllowlistEntryPage({ view }: { view: ListingView }) {
  const { subject } = view;
  return (
    <>
      <div class="page-head">
        <h1>{subject?.name ?? "The allowlist"}</h1>
        <p class="lede">
          {subject === null ? (
            "That is no domain, no account (a DID) and no address."
          ) : view.listed.length > 0 ? (
            <Badge tone="ok">Listed</Badge>
          ) : (
            <Badge>Not listed</Badge>
          )}
        </p>
      </div>
      <Search asked={view.asked} />
      {view.listed.map((entry) => (
        <Entry entry={entry} zone={view.zone} />
      ))}
      {subject !== null && view.listed.length === 0 ? <NotListed view={view} /> : null}
      {subject === null ? null : <History view={view} />}
    </>
  );
}

function Entry({ entry, zone }: { entry: ListedView; zone: string }) {
  const { proof } = entry;
  return (
    <Section id={`entry-${entry.name}`} title={entry.name} intro={<>In {zone}.</>}>
      <KeyValue
        items={[
          [
            "Answer",
            <>
              <code>{entry.code}</code>: {CODE_WORDS[entry.code] ?? "listed"}
            </>,
          ],
          [
            "Account",
            <a href={labelPath(entry.did)}>
              <code>{entry.did}</code>
            </a>,
          ],
          ...(entry.host === null
            ? []
            : [["Its name", <code>{entry.host}</code>] as [string, ReturnType<typeof Time>]]),
        ]}
      />
      {proof === null ? (
        <p>Its name leads back to it, and SPF of the domain that names it lets it send.</p>
      ) : (
        <>
          <KeyValue
            items={[
              ["Labels", <LabelBadges values={proof.labels} />],
              ["Since", <Time at={proof.since} />],
              [
                "Record",
                <a href={labelPath(proof.uri)}>
                  <code>{proof.uri}</code>
                </a>,
              ],
              ["Version", <code>{proof.cid}</code>],
              [
                "Checks",
                proof.checks.length === 0
                  ? "none yet"
                  : proof.checks.map(([name, status]) => `${name} ${status}`).join(", "),
              ],
            ]}
          />
          <p>
            <a href={labelPath(entry.name)}>What these labels rest on</a>
          </p>
        </>
      )}
    </Section>
  );
}

function NotListed({ view }: { view: ListingView }) {
  return (
    <Section id="not-listed" title="Not listed">
      {view.never === null ? (
        <EmptyState title="No entry stands here now">
          A list of the good says nothing of who is not in it: most of the world's mail is not. Is it yours?
          It is listed while its attestation is verified and its account is a member. Log in and look at your
          domain, or join.
        </EmptyState>
      ) : (
        <EmptyState title="It can never be listed">This name is left out because {view.never}.</EmptyState>
      )}
    </Section>
  );
}

function History({ view }: { view: ListingView }) {
  const several = view.subject?.kind === "account";
  return (
    <Section
      id="history"
      title="How it came there"
      intro="Of the last year. Only when, not why: the reasons are between the member and its cooperative."
    >
      {view.changes.length === 0 ? (
        <EmptyState title="Nothing has happened here in the last year" />
      ) : (
        <DataTable
          caption="Changes"
          hideCaption
          columns={[
            { label: "When" },
            ...(several ? [{ label: "Name" }] : []),
            { label: "Change" },
            { label: "Answer" },
            { label: "Serial" },
          ]}
          rows={view.changes.map((change) => ({
            key: `${change.serial} ${change.name}`,
            cells: [
              <Time at={change.at} />,
              ...(several ? [<a href={allowlistEntryPath(change.name)}>{change.name}</a>] : []),
              CHANGE_WORDS[change.change],
              <code>{change.code}</code>,
              <code>{String(change.serial)}</code>,
            ],
          }))}
        />
      )}
    </Section>
  );
}
