import { vouchRefusal, type VouchRefusal } from "../member/index.ts";
import type { VouchPages } from "../web/index.ts";
import type { Core } from "./core/index.ts";

type VouchParts = {
  core: Pick<Core, "members" | "standings">;
  /** The DID of a handle, or of a DID that is one; null: nobody has it. Throws when nothing answered. */
  find: (account: string) => Promise<string | null>;
};

const WORDS: Record<VouchRefusal, string> = {
  "not-good": "Only a member in good standing vouches for others.",
  own: "Nobody vouches for itself.",
  "no-applicant": "Nobody with this account waits for a decision here.",
  again: "You vouch for this applicant already.",
  "too-many": "Five of your vouches wait for a decision, which is the most. Withdraw one, or wait.",
};

/** Members who speak for applicants, as they do it on their page. */
export function createVouchPages({ core: { members, standings }, find }: VouchParts): VouchPages {
  return {
    view(did) {
      const member = members.get(did);
      if (!member) return null;
      const refusal = vouchRefusal({
        member: { membership: member.membership, standing: standings.state(did).standing },
        isSelf: false,
        applicant: "applicant",
        again: false,
        open: members.vouches.openOf(did).length,
      });
      return {
        did,
        domain: members.domainsOf(did)[0]?.name ?? member.name,
        refused: refusal === undefined ? null : WORDS[refusal],
        vouches: members.vouches.ofMember(did),
      };
    },

    async vouch(did, account, words) {
      const found = await find(account.trim().replace(/^@/, "").toLowerCase()).catch(() => undefined);
      if (found === undefined)
        return { refused: "This account could not be looked up now: try again, or give the DID." };
      // Nothing is waited for from here on: what is looked at is what is written.
      const applicant = found ?? "";
      const member = members.get(did);
      const open = members.vouches.openOf(did);
      const refusal = vouchRefusal({
        member: member && { membership: member.membership, standing: standings.state(did).standing },
        isSelf: applicant === did,
        applicant: members.get(applicant)?.membership,
        again: open.some((one) => one.did === applicant),
        open: open.length,
      });
      if (refusal !== undefined) return { refused: WORDS[refusal] };
      members.vouches.add(did, applicant, words);
      return { done: true };
    },

    withdraw: (did, id) =>
      members.vouches.withdraw(did, id)
        ? { done: true }
        : { refused: "It was withdrawn before, or the application was decided." },
  };
}
