import type { ResolveLabeler } from "../../allowlist/index.ts";
import { resolveLabeler } from "../../label/index.ts";
import type { SafeFetch } from "../../platform/fetch.ts";

/** Where a labeler answers and by which key it signs, always asked anew. */
export function labelerResolver(plcUrl: string, fetch: SafeFetch): ResolveLabeler {
  return async (did) => {
    const { key, endpoint, type } = (await resolveLabeler(did, plcUrl, fetch)) ?? {};
    if (key === undefined || endpoint === undefined || type !== "AtprotoLabeler") return undefined;
    return URL.canParse(endpoint) ? { endpoint, key } : undefined;
  };
}
