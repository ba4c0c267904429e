/** An address that mail leaves from, and the name that it says in EHLO. */
export type EgressAddress = { address: string; ehlo: string };

/** What came of one message to a provider from one address, as far as warm-up looks at it. */
export type WarmupOutcome = "delivered" | "deferred" | "blocked" | "complaint" | "bounced";

export type Choice =
  | { ok: true; egress: EgressAddress }
  /** No address may send to this provider now; `at`: when one may (ms since the epoch), and a sentence that says why. */
  | { ok: false; at: number; why: string };

export type ChooseRequest = {
  provider: string;
  /** Families that the hosts can be reached by. */
  families: ReadonlySet<"ipv4" | "ipv6">;
  /** The address of the last attempt of this recipient: a greylist knows it; kept unless it is out of use. */
  last: string | undefined;
  now: number;
};

export interface Egress {
  /** Takes one message of the address's allowance for the day, if there is one. Pure bookkeeping: never waits. */
  choose(request: ChooseRequest): Choice;
  /** Gives back what `choose` took: the message did not leave. */
  giveBack(address: string, provider: string, now: number): void;
  record(address: string, provider: string, outcome: WarmupOutcome, now: number): void;
  /** Nothing from this address to this provider until then (a measure of the shaping file). */
  pause(address: string, provider: string, until: number, why: string): void;
  /** For pages, metrics, the command line. */
  status(now: number): EgressStatus[];
}

export type EgressStatus = EgressAddress & {
  /** Undefined: in use. Else why it is out of use by itself, and since when. */
  out: { why: string; since: number } | undefined;
  providers: {
    provider: string;
    stage: number;
    /** Messages a day; undefined: warm, no limit. */
    allowance: number | undefined;
    usedToday: number;
    pausedUntil: number | undefined;
    why: string | undefined;
  }[];
};
