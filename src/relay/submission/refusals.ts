import type { MessageFacts } from "../../event/index.ts";
import { gcra, gcraSettled, type Bucket } from "../../lib/gcra.ts";
import { randomId } from "../../lib/ids.ts";
import type { RelayContext } from "../context.ts";

/** Refusals that are told: a few at once, then one each ten minutes for a member (or an address) and reason. */
const BUCKET: Bucket = { limit: 6, periodMs: 3_600_000, burst: 5 };
const MAX_KEYS = 10_000;

export type RefusalFacts = {
  /** Who logged in, and the domain that it is about. */
  who?: { did: string; domain: string; credential: string };
  /** Of the client, an IP address: for those who did not. */
  address?: string;
  stage: string;
  reason: string;
  code: number;
  message?: MessageFacts;
};

/** A flood of refusals is counted, told and logged, and does not fill the disk. Who did not log in has no event. */
export function createRefusalReporter({ spool, event, clock, log, metrics }: RelayContext) {
  const seen = new Map<string, { tat: number | undefined; untold: number }>();

  /** How many were not told before this one; undefined: neither is this one. */
  function turn(key: string): number | undefined {
    const state = seen.get(key) ?? { tat: undefined, untold: 0 };
    seen.set(key, state);
    if (seen.size > MAX_KEYS) seen.delete(seen.keys().next().value!);
    const now = clock.now();
    if (state.tat !== undefined) state.tat = gcraSettled(BUCKET, state.tat, now);
    const pass = gcra(BUCKET, state.tat, now);
    if (!pass.ok) {
      state.untold++;
      return undefined;
    }
    const { untold } = state;
    state.tat = pass.tat;
    state.untold = 0;
    return untold;
  }

  return function report({ who, address, stage, reason, code, message }: RefusalFacts): void {
    metrics.submissions.inc({ outcome: code === 421 ? "end" : code < 500 ? "defer" : "refuse", reason });
    const also = turn(`${who?.did ?? address ?? ""} ${reason}`);
    if (also === undefined) return;
    const detail = { stage, reason, code, also };
    const facts = who ? { member: who.did, credential: who.credential } : { address };
    log.info({ ...facts, ...detail }, "a submission is refused");
    if (!who) return;
    const { did, domain, credential } = who;
    const data = { dedupe_key: `refused:${randomId(10)}`, member: { did, domain }, credential, detail };
    spool
      .appendEvents([event("message_refused", message ? { ...data, message } : data)])
      .catch((err: unknown) => log.error({ err }, "a refusal could not be recorded"));
  };
}
