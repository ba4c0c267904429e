import { z } from "zod";
import type { CredentialUse } from "../../member/index.ts";
import type { CoreParts } from "./parts.ts";

const Use = z.object({
  credential: z.string().max(100),
  did: z.string().max(2_048),
  at: z.number().int().positive(),
  address: z.string().max(100),
});

/** Keeps where a credential was last used; a network that is new for it is an event, and a note to the member. */
export function noteCredentialUse(
  { db, members, standings, pipeline, newEvent }: CoreParts,
  value: unknown,
): void {
  const use = Use.safeParse(value);
  if (!use.success) return;
  const { credential, did, at }: CredentialUse = use.data;
  db.transaction(() => {
    const network = members.noteUse(use.data);
    if (network === undefined) return;
    const name = members.credential(credential)?.name ?? credential;
    standings.notes.put(did, {
      rkey: `credential-${credential}-${at}`,
      at,
      kind: "notice",
      title: `The credential "${name}" was used from a network that is new for it: ${network}`,
      body: "If that was not you, revoke it.",
    });
    pipeline.record(
      newEvent("credential_used_anew", {
        dedupe_key: `credential_used_anew:${credential}:${network}:${at}`,
        member: { did, domain: members.domainsOf(did)[0]?.name ?? "" },
        credential,
        detail: { network },
      }),
    );
  });
}
