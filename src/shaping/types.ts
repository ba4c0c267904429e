import type { Classified, ReplyPhase } from "../protocol/smtp-reply/index.ts";

/** How much one provider (or each set of hosts of nobody known) bears. Rates are of messages. */
export type Limits = {
  /** Open connections over all egress addresses, and from each. */
  connections: number;
  connectionsPerAddress: number;
  messagesPerConnection: number;
  /** Messages a minute from each egress address; undefined: no limit. */
  perMinute: number | undefined;
};

/**
 * What a reply of the other side makes us do, beside what becomes of this recipient. Of the provider `other` it is meant
 * for the one set of hosts that said it: a small server that asks a block list does not stop the mail to all others.
 */
export type Measure =
  /** Half of the rate and of the connections of this provider at this address, for so long (it doubles when it comes again). */
  | { do: "slow-down"; ms: number }
  /** Nothing more to this provider from this address for so long. */
  | { do: "pause-provider"; ms: number }
  /** Nothing more of this member to this provider for so long. */
  | { do: "suspend-member"; ms: number };

export type ShapedReply = Classified & {
  measure: Measure | undefined;
  /** Name of the rule, such as `microsoft/s3140`; undefined: none of the file, the general table judged. */
  rule: string | undefined;
  /** What the operator should do, a sentence; for pages and the log. */
  advice: string | undefined;
  /** Where the provider documents it, or undefined. */
  source: string | undefined;
};

export type HeardReply = {
  code: number;
  enhanced: string;
  text: string;
  phase: ReplyPhase;
  /** The words are ours and not the other side's, although there is a code: no rule of the file matches them. */
  own?: boolean | undefined;
};

export type DomainTls = { tls: "clear" | "floor" | "verified"; minVersion: "TLSv1.2" | "TLSv1.3" };

/** What a rule of the file tells people. */
export type RuleWords = { advice: string | undefined; source: string | undefined };

export interface Shaping {
  /** The provider behind an MX host; `other` for those that the file does not know. */
  providerOf(mxHost: string): string;
  /** The provider of a recipient's domain, when everybody knows it without asking the DNS; else undefined. */
  providerOfMailbox(domain: string): string | undefined;
  providers(): readonly string[];
  limitsOf(provider: string): Limits;
  /** `code` 0 means that the other side said nothing: no rule of the file matches our own words. */
  judge(provider: string, reply: HeardReply): ShapedReply;
  /** By its name, such as `microsoft/s3140`, as the file is now; undefined: it has none. */
  ruleWords(name: string): RuleWords | undefined;
  /** For people: `Outlook.com, Hotmail, Live, MSN`; of hosts of nobody known the hosts themselves. */
  nameOf(provider: string): string;
  /** Of the recipient's domain; undefined: nothing special. */
  domainRule(domain: string): DomainTls | undefined;
  /** Domains that may go in clear, as the operator listed them. */
  clearDomains(): readonly string[];
}
