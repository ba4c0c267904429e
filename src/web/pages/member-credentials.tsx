import { Badge, Code, DataTable, EmptyState, Section, Time } from "../components.tsx";
import { revokePath } from "../paths.ts";
import type { MemberView } from "../view.ts";
import { formatCount } from "../words.ts";

type Credential = MemberView["credentials"][number];

/** With what the member submits mail, and from where it was used last. */
export function Credentials({ view }: { view: MemberView }) {
  const inUse = view.credentials.filter((one) => one.revoked === null);
  const revoked = view.credentials.filter((one) => one.revoked !== null);
  return (
    <Section
      id="credentials"
      title="Credentials"
      intro="Each for one program, so that one can be revoked without the others. Their secrets are kept nowhere."
      wide
    >
      {inUse.length === 0 ? (
        <EmptyState title="No credential is in use">
          Ask the committee for one; it is made with <code>atmos member env</code>.
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
                <form method="post" action={revokePath(view.did, one.id)}>
                  <p class="small">
                    For good: its program sends no more until it has another, which the committee makes.
                  </p>
                  <button type="submit" class="grave">
                    Revoke {one.name}
                  </button>
                </form>
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
