import { Database } from "../platform/database.ts";
import type { PolicyStore } from "./book.ts";
import { hashSecret } from "./credential.ts";
import type { DecideInput } from "./decide.ts";
import { loadPolicies, policyMigration, savePause, savePolicy } from "./store.ts";
import type { CredentialPolicy, DomainPolicy, MemberPolicy } from "./types.ts";

export const now = 1_767_225_600_000;
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

export const credential: CredentialPolicy = {
  id: "c1",
  username: "u1",
  hash: hashSecret("u1", "secret"),
  domains: ["member.test"],
  streams: ["transactional", "bulk"],
  hourly: null,
  daily: null,
  revoked: false,
};

export const domain = (name: string, more: Partial<DomainPolicy> = {}): DomainPolicy => ({
  name,
  status: "active",
  returnPath: null,
  addedAt: 0,
  keys: [],
  ...more,
});

export const member: MemberPolicy = {
  did: "did:plc:a",
  handle: "a",
  version: 1,
  membership: "member",
  standing: "good",
  tier: "new",
  joinedAt: 0,
  reason: null,
  domains: [domain("member.test"), domain("broken.test", { status: "held" })],
  credentials: [credential],
};

export const base: DecideInput = {
  stage: "data",
  member,
  credential,
  fromDomain: "member.test",
  recipients: 1,
  limits: {},
  now,
};

/** A store on SQLite, as the spool's writer has one. */
export function openStore(db = new Database(":memory:", [policyMigration])): {
  db: Database;
  store: PolicyStore;
} {
  return {
    db,
    store: {
      loadPolicies: async () => loadPolicies(db),
      savePolicy: async (policy) => savePolicy(db, policy),
      savePause: async (pause) => savePause(db, pause),
    },
  };
}
