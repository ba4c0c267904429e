/** An address that mail leaves from, and the name that it says in EHLO. */
export type EgressAddress = {
  /** IPv4 or IPv6; empty: the one that the system chooses. */
  address: string;
  ehlo: string;
};

export type Family = "ipv4" | "ipv6";

/**
 * What came of one message to a provider from one address, as far as warm-up looks at it. `deferred`: the provider had
 * enough of us or does not know us (a rate, a reputation); a greylist, a full mailbox or a fault of its own is none.
 * `blocked`: it refused us, not the recipient. `bounced`: the recipient's or the message's fault.
 */
export type WarmupOutcome = "delivered" | "deferred" | "blocked" | "complaint" | "bounced";

export type Choice =
  | { ok: true; egress: EgressAddress }
  /** No address may send to this provider now; `at`: when one may (ms since the epoch), and a sentence that says why. */
  | { ok: false; at: number; why: string };

export type ChooseRequest = {
  provider: string;
  /** Families that the hosts can be reached by. */
  families: ReadonlySet<Family>;
  /** The address of the last attempt of this recipient: a greylist knows it; kept unless it is out of use. */
  last: string | undefined;
  /** Addresses that are not to be used there (a measure of the shaping file about hosts of nobody known). */
  without?: ReadonlySet<string>;
  /** It was accepted minutes ago and nobody was asked yet: it is what `promise` was told of. */
  promised?: boolean;
  /** Of the spool: 0 is a login code, for which a part of each allowance is kept free. */
  priority: number;
  now: number;
};

/** What all addresses together may still send to a provider today. */
export type AllowanceLeft = {
  left: number;
  /** The whole day's. */
  daily: number;
  /** When there is more, ms since the epoch. */
  nextAt: number;
};

export interface Egress {
  /** Takes one message of the address's allowance for the day, if there is one. Pure bookkeeping: never waits. */
  choose(request: ChooseRequest): Choice;
  /** Gives back what `choose` took at `takenAt`: nothing of the message was said to the host (no MAIL). */
  giveBack(address: string, provider: string, takenAt: number): void;
  /** Of `other` what one small host defers or blocks is not counted: it says nothing of how all others see the address. */
  record(address: string, provider: string, outcome: WarmupOutcome, now: number): void;
  /**
   * Nothing from this address to this provider until then (a measure of the shaping file), five days at most. Of `other`
   * nothing is paused: what one small host says is no matter of all others, and whoever connects to it keeps it in mind.
   */
  pause(address: string, provider: string, until: number, why: string): void;
  /** A person ended that pause. */
  unpause(address: string, provider: string): void;
  /** A connection could not begin there, for it is not bound on this host: out of use until it is. */
  unbound(address: string, code: string, now: number): void;
  /**
   * Undefined: no limit. `urgent`: with what is kept free for login codes. The acceptance asks it before it takes mail
   * that could not leave.
   */
  allowanceLeft(provider: string, urgent: boolean, now: number): AllowanceLeft | undefined;
  /**
   * So many messages to it were accepted and leave within minutes: they are counted as gone until `choose` takes them, a
   * quarter of an hour at most. Less than nothing: they do not come.
   */
  promise(provider: string, count: number, now: number): void;
  /** A person takes it out of use, or lets it back. False: there is no such address. */
  hold(address: string, why: string, by: string, now: number): boolean;
  release(address: string, why: string, by: string, now: number): boolean;
  /** For pages, metrics, the command line. */
  status(now: number): EgressStatus[];
}

/** Why an address is out of use. `codes`: login codes still leave from it. */
export type OutOfUse = {
  reason: "listed" | "unbound" | "by-hand";
  why: string;
  since: number;
  codes: boolean;
};

/** What one blocklist says of one address. */
export type Listing = {
  list: string;
  /** `unusable`: it fails its own test entries or refuses us, so that it says nothing. */
  state: "clear" | "listed" | "unusable" | "silent" | "unknown";
  /** What it answered, or why it says nothing. */
  evidence: string;
  checkedAt: number;
  /** When it last said anything that counts, listed or clear; absent: an older version wrote it down. */
  heardAt?: number;
  /** Listed until it was clear twice in a row, or until it has said nothing for three days. */
  listed: { since: number; codes: string[]; text: string } | undefined;
  /** Times in a row that it was clear. */
  clear: number;
};

/** PTR and forward confirmation (RFC 1912 section 2.1). */
export type Reverse = {
  checkedAt: number;
  names: string[];
  /** One of those names leads back to the address. */
  confirmed: boolean;
  /** The name in EHLO leads to the address. */
  ehlo: boolean;
  /** A sentence that says what to mend; undefined: nothing. */
  problem: string | undefined;
};

export type ProviderStatus = {
  provider: string;
  stage: number;
  stages: number;
  /** Messages a day; undefined: warm, no limit. */
  allowance: number | undefined;
  usedToday: number;
  today: Record<WarmupOutcome, number>;
  pausedUntil: number | undefined;
  /** Why the stage is what it is, or what pauses it. */
  why: string | undefined;
  since: number;
};

export type EgressStatus = EgressAddress & {
  /** Undefined: in use. Else why it is out of use by itself, and since when. */
  out: OutOfUse | undefined;
  /** Told to be warm by the operator, or not named: there is no allowance to keep to. */
  warm: boolean;
  reverse: Reverse | undefined;
  listings: Listing[];
  providers: ProviderStatus[];
};

/** Something that the committee is told. `none-left`, `some-left`: of all addresses together, and of none of them. */
export type EgressNotice = EgressAddress & {
  change:
    | "listed"
    | "delisted"
    | "unbound"
    | "bound"
    | "held"
    | "released"
    | "stepped-back"
    | "none-left"
    | "some-left";
  why: string;
  at: number;
};
