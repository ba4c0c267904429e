import type { Clock } from "../lib/clock.ts";
import type { RandomBytes } from "../lib/ids.ts";
import type { Database } from "../platform/database.ts";
import type { SealingKey } from "../platform/seal.ts";
import type { createCredentialStore } from "./credential-store.ts";
import type { createKeyStore } from "./key-store.ts";
import type { RecordOptions } from "./records.ts";
import type { createMemberStore } from "./store.ts";

export type MemberOptions = RecordOptions & {
  db: Database;
  clock: Clock;
  random: RandomBytes;
  /** Members' DKIM keys are sealed to the relay as soon as they are made. */
  sealTo: SealingKey;
};

/** What the parts of the registry share. */
export type MemberParts = MemberOptions & {
  store: ReturnType<typeof createMemberStore>;
  keyStore: ReturnType<typeof createKeyStore>;
  credentialStore: ReturnType<typeof createCredentialStore>;
  /** Tells whoever listens that something of a member has changed. */
  changed: (did: string) => void;
};
