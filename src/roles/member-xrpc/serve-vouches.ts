import * as listLexicon from "../../protocol/lexicon/community/email/listVouches.ts";
import * as vouchLexicon from "../../protocol/lexicon/community/email/vouch.ts";
import * as withdrawLexicon from "../../protocol/lexicon/community/email/withdrawVouch.ts";
import { datetime } from "../xrpc-view.ts";
import { gone, orFault } from "./faults.ts";
import type { MemberXrpcParts, Methods } from "./index.ts";
import { asDid, present, time } from "./view-parts.ts";

/** The committee makes tokens too, and nobody vouches in a member's name but its people. */
const BY_A_PERSON = { scope: null, role: "manager", outlasts: false } as const;

/** For whom a member speaks. */
export function serveVouches({ query, procedure }: Methods, { taking }: MemberXrpcParts): void {
  const { vouchDesk: desk } = taking;
  query("listVouches", "read", listLexicon.$params, (did) => {
    const view = desk.view(did);
    if (view === null) return gone(did);
    return present({
      refused: view.refused,
      vouches: view.vouches.map(({ id, did: applicant, applicant: name, words, at, end }) =>
        present({
          id,
          did: asDid(applicant),
          name,
          words,
          at: datetime(at),
          endedAt: time(end?.at ?? null),
          ended: end?.how ?? null,
        }),
      ),
    }) satisfies listLexicon.$OutputBody;
  });
  procedure("vouch", BY_A_PERSON, vouchLexicon.$input.schema, async (did, { account, words = "" }) =>
    orFault(
      await desk.vouch(did, account, words.trim()),
      ({ id }) => ({ id }) satisfies vouchLexicon.$OutputBody,
    ),
  );
  procedure("withdrawVouch", BY_A_PERSON, withdrawLexicon.$input.schema, (did, { id }) =>
    orFault(desk.withdraw(did, id), (done) => done satisfies withdrawLexicon.$OutputBody),
  );
}
