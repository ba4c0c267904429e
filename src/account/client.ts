import { JoseKey, Keyset, type OAuthClientMetadataInput } from "@atproto/oauth-client-node";
import type { Database } from "../platform/database.ts";
import { createBox } from "./pending.ts";

export const CALLBACK_PATH = "/oauth/callback";
export const METADATA_PATH = "/oauth/client-metadata.json";
export const KEYS_PATH = "/oauth/jwks.json";

const ATTESTATION = "community.email.attestation";
/** To learn who somebody is. */
export const LOGIN_SCOPE = "atproto";
/** To write the attestation, and nothing else. */
export const ATTEST_SCOPE = `atproto repo:${ATTESTATION}`;

/**
 * What authorization servers read about us (atproto's OAuth specification, "Client Metadata"). Under https a confidential
 * client with keys of its own; under http on loopback, which is a sandbox, the loopback client.
 */
export function clientMetadata(publicUrl: string, name: string): OAuthClientMetadataInput {
  const url = new URL(publicUrl);
  const common = {
    client_name: name,
    scope: ATTEST_SCOPE,
    grant_types: ["authorization_code"],
    response_types: ["code"],
    dpop_bound_access_tokens: true,
  } satisfies Partial<OAuthClientMetadataInput>;
  if (url.protocol === "https:") {
    return {
      ...common,
      client_id: new URL(METADATA_PATH, url).href as `https://${string}`,
      client_uri: url.origin as `https://${string}`,
      redirect_uris: [new URL(CALLBACK_PATH, url).href as `https://${string}`],
      application_type: "web",
      token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_signing_alg: "ES256",
      jwks_uri: new URL(KEYS_PATH, url).href as `https://${string}`,
    };
  }
  // A loopback client is found by what its id says (RFC 8252 section 7.3: by address, never by the name localhost).
  url.hostname = "127.0.0.1";
  const callback = new URL(CALLBACK_PATH, url).href as `http://127.0.0.1${string}`;
  return {
    ...common,
    client_id: `http://localhost?${new URLSearchParams({ redirect_uri: callback, scope: ATTEST_SCOPE })}`,
    redirect_uris: [callback],
    application_type: "native",
    token_endpoint_auth_method: "none",
  };
}

/** Our ES256 key, made at the first start and kept sealed. */
export async function clientKeys(db: Database, key: Uint8Array, now: number): Promise<Keyset> {
  const box = createBox(key);
  const row = db.get<{ kid: string; sealed: Uint8Array }>(
    "SELECT kid, sealed FROM oauth_client_key ORDER BY made_at DESC LIMIT 1",
  );
  const text = row && box.open(row.sealed, `client key\n${row.kid}`);
  if (text !== undefined) return new Keyset([await JoseKey.fromJWK(text, row!.kid)]);
  const kid = `atmos-${now.toString(36)}`;
  const made = await JoseKey.generate(["ES256"], kid);
  db.run(
    "INSERT INTO oauth_client_key (kid, sealed, made_at) VALUES (?, ?, ?) ON CONFLICT (kid) DO NOTHING",
    kid,
    box.seal(JSON.stringify(made.privateJwk), `client key\n${kid}`),
    now,
  );
  return new Keyset([made]);
}
