import type { Egress } from "../egress/index.ts";
import type { EventMaker, RecipientFacts } from "../event/index.ts";
import type { Clock } from "../lib/clock.ts";
import { hmacSha256 } from "../lib/mac.ts";
import type { Address } from "../platform/config/index.ts";
import type { Logger } from "../platform/log.ts";
import type { Metrics } from "../platform/metrics.ts";
import type { PolicyBook } from "../policy/index.ts";
import type { DkimKey } from "../protocol/dkim/index.ts";
import type { Resolver } from "../protocol/dns/index.ts";
import type { Measures, Shaping } from "../shaping/index.ts";
import type { Spool } from "../spool/index.ts";
import type { TlsObservation, Transport } from "../transport/index.ts";
import type { Breaker } from "./breaker.ts";
import type { Ages } from "./delivery/age.ts";
import type { Signer } from "./signing/index.ts";
import type { CredentialUse } from "./submission/use.ts";

/** Who the pool is, in greetings, headers and signatures. */
export type RelayIdentity = {
  /** Of this node: banner, EHLO, Received. */
  hostname: string;
  /** `d=` of the pool's signature, `From:` of its own mail. */
  poolDomain: string;
  /** Return path of members that have not delegated one: `bounce.<pool domain>`. */
  poolReturnPath: string;
  poolKeys: readonly DkimKey[];
  /** Third and fourth part of Feedback-ID; the sender has 5 to 15 characters. */
  region: string;
  sender: string;
  /** Authenticates return paths and `X-Atmos-Message`. The same on all nodes of the pool. */
  verpKey: Uint8Array;
  /** Hashes recipients in events. The same on all nodes of the pool. */
  recipientKey: Uint8Array;
};

export type SubmissionConfig = {
  /** Where implicit TLS (465, 2465) and STARTTLS (587, 2587) are offered; port 0: any free one. */
  tlsAddresses: readonly Address[];
  starttlsAddresses: readonly Address[];
  /** PEM. */
  tls: { key: string; cert: string };
  /** Octets of a message; default 25 MiB. */
  maxSize?: number;
  /** Recipients of a message; default 100. */
  maxRecipients?: number;
  /** Open connections; default 1,000. */
  maxConnections?: number;
  /** Open connections from one address; default 50. */
  maxPerAddress?: number;
  /** Time from the connection to a log-in that succeeds; default 30 seconds. */
  loginMs?: number;
  /** Time between commands; default 5 minutes (RFC 5321 section 4.5.3.2.7). */
  idleMs?: number;
  /** Time for one message to come in; default 10 minutes. */
  dataMs?: number;
};

export type DeliveryConfig = {
  /** Of the receiving servers; 25 but in a sandbox. */
  port?: number;
  /** Connections at once, over all; default 200. How many one provider bears the shaping file says. */
  maxConnections?: number;
  /** Names of our own hosts: mail that leads back to them is a loop. */
  ownHosts?: readonly string[];
  /** Whether an address, on the port that mail is delivered to, is one of our own; default: none is known. */
  isOwnAddress?: (address: string) => boolean;
  /** May mail hosts have private addresses? Only in a sandbox. */
  allowPrivate?: boolean;
  /** Source address of connections. */
  localAddress?: string;
  /** Where mail leaves from. */
  egress: Egress;
  /** What providers asked of us. */
  measures: Measures;
  /** How old mail is. */
  ages: Ages;
  /** Why nothing leaves at all now; default: nothing keeps it. */
  standsStill?: () => string | undefined;
  /** PEM, trusted beside the system's authorities. */
  ca?: string;
  deadlines?: Partial<Deadlines>;
};

/** Milliseconds of real time for each phase of a conversation (RFC 5321 section 4.5.3.2). */
export type Deadlines = {
  /** Until the connection stands; until EHLO under TLS where another address is left to ask. */
  connect: number;
  /** Until the host says who it is. */
  greeting: number;
  /** For each EHLO. */
  ehlo: number;
  /** For STARTTLS, and again for the handshake. */
  tls: number;
  /** To find one that takes a conversation among all addresses of a domain. */
  allHosts: number;
  mail: number;
  rcpt: number;
  dataStart: number;
  /** Transfer of the message. */
  body: number;
  dataEnd: number;
};

/**
 * A recipient that this member must not write to, with the words for the reply; undefined: none. As long as the stream is
 * not known, what binds bulk mail alone is not asked for.
 */
export type SuppressionCheck = (
  did: string,
  address: string,
  stream: string | undefined,
) => string | undefined;

/** Where the recipient of a bulk message unsubscribes with one click (RFC 8058): an https URL of its own. */
export type UnsubscribeUrl = (about: { did: string; fromDomain: string; address: string }) => string;

/** Whether an address is one to which the member of this handle sends tests. */
export type IsTestOf = (handle: string, address: string) => boolean;

/** Mail that could not be sent on. */
export type ForwardFailure = {
  /** The member to whose mail it was a reply; null: it is mail to a role address, or its member has left. */
  did: string | null;
  /** Of the member's mail, or of the pool. */
  domain: string;
  /** Where it should have gone. */
  address: string;
  /** RFC 3463. */
  status: string;
  /** The host that said so, or empty; and its words in one line. */
  remote: string;
  said: string;
  /** Ms since the epoch. */
  at: number;
};

/** What the parts of the relay share. */
export type RelayContext = {
  identity: RelayIdentity;
  spool: Spool;
  policyBook: PolicyBook;
  resolver: Resolver;
  clock: Clock;
  log: Logger;
  metrics: Metrics;
  event: EventMaker;
  signer: Signer;
  suppressed: SuppressionCheck;
  isTestOf: IsTestOf;
  /** Absent: bulk mail leaves as it came. */
  unsubscribeUrl?: UnsubscribeUrl | undefined;
  breaker: Breaker;
  /** How mail of a domain must travel. */
  transport: Transport;
  /** Providers, how much they bear, and what their replies mean. */
  shaping: Shaping;
  /** Told of each TLS session that was tried, and of policies that could not be had (RFC 8460). */
  observed: (observation: TlsObservation) => void;
  random: () => number;
  /** Something new is in the spool. */
  accepted: () => void;
  /** A credential logged in. */
  used: (use: CredentialUse) => void;
  /** Mail could not be sent on: for the committee. */
  forwardFailed: (failure: ForwardFailure) => void;
};

/** A recipient in events: who it is only the pool could tell. */
export function recipientFacts(key: Uint8Array, address: string, domain: string): RecipientFacts {
  return {
    key: hmacSha256(key, oneForm(address)).toString("base64url").slice(0, 22),
    domain,
  };
}

/** Quotes name the same mailbox as none (RFC 5321 section 4.1.2), and so do both forms of an accent. */
function oneForm(address: string): string {
  const quoted = /^"(.*)"(@[^@]*)$/s.exec(address);
  const plain = quoted ? quoted[1]!.replace(/\\(.)/gs, "$1") + quoted[2]! : address;
  return plain.normalize("NFC").toLowerCase();
}
