import { getDomain } from "tldts";
import { clientNetwork } from "../lib/client-network.ts";
import type { Authentication } from "../protocol/authentication/index.ts";

/** A late bounce, and what is known of the delivery that it is about. */
export type LateBounce = {
  /** Of the report; empty: the null sender. */
  mailFrom: string;
  /** Of the host that handed it in. */
  ip: string;
  authentication: Authentication;
  /** Whom it is about, as it says; empty: it does not say. */
  about: string;
  recipient: { address: string; domain: string };
  /** The host that took the message, `name [address]`; empty: not known. */
  takenBy: string;
};

/** `reporter`: the organisation whose word it is, a domain, or the network of an address. */
export type Origin = { authentic: true; reporter: string } | { authentic: false };

/** Who alone is let send in these names: a mailbox of that domain is nobody's. */
const DAEMONS = /^(?:mailer-daemon|postmaster)@/i;

/**
 * Pure. Whether a report is from where the message went: from the recipient's organisation or from that of the host that took
 * the message, proven by SPF or DKIM, or from that host's own network; with a sender that no owner of a mailbox can have
 * (RFC 3464 section 2), and about this recipient. Without a resolver: organisations are told by the list of public suffixes.
 */
export function originOf({ mailFrom, ip, authentication, about, recipient, takenBy }: LateBounce): Origin {
  const { address, domain } = recipient;
  if (mailFrom !== "" && !DAEMONS.test(mailFrom)) return FORGEABLE;
  if (about !== "" && about.toLowerCase() !== address.toLowerCase()) return FORGEABLE;
  const [, host = "", taken = ""] = /^(\S+) \[(.+)\]$/.exec(takenBy) ?? [];
  const trusted = new Set([organisationOf(domain), organisationOf(host)].filter((one) => one !== ""));
  const proven = provenDomains(authentication)
    .map(organisationOf)
    .find((one) => trusted.has(one));
  if (proven !== undefined) return { authentic: true, reporter: proven };
  const network = clientNetwork(ip);
  return taken !== "" && clientNetwork(taken) === network
    ? { authentic: true, reporter: network }
    : FORGEABLE;
}

const FORGEABLE: Origin = { authentic: false };

/** The registrable domain; of a name that is itself a public suffix, the name. */
function organisationOf(domain: string): string {
  const name = domain.toLowerCase().replace(/\.$/, "");
  return getDomain(name, { allowPrivateDomains: true }) ?? name;
}

function provenDomains({ spf, dkim, dmarc }: Authentication): string[] {
  return [
    ...(dmarc.result === "pass" ? [dmarc.domain] : []),
    ...dkim.filter(({ result }) => result === "pass").map(({ domain }) => domain),
    ...(spf.result === "pass" ? [spf.domain] : []),
  ].filter((domain) => domain !== "");
}
