import type { Child } from "hono/jsx";
import { Badge, Code, Fold, Section } from "../components.tsx";
import type { DomainReportsView } from "../report-view.ts";
import { zoneLine } from "./zone-line.ts";

/** What a domain publishes so that reports come. */
export function PublishReports({ view, isKnown }: { view: DomainReportsView; isKnown: boolean }) {
  const { publish, authorisation, domain } = view;
  return (
    <Section
      id="publish"
      title={isKnown ? "Where reports come from" : "So that reports come"}
      intro="Reports are sent where your own DNS asks for them."
    >
      <DmarcPart view={view} />
      <h3>Reports on TLS</h3>
      <p>
        Servers that deliver to you send them where <code>_smtp._tls.{domain}</code> says. If you have that
        record already, put the address behind yours, with a comma; two records are as good as none.
      </p>
      <Code text={zoneLine(publish.tls)} label="Record to publish: TXT" />
      <Fold id="authorisation" summary="The record of the pool that lets them come">
        <p>
          The pool publishes it, and you have nothing to do. Where it is missing, providers send no reports
          here.
        </p>
        <Code text={zoneLine(authorisation)} label="Record of the pool: TXT" />
      </Fold>
    </Section>
  );
}

/** Some receivers send reports to no more than two addresses (RFC 7489, 6.2). */
const SURE_ADDRESSES = 2;

function DmarcPart({ view }: { view: DomainReportsView }) {
  const { domain, publish } = view;
  const { dmarc: advice, rua } = publish;
  const name = `_dmarc.${domain}`;
  const text = (value: string, label: string) => (
    <Code text={zoneLine({ name, type: "TXT", value })} label={label} />
  );
  const tag = (
    <>
      <p>
        What has to be in it. If there is a <code>rua</code> already, put the address behind the others, with
        a comma, and change nothing else:
      </p>
      <Code text={rua} label="Tag to add" />
    </>
  );
  switch (advice.status) {
    case "done":
      return (
        <>
          <p>
            <Badge tone="ok">Published</Badge> <code>_dmarc.{advice.at ?? domain}</code> asks for reports to
            the pool. You have nothing to do.
          </p>
          <Code text={advice.present} label="Your record" />
        </>
      );
    case "replace":
      return (
        <>
          <p>
            <Badge tone="warn">To add</Badge> Your record <code>{name}</code> does not name the pool. Publish
            this in its place: it is yours, with one more address for reports. What receivers do with your
            mail stays as it is.
          </p>
          {text(advice.value, "Record to publish in place of yours: TXT")}
          {advice.canonical === undefined ? null : (
            <p>
              The name is a CNAME: change the record where it stands, at <code>{advice.canonical}</code>, or
              with who runs that for you.
            </p>
          )}
          {advice.addresses <= SURE_ADDRESSES ? null : (
            <p>
              It names {advice.addresses} addresses. Some receivers send to the first two alone: put the
              pool's in front if it gets nothing.
            </p>
          )}
          <Present>{advice.present}</Present>
        </>
      );
    case "inherited":
      return (
        <>
          <p>
            <Badge tone="warn">To add</Badge> Your domain has no record of its own. That of{" "}
            <code>{advice.at}</code> speaks for it, and asks for <code>p={advice.wanted}</code>. Publish this
            as your own: it asks for the same, with the pool among the addresses for reports.
          </p>
          {text(advice.value, "Record to publish: TXT")}
          <Present of={advice.at}>{advice.present}</Present>
        </>
      );
    case "new":
      return (
        <>
          <p>
            <Badge tone="warn">To add</Badge> There is no record <code>{name}</code> yet. This one asks for
            reports and for nothing else: with <code>p=none</code> receivers treat mail that pretends to be
            yours as they do now.
          </p>
          {text(advice.value, "Record to publish: TXT")}
        </>
      );
    case "several":
      return (
        <>
          <p>
            <Badge tone="bad">Broken</Badge> <code>{name}</code> has {advice.present.length} DMARC records,
            and receivers then go by none of them. Keep the one that you mean, take the others away, and look
            here again.
          </p>
          {advice.present.slice(0, MOST_PRESENT).map((present, i) => (
            <Code text={present} label={`Record ${i + 1}`} />
          ))}
          {tag}
        </>
      );
    case "broken":
      return (
        <>
          <p>
            <Badge tone="bad">Broken</Badge> The record <code>_dmarc.{advice.at ?? domain}</code> cannot be
            used: {advice.why}. Mend it first, and look here again. Nothing is proposed in its place, since
            your policy cannot be read from it.
          </p>
          <Code text={advice.present} label="What stands there" />
          {tag}
        </>
      );
    case "unknown":
      return (
        <>
          <p>
            <Badge tone="idle">Not known</Badge> The DNS did not say what your record <code>{name}</code> is (
            {advice.why}). Look here again before you change it.
          </p>
          {tag}
        </>
      );
  }
}

const MOST_PRESENT = 5;

function Present({ of, children }: { of?: string; children: Child }) {
  return (
    <Fold id="present" summary={of === undefined ? "Your record as it is" : `The record of ${of}`}>
      <pre>
        <code>{children}</code>
      </pre>
    </Fold>
  );
}
