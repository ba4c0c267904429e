import { Badge, Code, DataTable, EmptyState, Fold, KeyValue, Section, Time } from "../components.tsx";
import {
  domainAnchor,
  domainKeysPath,
  domainRemovalPath,
  domainsPath,
  JOIN_PATH,
  reportsPath,
} from "../paths.ts";
import type { DomainsView, PortalDomain, PortalRole } from "../view-portal.ts";
import { FindingView } from "./member-domains.tsx";
import { Keys } from "./member-keys.tsx";
import { Field, PortalForm, PortalHead, whyNot } from "./portal-parts.tsx";
import { isProved, RecordView } from "./record-view.tsx";
import { zoneLine } from "./zone-line.ts";

/** A member's domains: what was found, what to publish, its keys, and adding and taking out. */
export function DomainsPage({ view, role }: { view: DomainsView; role: PortalRole }) {
  const why = whyNot(role, view);
  return (
    <>
      <PortalHead
        frame={view}
        current="domains"
        title="Domains"
        role={role}
        lede="What the mail of your people is sent from: what the DNS and the wire say of each, what to publish, and its keys."
      />
      {view.domains.length === 0 ? (
        <EmptyState title="There is no domain yet">Nothing can be sent before one is added.</EmptyState>
      ) : (
        view.domains.map((domain) => <Domain did={view.did} domain={domain} why={why} />)
      )}
      <Add view={view} why={why} />
    </>
  );
}

function Domain({ did, domain, why }: { did: string; domain: PortalDomain; why: string | null }) {
  const { name, findings, checkedAt } = domain;
  const faults = findings.filter((finding) => finding.outcome !== "pass");
  const passes = findings.filter((finding) => finding.outcome === "pass");
  return (
    <Section
      id={domainAnchor(name)}
      title={name}
      intro={
        <>
          <StatusBadge domain={domain} /> <br />
          <a href={reportsPath(did, name)}>Who sends as {name}</a>
        </>
      }
    >
      {faults.map((finding) => (
        <FindingView finding={finding} open />
      ))}
      <KeyValue
        items={[
          ["Added", <Time at={domain.addedAt} dateOnly />],
          ["Last check", checkedAt === null ? "not yet" : <Time at={checkedAt} />],
          [
            "Attested",
            domain.attestation === null ? (
              <>
                not yet: <a href={`${JOIN_PATH}#attestation`}>write the record into your repository</a>
              </>
            ) : (
              <>
                <Time at={domain.attestation.at} dateOnly /> in <code>{domain.attestation.uri}</code>
              </>
            ),
          ],
          ["Return path", domain.returnPath === null ? "of the pool" : <code>{domain.returnPath}</code>],
        ]}
      />
      {passes.length === 0 ? null : (
        <Fold
          id={`passes-${name}`}
          summary={`${passes.length} ${passes.length === 1 ? "check passes" : "checks pass"}: ${passes.map(({ check }) => check.toUpperCase()).join(", ")}`}
        >
          {passes.map((finding) => (
            <FindingView finding={finding} />
          ))}
        </Fold>
      )}
      <Records did={did} domain={domain} />
      <KeysOf did={did} domain={domain} why={why} />
      <p>
        <a href={domainRemovalPath(did, name)}>Take {name} out</a>
      </p>
    </Section>
  );
}

function StatusBadge({ domain: { status, checkedAt } }: { domain: PortalDomain }) {
  if (status === "active") return <Badge tone="ok">Active</Badge>;
  return checkedAt === null ? (
    <Badge tone="note">Not verified yet</Badge>
  ) : (
    <Badge tone="bad">Held: its mail waits</Badge>
  );
}

function Records({ did, domain: { name, records, diagnoses } }: { did: string; domain: PortalDomain }) {
  return (
    <details id={`records-${name}`} class="fold" open={diagnoses !== null}>
      <summary>DNS records to publish: {records.length}</summary>
      <div class="stack">
        {diagnoses === null
          ? records.map((record) => (
              <div class="finding stack quiet" data-key={`${record.type} ${record.name}`}>
                <p>
                  <strong>{record.type}</strong> <code>{record.name}</code>: it {record.purpose}.
                </p>
                <Code text={record.value} label="Value" />
              </div>
            ))
          : diagnoses.map((diagnosis) => <RecordView diagnosis={diagnosis} />)}
        <Code
          text={(
            diagnoses?.map(({ record, value }) => zoneLine({ ...record, value })) ?? records.map(zoneLine)
          ).join("\n")}
          label="All of them, as lines of a zone file"
        />
        <form method="get" action={`${domainsPath(did)}#${domainAnchor(name)}`}>
          <input type="hidden" name="look" value={name} />
          <button type="submit">{diagnoses === null ? "Look at the DNS now" : "Look again"}</button>
        </form>
      </div>
    </details>
  );
}

const KEY_STATES: Record<PortalDomain["keys"]["keys"][number]["state"], string> = {
  next: "waits for the DNS",
  active: "signs",
  retiring: "signs no more, keep its record",
  retired: "destroyed, its record may go",
};

function KeysOf({ did, domain, why }: { did: string; domain: PortalDomain; why: string | null }) {
  const { name, keys, rotation } = domain;
  const action = domainKeysPath(did, name);
  const isTurning = keys.publish.length > 0;
  return (
    <>
      {rotation === null ? null : <Keys rotation={rotation} />}
      <Fold id={`keys-of-${name}`} summary={isTurning ? "Keys: new ones wait" : "Keys, and new ones"}>
        <DataTable
          caption={`DKIM keys of ${name}`}
          hideCaption
          compact
          columns={[{ label: "Selector" }, { label: "Algorithm" }, { label: "It" }]}
          rows={keys.keys.map(({ selector, algorithm, state }) => ({
            key: selector,
            cells: [<code>{selector}</code>, algorithm === "rsa" ? "RSA" : "Ed25519", KEY_STATES[state]],
          }))}
        />
        {isTurning ? (
          <div class="choices">
            <PortalForm action={action} why={why} class="choice">
              <h3>Sign with the new ones now</h3>
              <p>
                The DNS is asked at once. When both records are there, the new keys take over without the
                hour.
              </p>
              <button type="submit" name="how" value="now">
                Take over now
              </button>
            </PortalForm>
            <PortalForm action={action} why={why} class="choice">
              <h3>Forget the new ones</h3>
              <p>The present keys sign on. The new records may be removed again.</p>
              <button type="submit" name="how" value="cancel" class="grave">
                Cancel
              </button>
            </PortalForm>
          </div>
        ) : (
          <PortalForm action={action} why={why} class="decide">
            <p class="small">
              A new pair is made. You publish its records; the present keys sign until the new ones have been
              in the DNS for an hour, and their records stay for as long as mail that they signed is on its
              way.
            </p>
            <button type="submit" name="how" value="rotate">
              Make new keys
            </button>
          </PortalForm>
        )}
      </Fold>
    </>
  );
}

function Add({ view: { did, claim }, why }: { view: DomainsView; why: string | null }) {
  const path = domainsPath(did);
  return (
    <Section
      id="add"
      title="Add a domain"
      intro="The part behind the @ of the addresses that you send from. It is yours when its DNS names this account."
    >
      {claim === null ? (
        <form method="get" action={`${path}#add`} class="decide">
          <Field
            id="claim"
            name="domain"
            label="Domain"
            placeholder="willow.example"
            maxlength={253}
            required
          />
          <button type="submit">Go on</button>
        </form>
      ) : (
        <>
          <p>
            Show that <strong>{claim.domain}</strong> is yours: where you keep its DNS, publish this record.
          </p>
          <RecordView diagnosis={claim.proof} />
          <div class="actions">
            <form method="get" action={`${path}#add`}>
              <input type="hidden" name="domain" value={claim.domain} />
              <button type="submit">Look again</button>
            </form>
            <PortalForm
              action={path}
              why={why ?? (isProved(claim.proof) ? null : "When the record is seen, it can be added.")}
            >
              <input type="hidden" name="domain" value={claim.domain} />
              <button type="submit">Add {claim.domain}</button>
            </PortalForm>
          </div>
          <p>
            <a href={`${path}#add`}>Another domain</a>
          </p>
        </>
      )}
    </Section>
  );
}
