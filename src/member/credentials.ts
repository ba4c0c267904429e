import { DAY_MS } from "../lib/clock.ts";
import { randomId } from "../lib/ids.ts";
import { secretKey, secretMatches, STREAMS, type Stream } from "../policy/index.ts";
import { policiesOf } from "./credential-policy.ts";
import { mintCredential } from "./credential.ts";
import type { MemberError } from "./errors.ts";
import { networkOf } from "./network.ts";
import type { MemberParts } from "./parts.ts";
import type { CredentialRow } from "./schema.ts";

/** Credentials in use that a member may have at once. */
const MOST = 50;
/** Networks within a day, after which another one is not told: whoever has a secret and many addresses fills no page. */
const NEWS_OF_A_DAY = 20;

export type NewCredential = {
  /** What it is for: "pds", "ghost blog". */
  name?: string;
  streams?: Stream[];
  /** Caps in recipients, below those of the tier; null: none. */
  hourly?: number | null;
  daily?: number | null;
};

/** The secret is shown once: only its hash is kept. */
export type MadeCredential = {
  id: string;
  name: string;
  username: string;
  secret: string;
  domains: string[];
};

/** As people may see it: no hash. Times in ms since the epoch. */
export type CredentialView = {
  id: string;
  name: string;
  username: string;
  domains: string[];
  streams: Stream[];
  hourly: number | null;
  daily: number | null;
  createdAt: number;
  lastUsed: { at: number; address: string } | null;
  revoked: { at: number; by: string } | null;
  replacedBy: string | null;
  /** Networks it was used from, the latest first. */
  networks: string[];
};

export type CredentialUse = { credential: string; did: string; at: number; address: string };

export function createCredentials(parts: MemberParts) {
  const { store, credentialStore, clock, random, changed } = parts;

  function create(
    did: string,
    domains: string[],
    wanted: NewCredential,
    most = MOST,
  ): MadeCredential | MemberError {
    const member = store.member(did);
    if (!member) return { error: "not-a-member", did };
    if (member.membership === "left") return { error: "has-left", did, membership: member.membership };
    const held = new Set(store.domainsOf(did).map((row) => row.name));
    const stranger = domains.find((domain) => !held.has(domain));
    if (stranger !== undefined || domains.length === 0)
      return { error: "domain-not-held", domain: stranger ?? "" };
    const inUse = credentialStore.credentialsOf(did).filter((row) => row.revoked_at === null);
    if (inUse.length >= most) return { error: "too-many-credentials", did, most };
    const { username, secret, hash } = mintCredential(member.handle, random);
    const row: CredentialRow = {
      id: randomId(8, random),
      did,
      name: wanted.name ?? "pds",
      username,
      hash,
      secret_key: secretKey(did, secret),
      domains: JSON.stringify(domains),
      streams: JSON.stringify(wanted.streams ?? STREAMS),
      hourly: wanted.hourly ?? null,
      daily: wanted.daily ?? null,
      created_at: clock.now(),
      revoked_at: null,
      revoked_by: null,
      stolen: 0,
      vouched: 0,
      replaced_by: null,
      last_used_at: null,
      last_address: null,
    };
    credentialStore.insertCredential(row);
    changed(did);
    return { id: row.id, name: row.name, username, secret, domains };
  }

  return {
    createCredential: (did: string, domains: string[], wanted: NewCredential = {}) =>
      create(did, domains, wanted),

    revokeCredential(did: string, id: string, by = "operator"): boolean {
      const revoked = credentialStore.revokeCredential(did, id, clock.now(), by);
      if (revoked) changed(did);
      return revoked;
    },

    /**
     * Revokes a credential and makes another with the same reach; only revokes it when none of its domains is left.
     * `stolen`: what it has in the spool stays there until it is dropped; otherwise that leaves.
     */
    replaceCredential(
      did: string,
      id: string,
      options: { by: string; stolen: boolean },
    ): MadeCredential | MemberError {
      const old = credentialStore.credential(id);
      if (old?.did !== did || old.revoked_at !== null)
        return { error: "credential-not-in-use", credential: id };
      return store.transaction(() => {
        const held = new Set(store.domainsOf(did).map((row) => row.name));
        const made = create(
          did,
          (JSON.parse(old.domains) as string[]).filter((domain) => held.has(domain)),
          { name: old.name, streams: JSON.parse(old.streams), hourly: old.hourly, daily: old.daily },
          MOST + 1,
        );
        credentialStore.revokeCredential(did, id, clock.now(), options.by);
        credentialStore.setReplaced(id, "error" in made ? null : made.id, options.stolen);
        changed(did);
        return made;
      });
    },

    /** What a credential that was revoked has in the spool may leave, unless somebody else used it. */
    vouchFor(did: string, id: string): void {
      if (credentialStore.vouchFor(did, id)) changed(did);
    },

    /** What a credential that was revoked has in the spool is dropped: somebody else used it. */
    markStolen(did: string, id: string): void {
      if (credentialStore.markStolen(did, id)) changed(did);
    },

    /** Whether this is the secret of the credential. */
    isSecretOf(id: string, secret: string): boolean {
      const row = credentialStore.credential(id);
      return row !== undefined && secretMatches(row.username, secret, row.hash);
    },

    /**
     * Keeps last use and address. The network, when the credential was used before but never from there (of the last 64
     * networks); undefined otherwise, for what is no address or no credential of the member, and when so many networks
     * were in use within a day that one more is no news.
     */
    noteUse({ credential, did, at, address }: CredentialUse): string | undefined {
      const row = credentialStore.credential(credential);
      const network = networkOf(address);
      if (row?.did !== did || network === undefined) return undefined;
      return store.transaction(() => {
        const known = credentialStore.networks(credential);
        credentialStore.setUsed(credential, at, address);
        credentialStore.putNetwork(credential, network, at);
        const ofLate = known.filter((one) => one.last_at > at - DAY_MS).length;
        const isNew = known.length > 0 && !known.some((one) => one.network === network);
        return isNew && ofLate < NEWS_OF_A_DAY ? network : undefined;
      });
    },

    credential: (id: string) => credentialStore.credential(id),
    credentialsOf: (did: string): CredentialView[] =>
      credentialStore.credentialsOf(did).map((row) => ({
        id: row.id,
        name: row.name,
        username: row.username,
        domains: JSON.parse(row.domains) as string[],
        streams: JSON.parse(row.streams) as Stream[],
        hourly: row.hourly,
        daily: row.daily,
        createdAt: row.created_at,
        lastUsed:
          row.last_used_at === null ? null : { at: row.last_used_at, address: row.last_address ?? "" },
        revoked: row.revoked_at === null ? null : { at: row.revoked_at, by: row.revoked_by ?? "" },
        replacedBy: row.replaced_by,
        networks: credentialStore.networks(row.id).map((one) => one.network),
      })),

    credentialPolicies: (did: string) => policiesOf(credentialStore.credentialsOf(did), clock.now()),
  };
}
