import { DidResolver, getDidKeyFromMultibase } from "@atproto/identity";
import type { ResolveLabeler } from "../../allowlist/index.ts";
import type { SafeFetch } from "../../platform/fetch.ts";

const TIMEOUT_MS = 5_000;

/** Where a labeler answers and by which key it signs, always asked anew (label specification: `#atproto_label`). */
export function createLabelerResolver(options: { plcUrl: string; fetch: SafeFetch }): ResolveLabeler {
  const resolver = new DidResolver({
    plcUrl: options.plcUrl,
    fetch: (input, init) => options.fetch(input instanceof Request ? input.url : input, init),
    timeout: TIMEOUT_MS,
  });
  return async (did) => {
    const document = await resolver.resolveNoCache(did);
    const service = document?.service?.find(
      ({ id, type }) => id.endsWith("#atproto_labeler") && type === "AtprotoLabeler",
    );
    const method = document?.verificationMethod?.find(({ id }) => id.endsWith("#atproto_label"));
    const multibase = method?.publicKeyMultibase;
    const key =
      method && multibase !== undefined
        ? getDidKeyFromMultibase({ type: method.type, publicKeyMultibase: multibase })
        : undefined;
    if (typeof service?.serviceEndpoint !== "string" || key === undefined) return undefined;
    return URL.canParse(service.serviceEndpoint) ? { endpoint: service.serviceEndpoint, key } : undefined;
  };
}
