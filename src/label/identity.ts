import { DidResolver, getDidKeyFromMultibase, getPds } from "@atproto/identity";
import type { SafeFetch } from "../platform/fetch.ts";

const TIMEOUT_MS = 5_000;

/** What the world learns of a labeler from its DID document. */
export type LabelerIdentity = {
  /** The key `#atproto_label` as a did:key. */
  key: string | undefined;
  /** The service `#atproto_labeler`, as it stands there. */
  endpoint: string | undefined;
  /** The type of that service; clients ask for `AtprotoLabeler`. */
  type: string | undefined;
  pds: string | undefined;
};

/** Asks anew, past every cache. Undefined when there is no such DID; throws when there is no answer. */
export async function resolveLabeler(
  did: string,
  plcUrl: string,
  fetch: SafeFetch,
): Promise<LabelerIdentity | undefined> {
  const resolver = new DidResolver({
    plcUrl,
    timeout: TIMEOUT_MS,
    fetch: (input, init) => fetch(input instanceof Request ? input.url : input, init),
  });
  const document = await resolver.resolve(did, true);
  if (!document) return undefined;
  const method = document.verificationMethod?.find((m) => m.id.endsWith("#atproto_label"));
  const service = document.service?.find((s) => s.id.endsWith("#atproto_labeler"));
  return {
    // By its type: older PLC directories write keys uncompressed, as EcdsaSecp256k1VerificationKey2019.
    key:
      method?.publicKeyMultibase === undefined
        ? undefined
        : getDidKeyFromMultibase({ type: method.type, publicKeyMultibase: method.publicKeyMultibase }),
    endpoint: typeof service?.serviceEndpoint === "string" ? service.serviceEndpoint : undefined,
    type: service?.type,
    pds: getPds(document),
  };
}
