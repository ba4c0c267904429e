import { DAY_MS } from "../lib/clock.ts";
import type { FetchHttpsText } from "../platform/https-text.ts";
import type { Logger } from "../platform/log.ts";
import type { Resolver } from "../protocol/dns/index.ts";
import { parseMtaStsPolicy, parseMtaStsRecord, policyUrl } from "../protocol/mta-sts/index.ts";
import type { KeptPolicy, PolicyStore } from "./store.ts";
import type { StsState } from "./types.ts";

export type PoliciesOptions = {
  store: PolicyStore;
  resolver: Resolver;
  /** At most 64 KiB of text/plain, with a deadline. */
  fetch: FetchHttpsText;
  log: Logger;
  now: () => number;
};

export interface Policies {
  /** What MTA-STS says of a domain now. Asks the DNS, and fetches where that is due. Never rejects. */
  of(domain: string): Promise<StsState>;
  /** Fetches again what is in use and would expire, forgets what has, and writes down what was used. */
  refresh(signal: AbortSignal): Promise<void>;
  close(): void;
}

/** A version whose policy could not be fetched is asked for again after so long (RFC 8461 section 3.3), then twice that, ... */
const BACKOFF_MS = 300_000;
const MOST_BACKOFF_MS = 3_600_000;
/** However often a domain changes its id. */
const LEAST_BETWEEN_MS = 60_000;
const MAX_FAILING = 10_000;
/** At once, and waiting: with the deadline of a fetch, nobody waits for more than three of them. */
const MAX_FETCHES = 50;
const MAX_WAITING = 100;
const MAX_REFRESHED = 100;
const REFRESHED_AT_ONCE = 5;
/** What nothing was sent to for so long is not kept alive. */
const IN_USE_MS = 30 * DAY_MS;
/** What has expired is forgotten so much later: a clock that ran ahead ends no policy for good. */
const EXPIRED_MS = 30 * DAY_MS;
const WRITE_MS = 1_000;
const MAX_UNWRITTEN = 10_000;
/** The use of a policy is written down so coarsely. */
const USED_EVERY_MS = 3_600_000;

const CROWDED = { type: "sts-policy-fetch-error" as const, reason: "too many policies are being fetched" };

type Failing = { id: string; at: number; times: number; fault: NonNullable<StsState["fault"]> };

/** MTA-STS as senders keep it (RFC 8461 sections 3.3 and 5): what was known stands until it expires, whatever fails. */
export function createPolicies({ store, resolver, fetch, log, now }: PoliciesOptions): Policies {
  const failing = new Map<string, Failing>();
  const fetching = new Map<string, Promise<StsState>>();
  /** Not written yet: at most one commit a second, and a crash loses no more than that. */
  const fresh = new Map<string, KeptPolicy>();
  const used = new Map<string, number>();
  let writing: NodeJS.Timeout | undefined;
  const gate = createGate(MAX_FETCHES, MAX_WAITING);

  function inForce(domain: string): KeptPolicy | undefined {
    const kept = fresh.get(domain) ?? store.get(domain);
    return kept && kept.expiresAt > now() ? kept : undefined;
  }

  function keep(policy: KeptPolicy): void {
    fresh.set(policy.domain, policy);
    writing ??= setTimeout(write, WRITE_MS).unref();
  }

  /** A disk that takes nothing is tried again with the next policy; until then they are in memory, as many as fit. */
  function write(): void {
    clearTimeout(writing);
    writing = undefined;
    if (fresh.size + used.size === 0) return;
    try {
      store.write(fresh.values(), used);
      fresh.clear();
      used.clear();
    } catch (err) {
      log.error({ err }, "MTA-STS policies could not be written; they are kept in memory, and tried again");
      for (const domain of fresh.keys()) if (fresh.size > MAX_UNWRITTEN) fresh.delete(domain);
      for (const domain of used.keys()) if (used.size > MAX_UNWRITTEN) used.delete(domain);
    }
  }

  /** The id of the domain's record; `none`: there is none that can be read; `unknown`: the DNS says nothing. */
  async function idOf(domain: string): Promise<{ id: string } | "none" | "unknown"> {
    const answer = await resolver.resolve(`_mta-sts.${domain}`, "TXT");
    if (answer.status === "temperror") return "unknown";
    const texts = answer.status === "ok" ? answer.records.map((record) => record.text) : [];
    const records = texts.map(parseMtaStsRecord).filter((record) => record.status !== "not-mta-sts");
    const [record] = records;
    return records.length === 1 && record?.status === "record" ? { id: record.id } : "none";
  }

  async function fetched(domain: string, id: string): Promise<StsState> {
    const result = await gate(() => fetch(policyUrl(domain)));
    // Not the fault of that domain: its next mail asks again.
    if (!result) return { policy: inForce(domain)?.policy, fault: CROWDED };
    if (!result.ok) {
      const type = result.kind === "certificate" ? "sts-webpki-invalid" : "sts-policy-fetch-error";
      return failed(domain, id, { type, reason: `${policyUrl(domain)}: ${result.why}` });
    }
    const parsed = parseMtaStsPolicy(result.text);
    if (parsed.status === "syntax") {
      const reason = `${policyUrl(domain)}: ${parsed.detail}`;
      return failed(domain, id, { type: "sts-policy-invalid", reason });
    }
    failing.delete(domain);
    const at = now();
    const usedBefore = Math.max(inForce(domain)?.usedAt ?? 0, used.get(domain) ?? 0);
    const { policy } = parsed;
    keep({ domain, id, policy, fetchedAt: at, expiresAt: at + policy.maxAge * 1000, usedAt: usedBefore });
    return { policy, fault: undefined };
  }

  function failed(domain: string, id: string, fault: Failing["fault"]): StsState {
    const before = failing.get(domain);
    failing.delete(domain);
    failing.set(domain, { id, at: now(), times: before?.id === id ? before.times + 1 : 1, fault });
    if (failing.size > MAX_FAILING) failing.delete(failing.keys().next().value!);
    return { policy: inForce(domain)?.policy, fault };
  }

  function mayFetch(domain: string, id: string): boolean {
    const last = failing.get(domain);
    if (!last) return true;
    const wait =
      last.id === id ? Math.min(BACKOFF_MS * 2 ** (last.times - 1), MOST_BACKOFF_MS) : LEAST_BETWEEN_MS;
    const since = now() - last.at;
    // Before it: the clock was set back.
    return since < 0 || since >= wait;
  }

  /** One fetch of a domain at a time. */
  function fetchOnce(domain: string, id: string): Promise<StsState> {
    let under = fetching.get(domain);
    if (!under) {
      under = fetched(domain, id).finally(() => fetching.delete(domain));
      fetching.set(domain, under);
    }
    return under;
  }

  function use(kept: KeptPolicy | undefined, domain: string): void {
    if (!kept || now() - kept.usedAt >= USED_EVERY_MS) used.set(domain, now());
  }

  return {
    async of(domain) {
      const found = await idOf(domain);
      const kept = inForce(domain);
      if (typeof found === "string") {
        if (kept) use(kept, domain);
        return { policy: kept?.policy, fault: undefined };
      }
      use(kept, domain);
      if (kept?.id === found.id) return { policy: kept.policy, fault: failing.get(domain)?.fault };
      if (mayFetch(domain, found.id)) return fetchOnce(domain, found.id);
      return { policy: kept?.policy, fault: failing.get(domain)?.fault };
    },
    async refresh(signal) {
      write();
      store.forgetExpired(now() - EXPIRED_MS);
      const due = store.dueForRefresh(now(), now() - IN_USE_MS, DAY_MS, MAX_REFRESHED);
      const queue = due.values();
      const work = async () => {
        for (const { domain, id: known } of queue) {
          if (signal.aborted) return;
          const found = await idOf(domain);
          // Where the record is gone the policy lives to its end, and no longer; a DNS that is silent ends nothing.
          if (found === "none") continue;
          const id = found === "unknown" ? known : found.id;
          if (mayFetch(domain, id)) await fetchOnce(domain, id);
        }
      };
      await Promise.all(Array.from({ length: REFRESHED_AT_ONCE }, work));
    },
    close: write,
  };
}

/** Lets `most` run at once and `waiting` wait; undefined for more. */
function createGate(most: number, waiting: number) {
  const queue: (() => void)[] = [];
  let running = 0;
  return async <T>(task: () => Promise<T>): Promise<T | undefined> => {
    if (running >= most) {
      if (queue.length >= waiting) return undefined;
      await new Promise<void>((go) => queue.push(go));
    } else running++;
    try {
      return await task();
    } finally {
      const next = queue.shift();
      if (next) next();
      else running--;
    }
  };
}
