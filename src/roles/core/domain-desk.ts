import type { Envelope } from "../../event/index.ts";
import type { DomainRemoval, MemberError } from "../../member/index.ts";
import type { Logger } from "../../platform/log.ts";
import type { Resolver } from "../../protocol/dns/index.ts";
import { createWorkQueue } from "../work-queue.ts";
import type { CoreParts } from "./parts.ts";
import { createRotationFollower } from "./rotation.ts";

/** Look-ups of delegations at once. */
const LOOK_UPS = 10;

export type DomainDeskParts = Omit<CoreParts, "cases" | "pipeline"> & {
  resolver: Resolver;
  log: Logger;
  returnPathHost: string;
};
export type DomainDesk = ReturnType<typeof createDomainDesk>;

/** Members' domains as checks find them: what may send, what waits, and what stands beside the records that were checked. */
export function createDomainDesk(parts: DomainDeskParts) {
  const { db, clock, members, standings, news, tell, resolver, returnPathHost, log } = parts;

  /** Apart from the handling of events: a slow name server delays nobody's policy. */
  const lookUps = createWorkQueue(log, LOOK_UPS);
  const rotation = createRotationFollower(members, resolver, log);

  /** The domain that an event is about, if the member holds it. */
  function domainOf({ data: { data } }: Envelope): string | undefined {
    const row = members.domain(data.member.domain);
    return row?.did === data.member.did ? row.name : undefined;
  }

  /** It may have been another member's once. */
  function heldOf(did: string, domain: string) {
    const held = standings.hold(domain);
    return held?.did === did ? held : undefined;
  }

  async function followDelegation(domain: string): Promise<void> {
    const delegated = await resolver.resolve(`bounce.${domain}`, "CNAME");
    if (delegated.status === "temperror") return;
    const ours =
      delegated.status === "ok" && delegated.records.some((record) => record.target === returnPathHost);
    members.setReturnPath(domain, ours ? `bounce.${domain}` : null);
  }

  function note(did: string, rkey: string, title: string, body: string): void {
    standings.notes.put(did, { rkey, at: clock.now(), kind: "notice", title, body });
  }

  /** Its records pass: what waited leaves. */
  function release(did: string, domain: string): void {
    const held = heldOf(did, domain);
    if (!held) return;
    standings.endHold(domain);
    members.setDomainStatus(domain, "active");
    note(
      did,
      `domain-${domain}-${held.since}-released`,
      `Mail of ${domain} leaves again`,
      "Its DNS records pass the check.",
    );
    news.domainReleased(did, { domain, since: held.since });
    tell([did]);
  }

  return {
    release,

    /** Taken out, for a member that stays. What waits for it in the spool finds no key, and is given back in its time. */
    remove(did: string, domain: string, by: string): DomainRemoval | MemberError {
      return db.transaction(() => {
        const removed = members.removeDomain(did, domain, by);
        if ("error" in removed) return removed;
        if (heldOf(did, domain)) standings.endHold(domain);
        const { narrowed, revoked } = removed;
        const words = [
          `By ${by}. Its keys are destroyed; what was published for the pool may be removed from the DNS.`,
          revoked.length > 0
            ? `Revoked with it, since it was all that they sent for: ${named(revoked)}.`
            : "",
          narrowed.length > 0 ? `For their other domains only from now on: ${named(narrowed)}.` : "",
        ];
        const body = words.filter((text) => text !== "").join("\n\n");
        note(did, `domain-${domain}-${clock.now()}-removed`, `${domain} was removed`, body);
        return removed;
      });
    },

    /** A rule says that its records are broken. A domain that was never verified, or has ended, sends nothing anyway. */
    hold(did: string, held: { domain: string; since: number; found: string; record: string }): void {
      const { domain, found, record, since } = held;
      if (members.domain(domain)?.status !== "active" && !heldOf(did, domain)) return;
      members.setDomainStatus(domain, "held");
      if (!standings.beginHold({ did, ...held })) return;
      const publish = record === "" ? "" : `\n\nPublish:\n${record}`;
      note(
        did,
        `domain-${domain}-${since}-held`,
        `Mail of ${domain} waits: its DNS records do not pass`,
        `${found}${publish}\n\nMail of your other domains leaves as before. As soon as a check passes, what waits leaves by itself.`,
      );
      news.domainHeld(did, held);
      tell([did]);
    },

    /** A verified domain may send, and one whose attestation has ended waits. What is broken, a rule says: it may pass. */
    followCheck(checked: Envelope): void {
      const domain = domainOf(checked);
      if (domain === undefined) return;
      const { did } = checked.data.data.member;
      const summary = checked.data.data.detail?.["summary"];
      if (summary === "verified") {
        release(did, domain);
        members.setDomainStatus(domain, "active");
      }
      if (summary === "ended") members.setDomainStatus(domain, "held");
    },

    /** What was checked may have changed in the DNS beside it. A look that a crash undoes comes again with the next check. */
    lookUp(checked: Envelope): void {
      const domain = domainOf(checked);
      if (domain === undefined) return;
      lookUps.add(domain, () => followDelegation(domain));
      lookUps.add(`keys of ${domain}`, () => rotation.follow(domain));
    },

    /** Looks at keys that turn. */
    followTurning(): void {
      for (const domain of members.turning()) lookUps.add(`keys of ${domain}`, () => rotation.follow(domain));
    },
    /** Looks at the DNS now; the next pair signs at once when it is there. */
    hurryRotation: (domain: string) => rotation.follow(domain, true),
    idle: () => lookUps.idle(),
  };
}

const named = (list: DomainRemoval["revoked"]) => list.map(({ name }) => `"${name}"`).join(", ");
