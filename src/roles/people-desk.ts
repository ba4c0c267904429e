import type { Person, PersonRole } from "../account/index.ts";
import type { Clock } from "../lib/clock.ts";
import { refusal } from "./admin/refusal.ts";
import type { Core } from "./core/index.ts";

export type PeopleRefusal = { error: string; message: string };
export type PeopleDesk = ReturnType<typeof createPeopleDesk>;

type PeopleParts = {
  core: Pick<Core, "members" | "people" | "tokens">;
  /** The DID of a handle, or of a DID that is one; null: nobody has it. Throws when nothing answered. */
  find: (account: string) => Promise<string | null>;
  clock: Clock;
};

/** Who acts for a member beside its own account, as pages, API and command line change it. */
export function createPeopleDesk({ core: { members, people, tokens }, find, clock }: PeopleParts) {
  const absent = (did: string): PeopleRefusal | null => {
    const member = members.get(did);
    return member === undefined || member.membership === "left"
      ? refusal({ error: "not-a-member", did })
      : null;
  };
  const personOf = async (account: string): Promise<{ person: string } | PeopleRefusal> => {
    const person = await find(account.trim().replace(/^@/, "").toLowerCase()).catch(() => undefined);
    return typeof person === "string" ? { person } : nobody(account, person === null);
  };
  /** Who may make no tokens any more has none that go on. */
  const endTokens = (did: string, person: string) =>
    tokens.revokeOf(did, person, "the change of its maker's role", clock.now());
  return {
    of: (did: string): Person[] | PeopleRefusal => absent(did) ?? people.of(did),

    /** Adds a person, or gives it another role. `account`: a handle or a DID. */
    async put(
      did: string,
      account: string,
      role: PersonRole,
      by: string,
    ): Promise<{ person: string; role: PersonRole } | PeopleRefusal> {
      const refused = absent(did);
      if (refused) return refused;
      const found = await personOf(account);
      if ("error" in found) return found;
      const { person } = found;
      const put = people.put(did, person, role, by, clock.now());
      if (put === null) {
        if (role === "viewer") endTokens(did, person);
        return { person, role };
      }
      return put.error === "own"
        ? { error: "OwnAccount", message: "The member's own account is always its owner." }
        : {
            error: "TooMany",
            message: "Fifty people act for this member, which is the most; remove one first.",
          };
    },

    /** From the next page on, and its tokens for the member at once. `account`: a handle or a DID; a DID is not looked up, since its account may be gone. */
    async remove(did: string, account: string): Promise<{ person: string } | PeopleRefusal> {
      const refused = absent(did);
      if (refused) return refused;
      const found = account.startsWith("did:") ? { person: account } : await personOf(account);
      if ("error" in found) return found;
      if (people.remove(did, found.person)) {
        endTokens(did, found.person);
        return found;
      }
      return { error: "NotFound", message: `${account.slice(0, 300)} is not among the people of ${did}.` };
    },
  };
}

function nobody(account: string, isKnown: boolean): PeopleRefusal {
  const what = account.slice(0, 100);
  return isKnown
    ? {
        error: "NoSuchAccount",
        message: `Nobody has the handle "${what}": check the spelling, or give the DID.`,
      }
    : { error: "Unreachable", message: `"${what}" could not be looked up now: try again, or give the DID.` };
}
