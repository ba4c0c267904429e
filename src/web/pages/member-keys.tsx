import { Badge, Code, Time } from "../components.tsx";
import type { MemberDomain } from "../view.ts";
import { zoneLine } from "./zone-line.ts";

/** Keys that turn: what to publish, what to keep, what may be removed. */
export function Keys({ rotation }: { rotation: NonNullable<MemberDomain["rotation"]> }) {
  const { domain, keys, publish, seenAt, activeFrom, keep, remove } = rotation;
  const attested = keys.filter((key) => key.state !== "retired");
  return (
    <div class="finding stack" data-key={`keys-${domain}`}>
      {publish.length > 0 ? (
        <>
          <p>
            <Badge tone="note">New DKIM keys</Badge> Publish these records, and leave the old ones where they
            are.
          </p>
          <Code label="Records to publish" text={publish.map(zoneLine).join("\n")} />
          <p>
            {seenAt === null || activeFrom === null ? (
              "Once they have been in the DNS for an hour, the new keys sign by themselves."
            ) : (
              <>
                They are in the DNS since <Time at={seenAt} />; the new keys sign from{" "}
                <Time at={activeFrom} /> on.
              </>
            )}
          </p>
        </>
      ) : null}
      {keep.length > 0 ? (
        <p>
          <Badge tone="idle">Old DKIM keys</Badge> They sign no more, but mail that they signed is still on
          its way. Keep{" "}
          {keep.map(({ name }) => (
            <code>{name} </code>
          ))}{" "}
          until <Time at={keep[0]!.until} dateOnly />.
        </p>
      ) : null}
      {publish.length > 0 || keep.length > 0 ? (
        <details id={`attested-${domain}`}>
          <summary>Keys to name in the attestation, old and new</summary>
          <Code
            label="dkim"
            text={JSON.stringify(
              attested.map(({ selector, algorithm, fingerprint }) => ({ selector, algorithm, fingerprint })),
              null,
              2,
            )}
          />
        </details>
      ) : null}
      {remove.length > 0 ? (
        <>
          <p>
            <Badge tone="ok">You may remove these records</Badge> Their keys are destroyed. Take them out of
            the attestation first, if it names them.
          </p>
          <Code text={remove.join("\n")} label="Names" />
        </>
      ) : null}
    </div>
  );
}
