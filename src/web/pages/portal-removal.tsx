import { Code } from "../components.tsx";
import { domainAnchor, domainRemovalPath, domainsPath } from "../paths.ts";
import type { PortalRole, RemovalView } from "../view-portal.ts";
import { formatCount } from "../words.ts";
import { PortalForm, PortalHead, whyNot } from "./portal-parts.tsx";

/** What ends with a domain, told before it does. */
export function RemovalPage({ view, role }: { view: RemovalView; role: PortalRole }) {
  const { did, name, narrowed, revoked, waiting, attestations, isLast } = view;
  return (
    <>
      <PortalHead
        frame={view}
        current="domains"
        title={`Take out ${name}`}
        role={role}
        lede="Read what ends with it. Nothing has been done yet."
      />
      <ul class="stack">
        <li>
          Its keys are destroyed here. Should you add it again, it has new ones, and new records to publish.
        </li>
        <li>Nobody can send from {name} through the pool any more, until somebody adds it again.</li>
        {isLast ? (
          <li>
            <strong>It is your only domain:</strong> nothing of yours is sent until you add another. You stay
            a member.
          </li>
        ) : null}
        {revoked.length === 0 ? null : (
          <li>
            <strong>Revoked with it</strong>, since it is all that they send for: {named(revoked)}. Their
            programs send no more.
          </li>
        )}
        {narrowed.length === 0 ? null : (
          <li>For their other domains only from then on: {named(narrowed)}.</li>
        )}
        <li>
          {waiting === null
            ? "What still waits to be sent from it is given back, within five days."
            : waiting === 0
              ? "No mail of it waits to be sent."
              : `Mail of it to ${formatCount(waiting)} ${waiting === 1 ? "recipient" : "recipients"} waits: it is not sent any more, and given back within five days.`}
        </li>
        {attestations.length === 0 ? null : (
          <li>
            Your attestation stays in your repository, and its label with it, as long as what it says can be
            verified. To end it, delete the record:
            {attestations.map((uri) => (
              <Code text={uri} label="Record" />
            ))}
          </li>
        )}
        <li>
          The records that you published for the pool may then be removed from the DNS, those of the keys
          after a week, when mail that they signed has arrived.
        </li>
        <li>What was sent, and what was concluded from it, is kept as it is.</li>
      </ul>
      <PortalForm action={domainRemovalPath(did, name)} why={whyNot(role, view)} class="decide">
        <label>
          <input type="checkbox" name="sure" value={name} required /> I have read it: take {name} out
        </label>
        <button type="submit" class="grave">
          Take {name} out
        </button>
      </PortalForm>
      <p>
        <a href={`${domainsPath(did)}#${domainAnchor(name)}`}>Leave it as it is</a>
      </p>
    </>
  );
}

const named = (list: readonly { name: string }[]) => list.map(({ name }) => `“${name}”`).join(", ");
