import type { MessageFacts } from "../../event/index.ts";
import { gcra, gcraSettled, type Bucket } from "../../lib/gcra.ts";
import { randomId } from "../../lib/ids.ts";
import type { RelayContext } from "../context.ts";

/** Events of refusals: a few at once, then one each ten minutes for a member and reason. The others are counted. */
const BUCKET: Bucket = { limit: 6, periodMs: 3_600_000, burst: 5 };
const MAX_KEYS = 10_000;

export type RefusalFacts = {
  did: string;
  domain: string;
  credential: string;
  stage: string;
  reason: string;
  code: number;
  message?: MessageFacts;
};

/** A flood of refusals is told and logged, and does not fill the disk. */
export function createRefusalReporter({ spool, event, clock, log }: RelayContext) {
  const seen = new Map<string, { tat: number | undefined; untold: number }>();

  return function report({ did, domain, credential, stage, reason, code, message }: RefusalFacts): void {
    const key = `${did} ${reason}`;
    const state = seen.get(key) ?? { tat: undefined, untold: 0 };
    seen.set(key, state);
    if (seen.size > MAX_KEYS) seen.delete(seen.keys().next().value!);
    const now = clock.now();
    if (state.tat !== undefined) state.tat = gcraSettled(BUCKET, state.tat, now);
    const pass = gcra(BUCKET, state.tat, now);
    if (!pass.ok) {
      state.untold++;
      return;
    }
    const detail = { stage, reason, code, also: state.untold };
    log.info({ member: did, credential, ...detail }, "a submission is refused");
    state.tat = pass.tat;
    state.untold = 0;
    const data = { dedupe_key: `refused:${randomId(10)}`, member: { did, domain }, credential, detail };
    spool
      .appendEvents([event("message_refused", message ? { ...data, message } : data)])
      .catch((err: unknown) => log.error({ err }, "a refusal could not be recorded"));
  };
}
