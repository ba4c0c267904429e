import { DAY_MS } from "../lib/clock.ts";
import { probeSmtp, type SmtpConnect, type SmtpProbe } from "../protocol/smtp-probe/index.ts";
import type { SmtpProber } from "./types.ts";

export type ProberOptions = {
  /** `createSmtpConnect`. */
  connect: SmtpConnect;
  /** Our own name, for EHLO. */
  helo: string;
  now: () => number;
};

/** Less than a day, so that a daily round asks anew. */
const KEPT_MS = (20 / 24) * DAY_MS;
/** Each with the certificates that were shown, of at most 100 kB. */
const MAX_KEPT = 500;
const MAX_ADDRESSES = 10_000;
/** Conversations with one address in that time: many hosts may be there, and no list of names makes us knock all day. */
const MAX_PER_ADDRESS = 50;

/**
 * Speaks to each mail host at most once a day, whoever names it. Undefined is no observation: the address was asked
 * often enough, or nobody at all could be reached, so that our own network may block port 25.
 */
export function createProber({ connect, helo, now }: ProberOptions): SmtpProber {
  const kept = new Map<string, { at: number; probe: Promise<SmtpProbe> }>();
  const knocks = new Map<string, { since: number; count: number }>();
  let reachedAt = -Infinity;

  function mayKnock(address: string): boolean {
    const before = knocks.get(address);
    const current = before && now() - before.since < KEPT_MS ? before : { since: now(), count: 0 };
    current.count++;
    remember(knocks, address, current, MAX_ADDRESSES);
    return current.count <= MAX_PER_ADDRESS;
  }

  return async (target) => {
    const key = `${target.host} ${target.address} ${target.port}`;
    let current = kept.get(key);
    if (!current || now() - current.at >= KEPT_MS) {
      if (!mayKnock(target.address)) return undefined;
      current = { at: now(), probe: probeSmtp(target, helo, connect) };
    }
    remember(kept, key, current, MAX_KEPT);
    const probe = await current.probe;
    if (probe.status !== "unreachable") reachedAt = Math.max(reachedAt, current.at);
    return probe.status === "unreachable" && now() - reachedAt > DAY_MS ? undefined : probe;
  };
}

/** What was used last is forgotten last. */
function remember<T>(map: Map<string, T>, key: string, value: T, max: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > max) map.delete(map.keys().next().value!);
}
