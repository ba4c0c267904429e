import { mailAddressOf } from "../notice/index.ts";
import type { BounceChoice } from "../policy/index.ts";
import type { Applications } from "./applications.ts";
import type { MemberError } from "./errors.ts";
import type { MemberParts } from "./parts.ts";
import type { MemberRow } from "./schema.ts";

/** What of a member makes an address its own. */
export type Belongings = {
  /** Names of its domains. */
  domains: readonly string[];
  /** Contacts of its applications that a person approved. */
  contacts: readonly string[];
};

/** Whether mail to this address goes to the member: it is at one of its domains, or the contact that it was admitted with. */
export function isOwnAddress(address: string, { domains, contacts }: Belongings): boolean {
  const domain = address.slice(address.lastIndexOf("@") + 1);
  return (
    domains.some((name) => domain === name || domain.endsWith(`.${name}`)) ||
    contacts.some((contact) => mailAddressOf(contact) === address)
  );
}

/** The choice as it stands in the table: `sender`, `nobody` or an address; one that is the member's no more is none, and nobody is written to. */
export function bounceChoice(stored: string, belongings: Belongings): BounceChoice {
  if (stored === "sender" || stored === "nobody") return { to: stored };
  return isOwnAddress(stored, belongings) ? { to: "address", address: stored } : { to: "nobody" };
}

/** Where members are told what became of their mail. */
export function createBounces(
  { store, changed }: Pick<MemberParts, "store" | "changed">,
  applications: Pick<Applications, "of">,
) {
  function belongings(did: string, domains: readonly string[]): Belongings {
    const approved = applications.of(did).filter(({ state }) => state === "approved");
    return { domains, contacts: approved.map(({ contact }) => contact) };
  }

  function bouncesOf({ did, bounces }: MemberRow): BounceChoice {
    const names = store.domainsOf(did).map(({ name }) => name);
    return bounceChoice(bounces, belongings(did, names));
  }

  /** An address that is the member's: at a verified domain of it, or the contact that it was admitted with. */
  function verified(did: string, text: string): string | undefined {
    const address = mailAddressOf(text);
    const active = store.domainsOf(did).filter(({ status }) => status === "active");
    const names = active.map(({ name }) => name);
    return address && isOwnAddress(address, belongings(did, names)) ? address : undefined;
  }

  /** One that is the member's no more counts as none. */
  function repliesOf({ did, replies }: MemberRow): string | null {
    const names = store.domainsOf(did).map(({ name }) => name);
    return replies !== null && isOwnAddress(replies, belongings(did, names)) ? replies : null;
  }

  return {
    bouncesOf,
    repliesOf,

    /** Where replies to return paths are sent on to; null: nowhere. At a return path's own name it would come back. */
    setReplies(did: string, to: string | null): { replies: string | null } | MemberError {
      const member = store.member(did);
      if (!member) return { error: "not-a-member", did };
      if (member.membership === "left") return { error: "has-left", did, membership: member.membership };
      const address = to === null ? null : verified(did, to);
      const returnPaths = store
        .domainsOf(did)
        .map(({ name, return_path }) => return_path ?? `bounce.${name}`);
      const isLoop = address && returnPaths.includes(address.slice(address.lastIndexOf("@") + 1));
      if (address === undefined || isLoop) return { error: "not-its-address", did, address: to ?? "" };
      store.setReplies(did, address);
      changed(did);
      return { replies: address };
    },

    /** An address must be the member's: at a domain of it that was verified, or the contact that it was admitted with. */
    setBounces(did: string, choice: BounceChoice): BounceChoice | MemberError {
      const member = store.member(did);
      if (!member) return { error: "not-a-member", did };
      if (member.membership === "left") return { error: "has-left", did, membership: member.membership };
      const address = choice.to === "address" ? mailAddressOf(choice.address) : undefined;
      if (choice.to === "address") {
        if (!address || !verified(did, address))
          return { error: "not-its-address", did, address: choice.address };
      }
      store.setBounces(did, address ?? choice.to);
      changed(did);
      return bouncesOf(store.member(did)!);
    },
  };
}
