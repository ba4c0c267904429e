import { isIP } from "node:net";
import type { Clock } from "../lib/clock.ts";
import type { Database } from "../platform/database.ts";
import type { Logger } from "../platform/log.ts";
import type { Metrics } from "../platform/metrics.ts";
import type { Resolver } from "../protocol/dns/index.ts";
import { shownList } from "./blocklist.ts";
import { createLedger, type Lane } from "./ledger.ts";
import { outOfUse, type LastListed, type Standing } from "./out.ts";
import { nextDay, pick, room, type Candidate } from "./pick.ts";
import { keptForCodes } from "./ramp.ts";
import { createPromises } from "./promises.ts";
import { createEgressStore } from "./store.ts";
import type {
  AllowanceLeft,
  ChooseRequest,
  Egress,
  EgressAddress,
  EgressNotice,
  EgressStatus,
  OutOfUse,
  WarmupOutcome,
} from "./types.ts";
import { createWatch } from "./watch.ts";

export type EgressOptions = {
  db: Database;
  /** At least one. One without an address stands for the system's own choice, and is taken to be warm. */
  addresses: readonly EgressAddress[];
  /** Addresses that have sent for long. */
  warm: ReadonlySet<string> | "all";
  blocklists: readonly string[];
  lastListed: LastListed;
  allowPrivate: boolean;
  resolver: Resolver;
  clock: Clock;
  log: Logger;
  metrics: Pick<Metrics, "egressAddresses" | "egressListings" | "warmupWaits" | "warmupStepsBack">;
  /** Why connections cannot begin at an address of this host; undefined: they can. */
  localFault: (address: string) => Promise<string | undefined>;
  /** Told of what the committee should know. */
  notify?: (notice: EgressNotice) => void;
};

export type RunningEgress = Egress & {
  /** One look each: at the blocklists, at the DNS of the addresses, at whether they are bound here. */
  checkListings(): Promise<void>;
  checkReverse(): Promise<void>;
  checkBound(): Promise<void>;
  /** Writes what changed; by itself about once a second. Losing the last second costs a few counts. */
  flush(): void;
  close(): void;
};

/** Hosts of nobody known, all together. */
const OTHER = "other";
const FLUSH_MS = 1_000;
const LONGEST_PAUSE_MS = 5 * 86_400_000;
const LOOK_AGAIN_MS = 900_000;

/** One that ends later than any pause does was begun by a clock that was wrong. */
function pauseOf({ pausedUntil }: Lane, now: number): number | undefined {
  const runs = pausedUntil !== null && pausedUntil > now && pausedUntil <= now + LONGEST_PAUSE_MS;
  return runs ? pausedUntil : undefined;
}

export function createEgress(options: EgressOptions): RunningEgress {
  const { addresses, clock, log, metrics } = options;
  const store = createEgressStore(options.db);
  const saved = store.load();
  const watch = createWatch(options);
  const isWarm = (address: string) => address === "" || options.warm === "all" || options.warm.has(address);
  const ledger = createLedger({
    lanes: saved.lanes,
    days: saved.days,
    isWarm,
    onBack({ address, provider }, why, now) {
      metrics.warmupStepsBack.inc({ provider });
      tell(address, "stepped-back", `${provider}: ${why}`, now);
    },
  });
  const standings = new Map<string, Standing>(
    addresses.map(({ address }) => {
      const known = saved.addresses.find((row) => row.address === address);
      const none = { address, held: undefined, reverse: undefined, listings: [] };
      return [address, { ...none, ...known, unbound: undefined }];
    }),
  );
  const promises = createPromises();
  const dirty = new Set<Standing>();
  let out: ReadonlyMap<string, OutOfUse> = new Map();
  let noneLeft = false;
  const timer = setInterval(flush, FLUSH_MS).unref();
  judge();

  function tell(address: string, change: EgressNotice["change"], why: string, at: number): void {
    const ehlo = addresses.find((one) => one.address === address)?.ehlo ?? "";
    const good = ["bound", "delisted", "released", "some-left"].includes(change);
    log[good ? "info" : "error"]({ address, ehlo, why }, `egress address ${change}`);
    options.notify?.({ address, ehlo, change, why, at });
  }

  /** Who is out of use follows from what is known; it is asked again after each change of that. */
  function judge(): void {
    out = outOfUse([...standings.values()], options.lastListed);
    const listings = [...standings.values()].flatMap((one) => one.listings);
    metrics.egressAddresses.set({ state: "in-use" }, addresses.length - out.size);
    metrics.egressAddresses.set({ state: "out" }, out.size);
    metrics.egressListings.set(listings.filter(({ listed }) => listed).length);
    const none = out.size === addresses.length;
    if (none === noneLeft) return;
    noneLeft = none;
    if (none) tell("", "none-left", wordsOfNone(), clock.now());
    else tell("", "some-left", "Mail leaves again", clock.now());
  }

  function wordsOfNone(): string {
    const all = [...out.values()];
    const what = all.some(({ codes }) => codes) ? "Only login codes leave" : "No mail leaves";
    const whys = [...new Set(all.map(({ why }) => why))].join("; ");
    return `${what}, for every sending address is out of use: ${whys}. What waits does so for five days at most, and new mail is answered 451`;
  }

  function candidate({ address }: EgressAddress, provider: string, now: number): Candidate & { lane: Lane } {
    const lane = ledger.lane(address, provider, now);
    const why = out.get(address);
    const family = isIP(address);
    return {
      lane,
      address,
      family: family === 0 ? undefined : family === 4 ? "ipv4" : "ipv6",
      out: why && (why.codes ? "codes" : "all"),
      outWhy: why?.why,
      pausedUntil: pauseOf(lane, now),
      pauseWhy: lane.pauseWhy ?? undefined,
      allowance: ledger.allowance(lane),
      taken: ledger.tally(lane).taken,
    };
  }

  function choose(request: ChooseRequest): ReturnType<Egress["choose"]> {
    const { provider, now } = request;
    const usable = addresses.filter(({ address }) => !request.without?.has(address));
    if (usable.length === 0 && addresses.length > 0)
      return { ok: false, at: Infinity, why: "no sending address of ours may send there now" };
    const candidates = usable.map((one) => candidate(one, provider, now));
    const picked = pick(candidates, request);
    if (!picked.ok) {
      metrics.warmupWaits.inc({ provider });
      return picked;
    }
    const at = candidates.findIndex(({ address }) => address === picked.address);
    ledger.take(candidates[at]!.lane);
    if (request.promised) promises.take(provider, 1, now);
    return { ok: true, egress: usable[at]! };
  }

  function allowanceLeft(provider: string, urgent: boolean, now: number): AllowanceLeft | undefined {
    const priority = urgent ? 0 : 1;
    let [left, daily] = [0, 0];
    let any = false;
    for (const address of addresses) {
      const one = candidate(address, provider, now);
      if (one.out === "all" || (one.out === "codes" && !urgent)) continue;
      if (one.allowance === undefined) return undefined;
      any = true;
      left += Math.max(0, room(one, priority));
      daily += one.allowance - (urgent ? 0 : keptForCodes(one.allowance));
    }
    return {
      left: Math.max(0, left - promises.count(provider, now)),
      daily,
      nextAt: any ? nextDay(now) : now + LOOK_AGAIN_MS,
    };
  }

  function change(address: string, by: Partial<Standing>): void {
    const standing = standings.get(address);
    if (!standing) return;
    Object.assign(standing, by);
    dirty.add(standing);
    judge();
  }

  function unbound(address: string, code: string, now: number): void {
    const standing = standings.get(address);
    if (!standing || standing.unbound || address === "") return;
    change(address, { unbound: { code, since: now } });
    tell(address, "unbound", `connections cannot begin there (${code}): give the address to this host`, now);
  }

  const listingsOf = (address: string) => standings.get(address)?.listings ?? [];

  function tellOfListings(
    address: string,
    before: Standing["listings"],
    after: Standing["listings"],
    now: number,
  ) {
    for (const { list, listed, evidence, state } of after) {
      const was = before.find((one) => one.list === list)?.listed;
      if (listed && !was)
        tell(address, "listed", `${shownList(list)}: ${evidence} ${listed.text}`.trim(), now);
      if (!listed && was) {
        const silent = state === "clear" ? "" : `: it has said nothing for three days (${evidence})`;
        tell(address, "delisted", `${shownList(list)}${silent}`, now);
      }
    }
  }

  function flush(): void {
    const changed = ledger.changes();
    const rows = [...dirty];
    if (changed.lanes.length + changed.days.length + rows.length === 0) return;
    dirty.clear();
    try {
      store.save({ ...changed, addresses: rows });
    } catch (err) {
      changed.again();
      for (const row of rows) dirty.add(row);
      log.error({ err }, "the counters of the egress addresses were not written; again in a second");
    }
  }

  return {
    choose,
    allowanceLeft,
    flush,
    promise(provider, count, now) {
      if (count > 0) promises.add(provider, count, now);
      else promises.take(provider, -count, now);
    },
    giveBack(address, provider, takenAt) {
      if (standings.has(address)) ledger.giveBack(ledger.lane(address, provider, clock.now()), takenAt);
    },
    record(address, provider, outcome: WarmupOutcome, now) {
      if (
        !standings.has(address) ||
        (provider === OTHER && (outcome === "blocked" || outcome === "deferred"))
      )
        return;
      ledger.count(ledger.lane(address, provider, now), outcome);
    },
    pause(address, provider, until, why) {
      const now = clock.now();
      if (!standings.has(address) || provider === OTHER) return;
      const lane = ledger.lane(address, provider, now);
      const end = Math.min(until, now + LONGEST_PAUSE_MS);
      // The longest one counts.
      if (end > (pauseOf(lane, now) ?? now)) ledger.pause(lane, end, why);
    },
    unpause(address, provider) {
      if (!standings.has(address)) return;
      const lane = ledger.lane(address, provider, clock.now());
      if (lane.pausedUntil !== null) ledger.pause(lane, null, null);
    },
    unbound,
    hold(address, why, by, now) {
      if (!standings.has(address)) return false;
      change(address, { held: { why, by, at: now } });
      tell(address, "held", `${by}: ${why}`, now);
      return true;
    },
    release(address, why, by, now) {
      if (!standings.has(address)) return false;
      change(address, { held: undefined });
      tell(address, "released", `${by}: ${why}`, now);
      return true;
    },
    async checkListings() {
      const now = clock.now();
      const found = await watch.listings(addresses, listingsOf, now);
      for (const [address, listings] of found) {
        const known = listingsOf(address);
        change(address, { listings });
        tellOfListings(address, known, listings, now);
      }
    },
    async checkReverse() {
      for (const one of addresses) {
        const before = standings.get(one.address)!.reverse;
        const reverse = await watch.reverse(one, clock.now());
        if (!reverse) continue;
        change(one.address, { reverse });
        if (reverse.problem !== undefined && reverse.problem !== before?.problem)
          log.warn({ address: one.address }, reverse.problem);
      }
    },
    async checkBound() {
      for (const { address } of addresses) {
        if (address === "") continue;
        const code = await options.localFault(address);
        if (code !== undefined) unbound(address, code, clock.now());
        else if (standings.get(address)!.unbound) {
          change(address, { unbound: undefined });
          tell(address, "bound", "connections can begin there again", clock.now());
        }
      }
    },
    status: (now) => addresses.map((one) => statusOf(one, now)),
    close() {
      clearInterval(timer);
      flush();
    },
  };

  function statusOf(one: EgressAddress, now: number): EgressStatus {
    const { reverse, listings } = standings.get(one.address)!;
    const known = ledger
      .of(one.address)
      .filter((lane) => lane.days.size > 0 || pauseOf(lane, now) !== undefined);
    const providers = known.map(({ provider }) => {
      const lane = ledger.lane(one.address, provider, now);
      const { taken, ...today } = ledger.tally(lane);
      const paused = pauseOf(lane, now);
      return {
        provider,
        stage: lane.stage,
        stages: lane.ramp.length,
        allowance: ledger.allowance(lane),
        usedToday: taken,
        today,
        pausedUntil: paused,
        why: paused === undefined ? lane.why : (lane.pauseWhy ?? undefined),
        since: lane.since,
      };
    });
    return {
      ...one,
      out: out.get(one.address),
      warm: isWarm(one.address),
      reverse,
      listings: listings.map((listing) => ({ ...listing, list: shownList(listing.list) })),
      providers: providers.toSorted((a, b) => a.provider.localeCompare(b.provider)),
    };
  }
}
