import { Badge, EmptyState, Section } from "../components.tsx";
import { credentialsPath, domainAnchor, domainsPath } from "../paths.ts";
import type { MemberView } from "../view.ts";
import { formatCount } from "../words.ts";

/** The domains, each with the way to what is said of it. Letters of before lead to its place here. */
export function DomainsInBrief({ view: { did, domains } }: { view: MemberView }) {
  return (
    <Section
      id="domains"
      title="Domains"
      intro={<a href={domainsPath(did)}>Records, keys, adding and taking out</a>}
    >
      {domains.length === 0 ? (
        <EmptyState title="There is no domain yet">
          <a href={`${domainsPath(did)}#add`}>Add one</a>: nothing can be sent before.
        </EmptyState>
      ) : (
        <ul class="plain">
          {domains.map(({ name, status, findings, rotation }) => {
            const faults = findings.filter(({ outcome }) => outcome === "fail" || outcome === "warn").length;
            return (
              <li id={domainAnchor(name)}>
                {status === "held" ? <Badge tone="bad">Held</Badge> : <Badge tone="ok">Active</Badge>}{" "}
                <a href={`${domainsPath(did)}#${domainAnchor(name)}`}>{name}</a>{" "}
                <span class="soft small">
                  {faults === 0
                    ? "nothing to mend"
                    : `${faults} ${faults === 1 ? "check says" : "checks say"} what to mend`}
                  {rotation === null ? "" : "; its keys turn"}
                </span>
              </li>
            );
          })}
        </ul>
      )}
    </Section>
  );
}

/** How many credentials there are, and the way to them. */
export function CredentialsInBrief({ view: { did, credentials } }: { view: MemberView }) {
  const inUse = credentials.filter((one) => one.revoked === null);
  return (
    <Section
      id="credentials"
      title="Credentials"
      intro={<a href={credentialsPath(did)}>Where each was used, revoking, and new ones</a>}
    >
      {inUse.length === 0 ? (
        <EmptyState title="No credential is in use">
          <a href={`${credentialsPath(did)}#new`}>Make one</a>: without it nothing can be sent.
        </EmptyState>
      ) : (
        <p>
          {formatCount(inUse.length)} in use: {inUse.map(({ name }) => `“${name}”`).join(", ")}.
        </p>
      )}
    </Section>
  );
}
