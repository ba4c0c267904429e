import { vouchRefusal, type VouchRefusal } from "../member/index.ts";
import type { VouchPages, VouchView } from "../web/index.ts";
import type { Core } from "./core/index.ts";
import type { DeskRefusal } from "./member-desk-parts.ts";

type VouchParts = {
  core: Pick<Core, "members" | "standings">;
  /** The DID of a handle, or of a DID that is one; null: nobody has it. Throws when nothing answered. */
  find: (account: string) => Promise<string | null>;
};

export type VouchDesk = ReturnType<typeof createVouchDesk>;

const say = (error: string, message: string): DeskRefusal => ({ error, message });
const WORDS: Record<VouchRefusal, DeskRefusal> = {
  "not-good": say("NotInGoodStanding", "Only a member in good standing vouches for others."),
  own: say("OwnAccount", "Nobody vouches for itself."),
  "no-applicant": say("NoApplicant", "Nobody with this account waits for a decision here."),
  again: say("VouchedAlready", "You vouch for this applicant already."),
  "too-many": say(
    "TooManyVouches",
    "Five of your vouches wait for a decision, which is the most. Withdraw one, or wait.",
  ),
};

/** Members who speak for applicants, by their page and by the API. */
export function createVouchDesk({ core: { members, standings }, find }: VouchParts) {
  return {
    /** Null: there is no such member. */
    view(did: string): VouchView | null {
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
        refused: refusal === undefined ? null : WORDS[refusal].message,
        vouches: members.vouches.ofMember(did),
      };
    },

    /** `account`: a handle or a DID of an applicant. */
    async vouch(did: string, account: string, words: string): Promise<{ id: number } | DeskRefusal> {
      const found = await find(account.trim().replace(/^@/, "").toLowerCase()).catch(() => undefined);
      if (found === undefined)
        return say("Unreachable", "This account could not be looked up now: try again, or give the DID.");
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
      return refusal === undefined ? { id: members.vouches.add(did, applicant, words) } : WORDS[refusal];
    },

    withdraw: (did: string, id: number): { id: number } | DeskRefusal =>
      members.vouches.withdraw(did, id)
        ? { id }
        : say("NotFound", "It was withdrawn before, or the application was decided."),
  };
}

const done = (result: { id: number } | DeskRefusal) =>
  "error" in result ? { refused: result.message } : { done: true as const };

export const createVouchPages = (desk: VouchDesk): VouchPages => ({
  view: desk.view,
  vouch: async (did, account, words) => done(await desk.vouch(did, account, words)),
  withdraw: (did, id) => done(desk.withdraw(did, id)),
});
