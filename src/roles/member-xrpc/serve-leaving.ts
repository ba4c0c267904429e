import * as deleteLexicon from "../../protocol/lexicon/community/email/deleteData.ts";
import * as exportLexicon from "../../protocol/lexicon/community/email/exportData.ts";
import * as leavingLexicon from "../../protocol/lexicon/community/email/getLeaving.ts";
import * as proofLexicon from "../../protocol/lexicon/community/email/getProof.ts";
import * as leaveLexicon from "../../protocol/lexicon/community/email/leave.ts";
import { confirms } from "../../web/index.ts";
import { Fault } from "../xrpc-methods.ts";
import { datetime } from "../xrpc-view.ts";
import { gone, orFault } from "./faults.ts";
import type { MemberXrpcParts, Methods } from "./index.ts";
import { present, time } from "./view-parts.ts";

const BY_AN_OWNER = { scope: null, role: "owner", outlasts: false } as const;
const WRONG_NAME = "This is not the name that getLeaving answers. Nothing was done.";

/** What a member takes along, and the end: leaving, and deletion after it. */
export function serveLeaving(methods: Methods, parts: MemberXrpcParts): void {
  const { query, procedure } = methods;
  const { exports, proofs, leaveDesk } = parts.taking;
  const { members } = parts.shown.core;

  query("exportData", "export", exportLexicon.$params, (did, _, { isOwner }) => {
    const made = exports.of(did, { whole: isOwner });
    if ("error" in made)
      return made.error === "TooMany" ? new Fault(429, "TooManyExports", made.message) : gone(did);
    return new Response(ReadableStream.from(made.bytes), {
      headers: {
        "content-type": "application/zip",
        "content-disposition": `attachment; filename="${made.name}"`,
      },
    });
  });
  query("getProof", "read", proofLexicon.$params, async (did) => {
    const made = await proofs.of(did);
    return "error" in made ? orFault(made) : ({ proof: made.proof } satisfies proofLexicon.$OutputBody);
  });
  query("getLeaving", "read", leavingLexicon.$params, async (did) => {
    const view = await leaveDesk.view(did);
    if (view === null) return gone(did);
    const { domain: name, membership, leftAt, deletedAt, consequences, kept } = view;
    return present({
      name,
      membership,
      leftAt: time(leftAt),
      deletedAt: time(deletedAt),
      consequences,
      kept,
    }) satisfies leavingLexicon.$OutputBody;
  });

  /** Does it when the name is said that the page wants typed. */
  async function confirmed(
    did: string,
    name: string,
    act: () => ReturnType<typeof leaveDesk.forget>,
    body: () => object,
  ): Promise<object> {
    const view = await leaveDesk.view(did);
    if (view === null) return gone(did);
    if (!confirms(view, name)) return new Fault(400, "WrongName", WRONG_NAME);
    const refused = await act();
    return refused ? orFault(refused) : body();
  }
  procedure("leave", BY_AN_OWNER, leaveLexicon.$input.schema, (did, { name, reason = "" }, { by }) =>
    confirmed(
      did,
      name,
      () => leaveDesk.leave(did, by, reason.trim() || "Left by a program of its own."),
      () => ({ leftAt: datetime(members.get(did)!.left_at!) }) satisfies leaveLexicon.$OutputBody,
    ),
  );
  const afterwards = { ...BY_AN_OWNER, outlasts: true };
  procedure("deleteData", afterwards, deleteLexicon.$input.schema, (did, { name }, { by }) =>
    confirmed(
      did,
      name,
      () => leaveDesk.forget(did, by),
      () => ({ deletedAt: datetime(members.get(did)!.deleted_at!) }) satisfies deleteLexicon.$OutputBody,
    ),
  );
}
