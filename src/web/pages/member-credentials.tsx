import { Badge, Code, DataTable, EmptyState, Section, Time } from "../components.tsx";
import { revokePath } from "../paths.ts";
import type { CredentialsView } from "../view-portal.ts";
import { formatCount } from "../words.ts";
import { PortalForm } from "./portal-parts.tsx";

type Credential = CredentialsView["credentials"][number];

/** With what the member submits mail, and from where it was used last. */
export function Credentials({ view, why }: { view: CredentialsView; why: string | null }) {
  const inUse = view.credentials.filter((one) => one.revoked === null);
  const revoked = view.credentials.filter((one) => one.revoked !== null);
  return (
    <Section id="credentials" title="In use" intro="From where each was used last, and what it may." wide>
      {inUse.length === 0 ? (
        <EmptyState title="No credential is in use">
          Make one below: without it nothing can be sent.
        </EmptyState>
      ) : (
        <DataTable
          caption="Credentials in use"
          hideCaption
          columns={[
            { label: "Name" },
            { label: "Sends as" },
            { label: "Streams" },
            { label: "Own caps" },
            { label: "Last used" },
            { label: "" },
          ]}
          rows={inUse.map((one) => ({
            key: one.id,
            cells: [
              <>
                {one.name} <code class="beneath">{one.username}</code>
              </>,
              one.domains.join(", "),
              one.streams.join(", "),
              capsOf(one),
              <LastUse credential={one} />,
              <details id={`revoke-${one.id}`}>
                <summary aria-label={`Revoke ${one.name}`}>Revoke</summary>
                <PortalForm action={revokePath(view.did, one.id)} why={why}>
                  <p class="small">For good: its program sends no more until it has another, made below.</p>
                  <button type="submit" class="grave">
                    Revoke {one.name}
                  </button>
                </PortalForm>
              </details>,
            ],
          }))}
        />
      )}
      {revoked.length === 0 ? null : (
        <details id="revoked-credentials">
          <summary>
            {formatCount(revoked.length)} {revoked.length === 1 ? "was" : "were"} revoked
          </summary>
          <ul class="plain">
            {revoked.map((one) => (
              <li data-key={one.id}>
                <Badge>{one.name}</Badge> <code class="small">{one.username}</code>{" "}
                <span class="soft small">
                  on <Time at={one.revoked!.at} />, by {one.revoked!.by};{" "}
                  {one.lastUsed === null ? (
                    "never used"
                  ) : (
                    <>
                      last used <LastUse credential={one} />
                    </>
                  )}
                </span>
              </li>
            ))}
          </ul>
        </details>
      )}
      {inUse.length === 0 ? null : (
        <details id="leaked">
          <summary>What a leaked secret looks like, for scanners</summary>
          <Code text={"\\batms_[a-z2-7]{47}\\b"} label="Regular expression" />
        </details>
      )}
    </Section>
  );
}

function capsOf({ hourly, daily }: Credential): string {
  const caps = [
    hourly === null ? "" : `${formatCount(hourly)} an hour`,
    daily === null ? "" : `${formatCount(daily)} a day`,
  ];
  return caps.filter((cap) => cap !== "").join(", ") || "none";
}

function LastUse({ credential: { lastUsed, networks } }: { credential: Credential }) {
  if (lastUsed === null) return <>never</>;
  return (
    <>
      <Time at={lastUsed.at} /> from <code>{lastUsed.address}</code>
      {networks.length > 1 ? (
        <span class="soft small">
          {" "}
          and, before, {formatCount(networks.length - 1)} other{" "}
          {networks.length === 2 ? "network" : "networks"}
        </span>
      ) : null}
    </>
  );
}
