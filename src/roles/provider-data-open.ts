import type { Egress } from "../egress/index.ts";
import type { Config, Secrets } from "../platform/config/index.ts";
import type { Database } from "../platform/database.ts";
import { createSafeFetch } from "../platform/fetch.ts";
import { openingKeyFrom } from "../platform/seal.ts";
import type { CollectorOptions } from "../provider-data/index.ts";
import type { Core } from "./core/index.ts";
import { derive } from "./keys.ts";
import { createProviderDesk, type ProviderDesk } from "./provider-data.ts";
import type { RoleParts } from "./role-parts.ts";

const TIMEOUT_MS = 20_000;
const MOST_BYTES = 4 * 1024 * 1024;

/** Provider data of this configuration. Its key comes from core's own secret. Undefined without one. */
export async function openProviderDesk(
  parts: RoleParts & {
    db: Database;
    core: Core;
    config: Config;
    secrets: Secrets;
    egress: () => Egress | undefined;
    endpoints: CollectorOptions["endpoints"];
  },
): Promise<ProviderDesk | undefined> {
  const { config, core, secrets } = parts;
  if (!secrets.core) return undefined;
  return createProviderDesk({
    ...parts,
    members: core.members,
    evidence: core.evidence,
    key: await openingKeyFrom(derive(secrets.core, "provider-data")),
    fetch: createSafeFetch({
      allowPrivate: config.ALLOW_PRIVATE_NETWORK,
      timeoutMs: TIMEOUT_MS,
      maxBytes: MOST_BYTES,
    }),
    domain: config.POOL_DOMAIN,
    authority: config.LABELER_DID ?? `did:web:${config.POOL_DOMAIN}`,
  });
}
