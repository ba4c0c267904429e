import type { Clock } from "../lib/clock.ts";
import type { Database } from "../platform/database.ts";
import type { FetchHttpsText } from "../platform/https-text.ts";
import type { Logger } from "../platform/log.ts";
import type { Resolver } from "../protocol/dns/index.ts";
import { createPolicies } from "./policies.ts";
import { createPolicyStore } from "./store.ts";
import type { DomainRule, DomainTransport } from "./types.ts";

export { judgeOf, tlsFor } from "./decide.ts";
export { lookUpDane, type HostFound } from "./dane.ts";
export { transportMigration } from "./store.ts";
export { TLS_REASON_WORDS } from "./words.ts";
export type {
  DomainRule,
  DomainTransport,
  HostDane,
  MessageAsk,
  Published,
  StsState,
  TlsDecision,
  TlsHost,
  TlsNeed,
  TlsObservation,
  TlsProof,
  TlsReason,
  TlsResultType,
  TlsVerdict,
  TlsVersion,
} from "./types.ts";

export type TransportOptions = {
  /** Opened with `transportMigration`. */
  db: Database;
  resolver: Resolver;
  /** For policies: `createHttpsText`, of 64 KiB. */
  fetch: FetchHttpsText;
  clock: Clock;
  log: Logger;
  /** What the operator's shaping file says of a domain; default: nothing. */
  ruleOf?: (domain: string) => DomainRule | undefined;
};

export interface Transport {
  /** What holds for mail of a recipient domain, of which MTA-STS may have to be fetched. Never rejects. */
  of(domain: string): Promise<DomainTransport>;
  /** What the operator says of a domain now: it may have changed since `of`. */
  ruleOf(domain: string): DomainRule | undefined;
  /** Keeps the policies in use alive; to be called every few minutes. */
  refresh(signal: AbortSignal): Promise<void>;
  /**
   * Whether the resolver validates DNSSEC; undefined: it does not say. Without one that does, DANE is off, which is logged.
   * To be called now and then.
   */
  validates(): Promise<boolean | undefined>;
  /** Writes down what is in memory only. */
  close(): void;
}

/** Beyond so many domains with a policy those go to which nothing was sent for longest. */
const MAX_POLICIES = 50_000;
const NO_POLICY = { policy: undefined, fault: undefined };

export function openTransport(options: TransportOptions): Transport {
  const { db, resolver, fetch, clock, log, ruleOf = () => undefined } = options;
  const now = () => clock.now();
  const policies = createPolicies({ store: createPolicyStore(db, MAX_POLICIES), resolver, fetch, log, now });
  let said: boolean | undefined;

  return {
    async of(domain) {
      // An address literal has no policy.
      const sts = domain.startsWith("[") ? NO_POLICY : await policies.of(domain);
      return { domain, sts, rule: ruleOf(domain) };
    },
    ruleOf,
    refresh: (signal) => policies.refresh(signal),
    async validates() {
      // `org` is signed and delegated from the signed root.
      const answer = await resolver.resolve("org", "SOA");
      if (answer.status === "temperror") return undefined;
      if (answer.authentic !== said) {
        said = answer.authentic;
        if (said) log.info("the resolver validates DNSSEC: DANE is on");
        else
          log.warn(
            "the resolver does not validate DNSSEC: DANE is off. Name one that does, on this host, in ATMOS_DNS_SERVERS (docs/transport.md)",
          );
      }
      return answer.authentic;
    },
    close: () => policies.close(),
  };
}
