import { DAY_MS } from "../lib/clock.ts";
import type { ReportedFailure, ReportedPolicy } from "../protocol/tls-rpt/index.ts";
import type { TlsObservation } from "../transport/index.ts";
import type { Tally } from "./store.ts";

const MAX_TEXT = 200;
const MAX_NAME = 255;
const MAX_STRINGS = 30;
const MAX_STRING = 600;
const MAX_POLICY = 4_000;

const cut = (text: string, most: number) => text.replace(/[^ -~]/g, "?").slice(0, most);

/** As many as fit: each policy of each domain is kept for a week. */
function bounded(texts: readonly string[], mostEach: number): string[] {
  let left = MAX_POLICY;
  return texts
    .slice(0, MAX_STRINGS)
    .map((one) => cut(one, mostEach))
    .filter((one) => (left -= one.length) >= 0);
}

/** What is in memory since the last writing. */
export function createTallies(most: number) {
  const held = new Map<string, Tally>();
  /** The same object for all sessions of a domain as long as its route is known. */
  const policies = new WeakMap<TlsObservation["policy"], string>();

  function policyOf(policy: TlsObservation["policy"]): string {
    let text = policies.get(policy);
    if (text === undefined) {
      const { type, strings, mxHosts } = policy;
      const about: ReportedPolicy = {
        type,
        strings: bounded(strings, MAX_STRING),
        mxHosts: bounded(mxHosts, MAX_NAME),
      };
      text = JSON.stringify(about);
      policies.set(policy, text);
    }
    return text;
  }

  return {
    /** False: there is no room for it. */
    add({ at, domain, policy, failure }: TlsObservation): boolean {
      const day = Math.floor(at / DAY_MS);
      const about = policyOf(policy);
      const how = failure && JSON.stringify(boundedFailure(failure));
      const key = `${day} ${domain} ${about} ${how ?? ""}`;
      const known = held.get(key);
      if (known) known.sessions++;
      else if (held.size >= most) return false;
      else held.set(key, { day, domain, policy: about, failure: how, sessions: 1 });
      return true;
    },
    size: () => held.size,
    all: (): Tally[] => [...held.values()],
    clear: () => held.clear(),
  };
}

function boundedFailure(failure: NonNullable<TlsObservation["failure"]>): ReportedFailure {
  return {
    type: failure.type,
    reason: cut(failure.reason, MAX_TEXT),
    sendingIp: failure.sendingIp,
    mxHost: cut(failure.mxHost, MAX_NAME),
    mxHelo: cut(failure.mxHelo, MAX_NAME),
    receivingIp: failure.receivingIp,
  };
}
