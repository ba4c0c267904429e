import type { RelayContext } from "../context.ts";
import type { Who } from "./login.ts";

/** A credential logged in from an address; on the bus topic `credential.used`. */
export type CredentialUse = {
  credential: string;
  did: string;
  /** Ms since the epoch. */
  at: number;
  /** IP address of the client. */
  address: string;
};

export const CREDENTIAL_USED_TOPIC = "credential.used";

const EVERY_MS = 60_000;
const MAX_KEYS = 10_000;

/** Tells of a use at most once a minute for a credential and address. */
export function createUseReporter({ clock, used }: RelayContext) {
  const told = new Map<string, number>();

  return function report({ member, credential }: Who, address: string): void {
    const key = `${credential.id} ${address}`;
    const now = clock.now();
    if (Math.abs(now - (told.get(key) ?? -Infinity)) < EVERY_MS) return;
    told.delete(key);
    told.set(key, now);
    if (told.size > MAX_KEYS) told.delete(told.keys().next().value!);
    used({ credential: credential.id, did: member.did, at: now, address });
  };
}
