import { DidResolver, getKey, getPds } from "@atproto/identity";
import type { SafeFetch } from "../platform/fetch.ts";

/** What the DID document says about a repository: its host and the key that signs its commits (a did:key). */
type Identity =
  | { status: "resolved"; pds: string; signingKey: string }
  /** `gone`: the directory knows that there is no such DID, or none any more. */
  | { status: "unresolvable"; detail: string; gone?: boolean };

export type ResolveIdentity = (did: string) => Promise<Identity>;

const DID = /^did:(plc:[a-z2-7]{24}|web:[a-zA-Z0-9.-]{1,253}(%3A\d{1,5})?)$/;

/** The DID methods that atproto accounts use: did:plc, and did:web without a path. */
export function isAccountDid(did: string): boolean {
  return DID.test(did);
}

/** Always asks anew: a changed key or host must be seen before a record is believed. */
export function createIdentityResolver(options: {
  plcUrl: string;
  fetch: SafeFetch;
  timeoutMs?: number;
}): ResolveIdentity {
  const resolver = new DidResolver({
    plcUrl: options.plcUrl,
    fetch: (input, init) => options.fetch(input instanceof Request ? input.url : input, init),
    timeout: options.timeoutMs ?? 5_000,
  });
  return async (did) => {
    if (!isAccountDid(did)) return { status: "unresolvable", detail: "not a did:plc or did:web" };
    try {
      const document = await resolver.resolveNoCache(did);
      if (!document) return { status: "unresolvable", detail: "no such DID", gone: true };
      const pds = getPds(document);
      const signingKey = getKey(document);
      if (!pds) return { status: "unresolvable", detail: "the DID document names no #atproto_pds service" };
      if (!signingKey)
        return { status: "unresolvable", detail: "the DID document has no usable #atproto key" };
      return { status: "resolved", pds: new URL(pds).origin, signingKey };
    } catch (err) {
      return {
        status: "unresolvable",
        detail: err instanceof Error ? err.message.slice(0, 300) : "no answer",
        // The PLC directory answers 410 for a tombstone.
        gone: err instanceof Error && "status" in err && err.status === 410,
      };
    }
  };
}
