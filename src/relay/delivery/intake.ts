import type { Clock } from "../../lib/clock.ts";
import { systemClock } from "../../lib/clock.ts";
import type { Logger } from "../../platform/log.ts";
import { LEASE_MS, type Leased, type Spool } from "../../spool/index.ts";

/** Leases of what is in hand begin anew so often, in real time: what waits for a slow host is nobody else's meanwhile. */
const RENEW_MS = LEASE_MS / 6;
const LONGEST_SLEEP_MS = 60_000;
const LOOK_AGAIN_MS = 300;
/** What the lanes have no room for is brought again after so long, in real time; twice as long each time. */
const FIRST_BACK_MS = 100;
const LONGEST_BACK_MS = 30_000;
/** Pairs that are kept in mind as full. */
const MOST_FULL = 2_000;
/** Between two looks at the queue, in real time; fewer when many places became free at once. */
const BETWEEN_MS = 15;
const FREED_AT_ONCE = 25;
const FREED_SHARE = 0.1;

/** Recipients in hand at once: of one domain, of one member (of all), and of one member at one domain. */
const OF_DOMAIN = 100;
const OF_PAIR = 60;
const MEMBER_SHARE = 0.2;
/** Login codes have so many places more, of each kind. */
const CODES_MORE = 0.5;

type Parts = {
  spool: Spool;
  clock: Clock;
  log: Logger;
  /** Places in hand, of all. */
  most: number;
  handle: (leased: Leased) => Promise<void>;
};

/** Leases what is due while there is room, and knows what is in hand. */
export function createIntake({ spool, clock, log, most, handle }: Parts) {
  const hand = { domains: createTally(), members: createTally(), pairs: createTally() };
  const ofMember = Math.ceil(most * MEMBER_SHARE);
  /** Pairs of which the lanes took no more: until when they get none, and after how long they were asked the last time. */
  const full = new Map<string, { until: number; ms: number }>();
  const leases = new Set<string>();
  const renewing = setInterval(() => void renew(), RENEW_MS).unref();
  let count = 0;
  let freed = 0;
  let closed = false;
  let running: Promise<void> | undefined;
  let nap = new AbortController();
  let soon: NodeJS.Timeout | undefined;
  let idle: (() => void)[] = [];
  let pass: Promise<{ took: number; nextDue: number | undefined }> | undefined;

  async function renew(): Promise<void> {
    if (leases.size === 0) return;
    try {
      await spool.renew([...leases]);
    } catch (err) {
      if (!closed)
        log.error({ err }, "the leases of what is in hand were not renewed; again in five minutes");
    }
  }

  function change(leased: Leased, by: 1 | -1): void {
    count += by;
    hand.domains.change(leased.domain, by);
    hand.members.change(leased.message.did, by);
    hand.pairs.change(pairOf(leased), by);
  }

  function fullNow(): string[] {
    const now = performance.now();
    return [...full].flatMap(([pair, { until }]) => (until > now ? [pair] : []));
  }

  /** Works on one recipient; resolves when it is out of our hands, and never rejects. */
  function take(leased: Leased, work: (leased: Leased) => Promise<void>): Promise<void> {
    leases.add(leased.id);
    change(leased, 1);
    return work(leased)
      .catch((err: unknown) =>
        log.error({ err, recipient: leased.id }, "a delivery result could not be recorded"),
      )
      .finally(() => {
        leases.delete(leased.id);
        change(leased, -1);
        if (count === 0) for (const resolve of idle.splice(0)) resolve();
        if (++freed >= Math.max(FREED_AT_ONCE, count * FREED_SHARE) || count === 0) wake();
        else wakeSoon();
      });
  }

  function wake(): void {
    nap.abort();
  }

  function wakeSoon(): void {
    soon ??= setTimeout(() => {
      soon = undefined;
      wake();
    }, BETWEEN_MS);
  }

  /** Places that are free, with `more` of each kind than there usually are. */
  function places(more: number) {
    const times = (n: number) => Math.ceil(n * (1 + more));
    return {
      max: Math.max(0, times(most) - count),
      perDomain: times(OF_DOMAIN),
      busy: hand.domains.atLeast(times(OF_DOMAIN)),
      perMember: times(ofMember),
      busyMembers: hand.members.atLeast(times(ofMember)),
      perPair: times(OF_PAIR),
      busyPairs: [...hand.pairs.atLeast(times(OF_PAIR)), ...fullNow()],
    };
  }

  /** Leases what there is room for; one at a time. */
  function leasePass(): Promise<{ took: number; nextDue: number | undefined }> {
    pass ??= (async () => {
      freed = 0;
      const codes = places(CODES_MORE);
      if (codes.max === 0) return { took: 0, nextDue: undefined };
      const { leased, nextDue } = await spool.lease({ now: clock.now(), ...places(0), codes });
      for (const one of leased) void take(one, handle);
      return { took: leased.length, nextDue };
    })().finally(() => (pass = undefined));
    return pass;
  }

  async function loop(): Promise<void> {
    for (;;) {
      if (closed) return;
      nap = new AbortController();
      const { signal } = nap;
      let sleep = LONGEST_SLEEP_MS;
      try {
        const { took, nextDue } = await leasePass();
        const wait = (nextDue ?? Infinity) - clock.now();
        // What is due and was not taken is of a busy domain or member: a finished delivery wakes us, or the next look.
        if (took === 0) sleep = Math.min(sleep, wait > 0 ? wait : LOOK_AGAIN_MS);
        if (took > 0 && count < most) continue;
      } catch (err) {
        if (!closed) log.error({ err }, "the spool gave no leases; again soon");
        sleep = 1_000;
      }
      if (!closed) await clock.sleep(sleep, signal);
    }
  }

  function whenIdle(): Promise<void> {
    return count === 0 ? Promise.resolve() : new Promise((resolve) => idle.push(resolve));
  }

  return {
    take,
    wake,
    start() {
      running ??= loop();
    },
    /** There is no room for more of this member for this domain: it is brought again after a while, longer each time. */
    backOff(leased: Leased): void {
      const pair = pairOf(leased);
      const now = performance.now();
      const before = full.get(pair);
      // Of many that were brought together each says the same.
      if (before && now < before.until) return;
      const ms = before ? Math.min(before.ms * 2, LONGEST_BACK_MS) : FIRST_BACK_MS;
      full.delete(pair);
      full.set(pair, { until: now + ms, ms });
      if (full.size > MOST_FULL) full.delete(full.keys().next().value!);
    },
    /** Something of this member for this domain has an end. */
    goesOn(leased: Leased): void {
      full.delete(pairOf(leased));
    },
    /** These are in hand, and will be taken soon. */
    keep(leased: readonly Leased[]): void {
      for (const { id } of leased) leases.add(id);
    },
    async settle(): Promise<void> {
      for (;;) {
        await whenIdle();
        await pass;
        const { took } = await leasePass();
        if (took === 0 && count === 0) return;
      }
    },
    /** Leases nothing more. */
    async stop(): Promise<void> {
      closed = true;
      clearInterval(renewing);
      clearTimeout(soon);
      nap.abort();
      await running;
    },
    /** Resolves when nothing is in hand, or after `ms`. */
    async empty(ms: number): Promise<void> {
      const limit = new AbortController();
      await Promise.race([whenIdle(), systemClock.sleep(ms, limit.signal)]);
      limit.abort();
      clearTimeout(soon);
    },
  };
}

const pairOf = ({ domain, message: { did } }: Leased) => `${did} ${domain}`;

function createTally() {
  const counts = new Map<string, number>();
  return {
    change(key: string, by: 1 | -1): void {
      const left = (counts.get(key) ?? 0) + by;
      if (left > 0) counts.set(key, left);
      else counts.delete(key);
    },
    atLeast: (n: number): string[] => [...counts].filter(([, c]) => c >= n).map(([key]) => key),
  };
}
