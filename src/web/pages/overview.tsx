import { BarChart, PoolChart } from "../charts.tsx";
import {
  Card,
  Code,
  DataTable,
  EmptyState,
  Figures,
  Fold,
  KeyValue,
  Links,
  Section,
  Time,
} from "../components.tsx";
import { ALLOWLIST_PATH, CHECK_PATH, JOIN_PATH, labelPath, RULES_PATH } from "../paths.ts";
import type { LabelledOperator, PublicLabel, PublicOverview } from "../view.ts";
import { formatCount, formatShare, formatWeekday, LABEL_WORDS } from "../words.ts";
import { LabelBadges } from "./parts.tsx";

/** The public page. It knows no standing, and no rate or volume of a named member. */
export function OverviewPage({ view }: { view: PublicOverview }) {
  return (
    <>
      <div class="page-head">
        <h1>Small mail servers that vouch for each other</h1>
        <p class="lede">
          Atmosphere Mail is a cooperative of people who run their own atproto servers. They attest their mail
          domains in public, send through one pool, and answer to each other for keeping it clean.
        </p>
        <p>
          <a href={JOIN_PATH}>Join</a> · <a href={CHECK_PATH}>Check your mail domain</a> ·{" "}
          <a href={RULES_PATH}>Read the rules</a>
        </p>
      </div>
      <What />
      <PoolNumbers view={view} />
      <Together view={view} />
      <Joining />
      <Terms />
      <Operators view={view} />
      <Allowlist view={view} />
      <RecentLabels view={view} />
    </>
  );
}

function What() {
  return (
    <Section
      id="what"
      title="What it is for"
      intro="A server with forty users sends a few login codes a day, and they often end in spam, because nobody knows it."
    >
      <ul>
        <li>
          <strong>Your codes arrive.</strong> The pool sends for your server, with your own domain and keys,
          from addresses that all members share.
        </li>
        <li>
          <strong>You see why.</strong> Each message, each answer of the other side, each rule that looked at
          it, on pages of your own.
        </li>
        <li>
          <strong>Others can check.</strong> Signed labels and a DNS list say which mail domains are sound.
          Any server may ask them, member or not.
        </li>
      </ul>
    </Section>
  );
}

function Joining() {
  return (
    <Section
      id="join"
      title="How to join"
      intro="About ten minutes of yours, and a person of the committee who looks."
    >
      <ol>
        <li>Log in with your account, at your own server. No password or key of yours stays here.</li>
        <li>Name your mail domain and publish the DNS records that the page gives you. It looks at once.</li>
        <li>Write the attestation into your own repository: a public record that the domain is yours.</li>
        <li>Say what you send and how much. A person reads that, and answers with a reason.</li>
        <li>Put the credential into your server's settings and send yourself a test.</li>
      </ol>
      <p>
        <a href={JOIN_PATH}>Begin</a>. <a href={CHECK_PATH}>Checking a domain</a> needs no account.
      </p>
    </Section>
  );
}

function Terms() {
  return (
    <Section id="terms" title="Price, leaving, and who decides">
      <KeyValue
        items={[
          [
            "What it costs",
            "The software is free and meters nothing for payment. It knows no price: what the pool's servers cost, its members share as they agree. Ask the committee with your application; no payment is taken on these pages.",
          ],
          [
            "How to leave",
            "Say so at any time, without a reason. Your domain, your DNS and your record are yours and go with you: what was published for the pool may be deleted. Credentials stop, our keys for your domain are destroyed, and the labels of membership end.",
          ],
          [
            "Who decides",
            <>
              <a href={RULES_PATH}>Rules that are the same for everybody</a>, with their numbers. What a rule
              did can be asked again: a person of the committee answers with a reason and a date, and can take
              it back.
            </>,
          ],
          [
            "What is public",
            "Sums of the whole pool and labels that say something good. How the pool sees a single member is for that member and the committee.",
          ],
        ]}
      />
      <Links
        links={[
          [RULES_PATH, "The rules", "What they look at, the numbers, what follows, and the way back."],
          [CHECK_PATH, "Check a domain", "What the DNS says about its mail, and the record that mends it."],
          ["#operators", "Labels", "Who holds one, and how to verify its signature."],
          ["#allowlist", "The allowlist", "How another mail server asks it."],
        ]}
      />
    </Section>
  );
}

function PoolNumbers({ view }: { view: PublicOverview }) {
  const { messages, delivered, deferred, bounced } = view.today;
  const settled = delivered + bounced;
  const share = (n: number) => (settled === 0 ? undefined : formatShare(n / settled));
  return (
    <Section
      id="pool"
      title="The pool today"
      intro={
        <>
          Every recipient counts once, by its latest outcome. Figures of <Time at={view.asOf} />.
        </>
      }
    >
      <Figures
        items={[
          { label: "messages today", value: formatCount(messages) },
          { label: "delivered", value: formatCount(delivered), note: share(delivered) },
          { label: "deferred, still trying", value: formatCount(deferred) },
          { label: "bounced", value: formatCount(bounced), note: share(bounced) },
          { label: "labelled operators", value: formatCount(view.operators.length) },
        ]}
      />
      <p>
        Messages are those that members handed in. <a href="#operators">Who is labelled</a>, and{" "}
        <a href="#labels">what each label rests on</a>.
      </p>
      <h3>Recipients of the last seven days</h3>
      <BarChart
        title="Recipients of the last seven days by outcome"
        series={["delivered", "deferred", "bounced"]}
        bars={view.days.map((day, i) => ({
          label: i === view.days.length - 1 ? "Today" : formatWeekday(day.day),
          parts: [day.delivered, day.deferred, day.bounced],
        }))}
      />
    </Section>
  );
}

function Together({ view }: { view: PublicOverview }) {
  const { operators, threshold } = view.together;
  const total = operators.reduce((sum, n) => sum + n, 0);
  const reaches = total >= threshold;
  return (
    <Section
      id="together"
      title="Each alone, all together"
      intro={`From about ${formatCount(threshold)} messages a day, a large provider shows a sender how it sees its mail. Below that, one sends blind.`}
    >
      {operators.length === 0 ? (
        <EmptyState title="Nobody has sent yet">
          The chart appears with the first day of mail through the pool.
        </EmptyState>
      ) : (
        <figure>
          <PoolChart values={operators} threshold={threshold} unit="a day" />
          <figcaption>
            Mean messages a day of each operator over the last week, without names.{" "}
            {reaches
              ? `Together they send ${formatCount(total)} a day, and can see and mend what they share.`
              : `Together they send ${formatCount(total)} a day, which is not there yet.`}{" "}
            Providers count only what reaches them, so each sees a part of this.
          </figcaption>
        </figure>
      )}
    </Section>
  );
}

const OPERATORS_AT_ONCE = 8;
const LABELS_AT_ONCE = 5;

function Operators({ view }: { view: PublicOverview }) {
  const { operators, labeler } = view;
  const example = operators[0];
  return (
    <Section
      id="operators"
      title="Labelled operators"
      intro="Labels are signed, public and positive. Anybody can check them without asking us."
    >
      {operators.length === 0 ? (
        <EmptyState title="No operator holds a label yet">
          A label follows when an attested domain passes every check.
        </EmptyState>
      ) : (
        <>
          <OperatorTable
            caption={`${formatCount(operators.length)} operators whose mail domains pass every check`}
            operators={operators.slice(0, OPERATORS_AT_ONCE)}
          />
          {operators.length > OPERATORS_AT_ONCE ? (
            <Fold id="more-operators" summary={`${formatCount(operators.length - OPERATORS_AT_ONCE)} more`}>
              <OperatorTable caption="The other operators" operators={operators.slice(OPERATORS_AT_ONCE)} />
            </Fold>
          ) : null}
        </>
      )}
      <h3>Check a label yourself</h3>
      <p>
        Ask the labeler, then verify the signature with the key in its DID document (
        <code>{labeler.did}</code>, verification method <code>#atproto_label</code>).
      </p>
      <Code
        label={example ? `Labels of ${example.domain}` : "Every label"}
        text={`curl "${labeler.url}/xrpc/com.atproto.label.queryLabels?uriPatterns=${example?.did ?? "*"}"`}
      />
    </Section>
  );
}

function OperatorTable({ caption, operators }: { caption: string; operators: LabelledOperator[] }) {
  return (
    <DataTable
      caption={caption}
      compact
      columns={[{ label: "Domain" }, { label: "Labels", plain: true }, { label: "Since" }]}
      rows={operators.map((operator) => ({
        key: operator.did,
        cells: [
          <a href={labelPath(operator.domain)}>{operator.domain}</a>,
          <LabelBadges values={operator.labels} />,
          <Time at={operator.since} dateOnly />,
        ],
      }))}
    />
  );
}

function Allowlist({ view }: { view: PublicOverview }) {
  const list = view.allowlist;
  return (
    <Section
      id="allowlist"
      title="The allowlist"
      intro="A DNS zone that any mail server can ask whether a DKIM domain belongs to a verified operator."
    >
      {list === null ? (
        <EmptyState title="No zone has been published yet">
          The first one follows with the first labelled domain.
        </EmptyState>
      ) : (
        <>
          <KeyValue
            items={[
              ["Zone", <code>{list.zone}</code>],
              ["Entries", formatCount(list.entries)],
              ["Serial", <code>{String(list.serial)}</code>],
              ["Published", <Time at={list.publishedAt} />],
            ]}
          />
          {list.example ? (
            <>
              <Code
                label={`Is ${list.example.domain} listed?`}
                text={["dig", list.digServer, "+short", `${list.example.domain}.${list.zone}`, "A"]
                  .filter((word) => word)
                  .join(" ")}
              />
              <p>
                The answer <code>{list.example.answer}</code> says yes. Count it only for a domain whose DKIM
                signature has passed, and filter on exact codes.{" "}
                <a href={ALLOWLIST_PATH}>Look up an entry, and settings for mail servers</a>
              </p>
            </>
          ) : null}
        </>
      )}
    </Section>
  );
}

function RecentLabels({ view }: { view: PublicOverview }) {
  return (
    <Section
      id="labels"
      title="Recent labels"
      intro="What the labeler said last, each with what it rests on."
    >
      {view.recentLabels.length === 0 ? (
        <EmptyState title="No label has been issued yet" />
      ) : (
        <>
          <LabelTable
            labels={view.recentLabels.slice(0, LABELS_AT_ONCE)}
            caption="Labels, the newest first"
          />
          {view.recentLabels.length > LABELS_AT_ONCE ? (
            <Fold
              id="more-labels"
              summary={`${formatCount(view.recentLabels.length - LABELS_AT_ONCE)} before those`}
            >
              <LabelTable labels={view.recentLabels.slice(LABELS_AT_ONCE)} caption="Labels before those" />
            </Fold>
          ) : null}
        </>
      )}
      <Card>
        <h3>What the labels say</h3>
        <KeyValue items={Object.entries(LABEL_WORDS).map(([value, words]) => [value, words])} />
      </Card>
    </Section>
  );
}

function LabelTable({ labels, caption }: { labels: PublicLabel[]; caption: string }) {
  return (
    <DataTable
      caption={caption}
      hideCaption
      compact
      columns={[
        { label: "Domain" },
        { label: "Label", plain: true },
        { label: "Issued" },
        { label: "Lapses" },
      ]}
      rows={labels.map((label) => ({
        key: `${label.uri} ${label.value} ${label.issuedAt}`,
        cells: [
          <a href={labelPath(label.uri)}>{label.domain}</a>,
          <LabelBadges values={[label.value]} />,
          <Time at={label.issuedAt} />,
          label.expiresAt === null ? null : <Time at={label.expiresAt} dateOnly />,
        ],
      }))}
    />
  );
}
