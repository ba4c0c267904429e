import { Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import type { Child } from "hono/jsx";
import PostalMime from "postal-mime";
import {
  assets,
  Badge,
  Breadcrumb,
  Code,
  DataTable,
  EmptyState,
  KeyValue,
  layout,
  Section,
  Time,
  type Tone,
} from "../../web/index.ts";
import type { Verdicts } from "./authenticate.ts";
import { headersOf } from "./reports.ts";
import type { Inbox, StoredMessage, Summary } from "./store.ts";

const PAGE = 50;
const SHOWN_CHARACTERS = 200_000;
const LIVE_SECONDS = 5;

export type InboxPageOptions = {
  inbox: Inbox;
  /** Path at which the pages are mounted, such as `/mail`; empty at the root. */
  base?: string;
  /** Target of the name at the top left. */
  home?: { text: string; href: string };
  nav?: { text: string; href: string }[];
  /** A form at each message calls it spam (`POST /messages/:id/spam`, which is somebody else's). */
  canComplain?: boolean;
};

/** The web inbox: `/` (newest first, `?mailbox=`, `?before=`), `/messages/:id`, `/messages/:id/raw`, `/assets/*`. */
export function inboxPages(options: InboxPageOptions): Hono {
  const { inbox, base = "", home, nav = [], canComplain = false } = options;
  const app = new Hono();
  const brand = home ?? { text: "Sandbox mailboxes", href: `${base}/` };
  const page = (title: string, children: Child, liveSeconds?: number) =>
    layout({
      title,
      brand,
      liveSeconds,
      nav: nav.map((item) => ({ ...item, current: item.href === `${base}/` })),
      footer: <p>A mailbox provider of the sandbox. Nothing here left this machine.</p>,
      children,
    });

  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        styleSrc: ["'self'"],
        scriptSrc: ["'self'"],
        fontSrc: ["'self'"],
        imgSrc: ["'self'"],
        connectSrc: ["'self'"],
        formAction: ["'self'"],
      },
    }),
  );
  app.route("/assets", assets());

  app.get("/", (c) => {
    const mailbox = c.req.query("mailbox")?.trim().slice(0, 320) || undefined;
    const before = Number(c.req.query("before")) || undefined;
    const messages = inbox.list({ mailbox, before, limit: PAGE });
    const body = <MessageList messages={messages} mailbox={mailbox} base={base} total={inbox.count()} />;
    return c.html(page(mailbox ?? "Mailboxes", body, before ? undefined : LIVE_SECONDS));
  });
  app.get("/messages/:id{[0-9]+}", async (c) => {
    const message = inbox.get(Number(c.req.param("id")));
    if (!message) return c.html(page("Not found", <Gone base={base} />), 404);
    const parsed = await PostalMime.parse(Buffer.from(message.raw), { maxNestingDepth: 20 });
    return c.html(
      page(
        message.subject || "(no subject)",
        <MessagePage message={message} text={parsed.text} base={base} canComplain={canComplain} />,
      ),
    );
  });
  app.get("/messages/:id{[0-9]+}/raw", (c) => {
    const message = inbox.get(Number(c.req.param("id")));
    if (!message) return c.text("There is no such message.", 404);
    return c.body(new Uint8Array(message.raw), 200, { "content-type": "text/plain; charset=utf-8" });
  });
  return app;
}

function MessageList(props: {
  messages: Summary[];
  mailbox: string | undefined;
  base: string;
  total: number;
}) {
  const { messages, mailbox, base } = props;
  const last = messages.at(-1);
  return (
    <>
      <div class="page-head">
        <h1>{mailbox ? `Mail for ${mailbox}` : "What the mailbox provider received"}</h1>
        <form method="get" action={`${base}/`}>
          <label for="mailbox">Mailbox</label>{" "}
          <input
            id="mailbox"
            name="mailbox"
            type="search"
            value={mailbox ?? ""}
            placeholder="anna@bigmail.test"
          />{" "}
          <button type="submit">Show</button>
        </form>
      </div>
      {last ? (
        <DataTable
          caption={`${messages.length} of ${props.total} messages, newest first`}
          columns={["Subject", "From", "Mailbox", "When", "DKIM", "SPF", "DMARC"].map((label) => ({ label }))}
          rows={messages.map((message) => ({ key: String(message.id), cells: listCells(message, base) }))}
        />
      ) : (
        <EmptyState title="No mail yet">
          <p>Messages appear here as soon as the relay delivers them.</p>
        </EmptyState>
      )}
      {last && messages.length === PAGE ? (
        <p>
          <a
            href={`${base}/?${new URLSearchParams({ ...(mailbox ? { mailbox } : {}), before: String(last.id) })}`}
          >
            Older messages
          </a>
        </p>
      ) : null}
    </>
  );
}

function listCells(message: Summary, base: string): Child[] {
  const { verdicts } = message;
  return [
    <a href={`${base}/messages/${message.id}`}>{message.subject || "(no subject)"}</a>,
    message.headerFrom,
    <a href={`${base}/?${new URLSearchParams({ mailbox: message.mailbox })}`}>{message.mailbox}</a>,
    <Time at={message.receivedAt} />,
    <DkimBadge verdicts={verdicts} />,
    <Result word={verdicts.spf.result} />,
    <Result word={verdicts.dmarc.result} />,
  ];
}

function DkimBadge({ verdicts }: { verdicts: Verdicts }) {
  const total = verdicts.dkim.length;
  const passed = verdicts.dkim.filter((one) => one.result === "pass").length;
  if (total === 0) return <Badge tone="idle">none</Badge>;
  if (passed === total) return <Badge tone="ok">{total > 1 ? `${total} pass` : "pass"}</Badge>;
  return <Badge tone={passed > 0 ? "note" : "bad"}>{`${passed} of ${total} pass`}</Badge>;
}

/** The tone of a result of RFC 8601. */
function toneOf(result: string): Tone {
  if (result === "pass") return "ok";
  if (result === "fail" || result === "permerror") return "bad";
  return result === "none" || result === "neutral" ? "idle" : "warn";
}

function MessagePage({
  message,
  text,
  base,
  canComplain,
}: {
  message: StoredMessage;
  text: string | undefined;
  base: string;
  canComplain: boolean;
}) {
  const { verdicts } = message;
  const raw = Buffer.from(message.raw);
  return (
    <>
      <div class="page-head">
        <Breadcrumb
          items={[{ href: `${base}/`, text: "Mailboxes" }]}
          current={message.subject || "(no subject)"}
        />
        <h1>{message.subject || "(no subject)"}</h1>
        <KeyValue
          items={[
            ["From", message.headerFrom],
            ["To", message.headerTo],
            ["Received", <Time at={message.receivedAt} />],
            [
              "Mailbox",
              <a href={`${base}/?${new URLSearchParams({ mailbox: message.mailbox })}`}>{message.mailbox}</a>,
            ],
            ["Return path", message.mailFrom || "<> (null sender)"],
            ["Client", `${message.helo} [${message.client}]`],
            ["TLS", message.tls ?? <Badge tone="bad">none</Badge>],
            ...(message.note ? ([["Afterwards", message.note]] as [string, Child][]) : []),
          ]}
        />
        {canComplain ? (
          <form method="post" action={`${base}/messages/${message.id}/spam`}>
            <button type="submit">This is spam</button>
          </form>
        ) : null}
      </div>
      <Section id="authentication" title="Authentication">
        <DataTable
          caption="Every DKIM signature, SPF and DMARC"
          hideCaption
          columns={["Check", "Result", "Domain", "Detail", "Remark"].map((label) => ({ label }))}
          rows={authenticationRows(verdicts)}
        />
      </Section>
      <Section id="text" title="Text">
        {text ? (
          <Code label="Text body" text={text.slice(0, SHOWN_CHARACTERS)} />
        ) : (
          <p>This message has no text part. HTML is never rendered here; see the source below.</p>
        )}
      </Section>
      <Section id="headers" title="Headers" wide>
        <Code label="Headers" text={headersOf(raw)} />
      </Section>
      <Section id="source" title="Source" wide>
        <Code label="Source" text={raw.toString("utf8").slice(0, SHOWN_CHARACTERS)} />
        <p>
          <a href={`${base}/messages/${message.id}/raw`}>The whole source as text</a>
        </p>
      </Section>
    </>
  );
}

function Result({ word }: { word: string }) {
  return <Badge tone={toneOf(word)}>{word}</Badge>;
}

function authenticationRows({ dkim, spf, dmarc }: Verdicts): { key: string; cells: Child[] }[] {
  return [
    ...dkim.map((one, i) => ({
      key: `dkim-${i}`,
      cells: [
        "DKIM",
        <Result word={one.result} />,
        one.domain,
        `s=${one.selector} ${one.algorithm}`,
        one.comment,
      ],
    })),
    ...(dkim.length === 0
      ? [{ key: "dkim", cells: ["DKIM", <Result word="none" />, null, null, "not signed"] }]
      : []),
    { key: "spf", cells: ["SPF", <Result word={spf.result} />, spf.domain, null, spf.comment] },
    {
      key: "dmarc",
      cells: [
        "DMARC",
        <Result word={dmarc.result} />,
        dmarc.domain,
        dmarc.policy && `policy ${dmarc.policy}`,
        dmarc.comment,
      ],
    },
  ];
}

function Gone({ base }: { base: string }) {
  return (
    <EmptyState title="There is no such message">
      <p>
        The provider keeps the last 5,000. <a href={`${base}/`}>All mailboxes</a>
      </p>
    </EmptyState>
  );
}
