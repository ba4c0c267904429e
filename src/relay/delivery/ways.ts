import { tlsFor, type DomainTransport, type MessageAsk, type TlsDecision } from "../../transport/index.ts";
import type { MailHost } from "./route.ts";

/** A host that mail of a domain may go to, and what it must show before. */
export type Way = { host: MailHost; tls: Extract<TlsDecision, { ok: true }> };
/** A host that is passed over, and why. */
export type Refused = { host: MailHost; tls: Extract<TlsDecision, { ok: false }> };

export type Ways = {
  domain: string;
  /** What its sessions show is told; not of those for a mailed TLS report, which would tell of itself (RFC 8460 section 3). */
  observed: boolean;
  /** In the order in which they are tried; may be none. */
  open: Way[];
  refused: Refused[];
};

/** Which hosts of a route mail of this kind may go to. Pure: the same for all mail of the domain that asks the same. */
export function waysOf(
  hosts: readonly MailHost[],
  transport: DomainTransport,
  ask: MessageAsk = "usual",
): Ways {
  const ways: Ways = { domain: transport.domain, observed: ask !== "tls-report", open: [], refused: [] };
  for (const host of hosts) {
    const tls = tlsFor(host, transport, ask);
    if (tls.ok) ways.open.push({ host, tls });
    else ways.refused.push({ host, tls });
  }
  return ways;
}

/** Why no host at all may be asked: for the attempt, in the words of the first. */
export function whyNone({ refused }: Ways): { permanent: boolean; enhanced: string; text: string } {
  const permanent = refused.length > 0 && refused.every(({ tls }) => tls.permanent);
  return {
    permanent,
    enhanced: permanent ? "5.7.30" : "4.7.5",
    text: refused[0]?.tls.why ?? "there is no host to ask",
  };
}
