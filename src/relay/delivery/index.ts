import { systemClock } from "../../lib/clock.ts";
import { domainOf, whyHeld } from "../../policy/index.ts";
import { makeReturnPath, makeToken } from "../../protocol/verp/index.ts";
import {
  SpoolError,
  LEASE_MS,
  type AttemptRow,
  type Hold,
  type Leased,
  type MessageRow,
  type Outcome,
  type QueueRequest,
  type QueueResult,
} from "../../spool/index.ts";
import { isHard } from "../breaker.ts";
import { recipientFacts, type DeliveryConfig, type RelayContext } from "../context.ts";
import { noticeConcluded } from "../notice.ts";
import { createAtlas } from "./atlas.ts";
import { createAftermath } from "./aftermath.ts";
import { createLanes } from "./lanes.ts";
import { observeRefused } from "./reach.ts";
import { createNoticeMaker, isWanted, type Ending } from "./notice.ts";
import {
  attemptRow,
  conclude,
  deliveryEvent,
  endingOf,
  isLate,
  noWay,
  outOfTime,
  returned,
  returnedBy,
  routeFailure,
  type AttemptResult,
} from "./result.ts";
import { EXPIRY_MS, lifetimeOf } from "./schedule.ts";

export interface Delivery {
  start(): void;
  /** Something may be due: look now. */
  wake(): void;
  /** The policy of a member changed: stop what may not go. */
  policyChanged(did: string): void;
  /** Gives back held mail that is five days old, and all that of members who were ejected; the member is told. */
  returnHeld(): Promise<void>;
  /** Gives back what waits and matches, as a person wants it; the members are told. */
  bounce(request: QueueRequest): Promise<QueueResult>;
  /** Of a recipient's domain, as far as it is known without asking. */
  providerOf(domain: string): string | undefined;
  /** What follows from a report about a delivered recipient. */
  aftermath: ReturnType<typeof createAftermath>;
  /** Resolves when nothing is under way and nothing is due. */
  settle(): Promise<void>;
  /** Leases nothing more, waits up to `graceMs` for what is under way, then breaks it off. */
  close(graceMs: number): Promise<void>;
}

/** Recipients in hand at once, of all, of one domain and of one member. */
const MAX_IN_HAND = 1_000;
const MAX_OF_DOMAIN = 50;
const MAX_OF_MEMBER = 200;
const MAX_RETURNED_AT_ONCE = 50;
const RECORD_AGAIN_MS = 1_000;
const LONGEST_SLEEP_MS = 60_000;
/** Leases of what is in hand begin anew so often, in real time: what waits for a slow host is nobody else's meanwhile. */
const RENEW_MS = LEASE_MS / 6;

/** Leases what is due, finds its way, and writes down what came of it. */
export function createDelivery(context: RelayContext, config: DeliveryConfig): Delivery {
  const { spool, policyBook, clock, log, metrics, identity, event, random, breaker } = context;
  const lanes = createLanes(context, config);
  const atlas = createAtlas(context, config);
  const inHand = { domains: createTally(), members: createTally() };
  const noticeFor = createNoticeMaker(context, insist);
  const aftermath = createAftermath(breaker, noticeFor);
  const leases = new Set<string>();
  const renewing = setInterval(() => void renew(), RENEW_MS).unref();
  let count = 0;
  let closed = false;
  let running: Promise<void> | undefined;
  let nap = new AbortController();
  let idle: (() => void)[] = [];
  let pass: Promise<{ took: number; nextDue: number | undefined }> | undefined;

  function holdOf({ kind, did, fromDomain, credential }: MessageRow): Hold | undefined {
    if (kind !== "mail") return undefined;
    const member = policyBook.byDid(did);
    return member ? whyHeld(member, fromDomain, credential) : { reason: "left", owner: "policy" };
  }

  const mayGo = (message: MessageRow) => holdOf(message) === undefined;

  async function renew(): Promise<void> {
    if (leases.size === 0) return;
    try {
      await spool.renew([...leases]);
    } catch (err) {
      if (!closed)
        log.error({ err }, "the leases of what is in hand were not renewed; again in five minutes");
    }
  }

  async function handle(leased: Leased): Promise<void> {
    const { message } = leased;
    if (!mayGo(message)) return notNow(leased);
    // Its signatures and its meaning are old: whatever kept it, it does not leave any more.
    if (clock.now() >= message.receivedAt + lifetimeOf(message)) return expired(leased);
    if (message.kind === "mail" && context.suppressed(message.did, leased.address) !== undefined) {
      return record({ recipientId: leased.id, state: "suppressed", nextAt: clock.now(), events: [] });
    }
    const { route, waysFor } = await atlas.wayTo(leased.domain);
    if (!route.ok) return attempted(leased, routeFailure(route, clock.now()));
    const ways = waysFor(message.ask);
    if (ways.open.length === 0) {
      observeRefused(ways, { now: () => clock.now(), observed: context.observed });
      return attempted(leased, noWay(ways, clock.now()));
    }
    const result = await new Promise<AttemptResult | undefined>((done) =>
      lanes.add({
        leased,
        route,
        ways,
        from: returnPath(leased),
        mayGo: () => mayGo(message),
        done,
      }),
    );
    return result ? attempted(leased, result) : notNow(leased);
  }

  /** At the member's delegated bounce name, so that SPF aligns, or at the pool's; mail of the pool itself has none. */
  function returnPath({ id, message }: Leased): string {
    if (message.kind !== "mail") return "";
    const member = policyBook.byDid(message.did);
    const delegated = member && domainOf(member, message.fromDomain)?.returnPath;
    return makeReturnPath(makeToken(id, identity.verpKey), delegated ?? identity.poolReturnPath);
  }

  /** Nothing was sent. On the way out the lease stays: the next start gives it back. */
  async function notNow(leased: Leased): Promise<void> {
    const { id, message } = leased;
    if (closed) return;
    if (isEjected(message.did)) return giveBack(leased);
    const hold = holdOf(message);
    const outcome = { recipientId: id, nextAt: clock.now(), events: [] };
    await record(hold ? { ...outcome, state: "held", hold } : { ...outcome, state: "queued" });
  }

  const isEjected = (did: string) => policyBook.byDid(did)?.standing === "ejected";

  async function giveBack(leased: Leased, ending?: Ending): Promise<void> {
    const notice = await noticeFor(leased, ending ?? returned(isEjected(leased.message.did)));
    const outcome: Outcome = { recipientId: leased.id, state: "returned", nextAt: clock.now(), events: [] };
    await record({ ...outcome, ...notice });
  }

  async function expired(leased: Leased): Promise<void> {
    const attempts = await insist(() => spool.attempts(leased.message.id));
    const last = attempts.findLast((a) => a.recipientId === leased.id);
    await concluded(leased, outOfTime(last, clock.now(), context.shaping));
  }

  async function attempted(leased: Leased, result: AttemptResult): Promise<void> {
    const state = await concluded(leased, result, attemptRow(result));
    metrics.attempts.inc({ outcome: state, provider: result.provider });
  }

  async function concluded(leased: Leased, result: AttemptResult, attempt?: AttemptRow): Promise<string> {
    const { message } = leased;
    const { state, nextAt, action } = conclude(leased, result, clock.now(), random);
    const delay = state === "deferred" && (await delayed(leased, result));
    const ending = endingOf(result, state, delay);
    const notice = ending && (await noticeFor(leased, ending));
    const events =
      message.kind === "mail"
        ? [
            event(
              action,
              deliveryEvent(leased, result, {
                member: { did: message.did, domain: memberDomain(message) },
                recipient: recipientFacts(identity.recipientKey, leased.address, leased.domain),
              }),
            ),
          ]
        : message.kind === "notice" && state !== "deferred"
          ? [event(...noticeConcluded(leased, result, state))]
          : [];
    const outcome: Outcome = { recipientId: leased.id, state, nextAt, events };
    await record({ ...outcome, ...(attempt && { attempt }), ...notice });
    if (state === "delivered") breaker.concluded(leased, "delivered");
    if (state === "bounced" && isHard(result.judged.class)) breaker.concluded(leased, "hard");
    return state;
  }

  /** Whether the delay of a message is to be told now: once, to who did not ask not to be told. */
  async function delayed({ notify, message }: Leased, { at }: AttemptResult): Promise<boolean> {
    if (!isLate(at, message.receivedAt) || !isWanted("delayed", notify)) return false;
    const told = await insist(() => spool.toldOf(message.id));
    return !told.some(({ kind }) => kind === "delayed");
  }

  function memberDomain(message: MessageRow): string {
    const member = policyBook.byDid(message.did);
    return (member && domainOf(member, message.fromDomain)?.name) ?? message.fromDomain;
  }

  /** What was said must be written down, or the next start says it again: a full disk is waited for. */
  async function insist<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (err) {
        if (closed || !(err instanceof SpoolError)) throw err;
        log.error({ err }, "a result could not be recorded; again soon");
        await systemClock.sleep(RECORD_AGAIN_MS);
      }
    }
  }

  function record(outcome: Outcome): Promise<void> {
    return insist(() => spool.record([outcome], clock.now()));
  }

  /** Works on one recipient; resolves when it is out of our hands, and never rejects. */
  function take(leased: Leased, work: (leased: Leased) => Promise<void>): Promise<void> {
    const { domain, message } = leased;
    count++;
    leases.add(leased.id);
    inHand.domains.change(domain, 1);
    inHand.members.change(message.did, 1);
    return work(leased)
      .catch((err: unknown) =>
        log.error({ err, recipient: leased.id }, "a delivery result could not be recorded"),
      )
      .finally(() => {
        count--;
        leases.delete(leased.id);
        inHand.domains.change(domain, -1);
        inHand.members.change(message.did, -1);
        if (count === 0) for (const resolve of idle.splice(0)) resolve();
        nap.abort();
      });
  }

  /** Leases what there is room for; one at a time. */
  function leasePass(): Promise<{ took: number; nextDue: number | undefined }> {
    pass ??= (async () => {
      const room = MAX_IN_HAND - count;
      if (room <= 0) return { took: 0, nextDue: undefined };
      const { leased, nextDue } = await spool.lease({
        now: clock.now(),
        max: room,
        perDomain: MAX_OF_DOMAIN,
        busy: inHand.domains.atLeast(MAX_OF_DOMAIN),
        perMember: MAX_OF_MEMBER,
        busyMembers: inHand.members.atLeast(MAX_OF_MEMBER),
      });
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
        // What is due and was not taken is of a busy domain or member: a finished delivery wakes us.
        if (took === 0 && wait > 0) sleep = Math.min(sleep, wait);
        if (took > 0 && count < MAX_IN_HAND) continue;
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
    start() {
      running ??= loop();
    },
    wake: () => nap.abort(),
    providerOf: (domain) => atlas.providerOf(domain),
    async aftermath(...report) {
      const notice = await aftermath(...report);
      if (notice?.follow) setImmediate(() => nap.abort());
      return notice;
    },
    policyChanged(did) {
      lanes.abort(({ leased: { message } }) => message.did === did && !mayGo(message));
      nap.abort();
    },
    async returnHeld() {
      for (;;) {
        if (closed) return;
        const leased = await spool.leaseHeld({
          receivedUpTo: clock.now() - EXPIRY_MS,
          dids: policyBook.all().flatMap(({ did }) => (isEjected(did) ? [did] : [])),
          max: MAX_RETURNED_AT_ONCE,
        });
        await Promise.all(leased.map((one) => take(one, (each) => giveBack(each))));
        if (leased.length < MAX_RETURNED_AT_ONCE) return;
      }
    },
    async bounce(request) {
      const { leased, result } = await spool.leaseFor(request);
      for (const { id } of leased) leases.add(id);
      for (let i = 0; i < leased.length; i += MAX_RETURNED_AT_ONCE) {
        if (closed) break;
        const some = leased.slice(i, i + MAX_RETURNED_AT_ONCE);
        await Promise.all(some.map((one) => take(one, (each) => giveBack(each, returnedBy(request.why)))));
      }
      return result;
    },
    async settle() {
      for (;;) {
        await whenIdle();
        await pass;
        const { took } = await leasePass();
        if (took === 0 && count === 0) return;
      }
    },
    async close(graceMs) {
      closed = true;
      clearInterval(renewing);
      nap.abort();
      await running;
      lanes.close();
      const grace = setTimeout(() => lanes.abort(() => true), graceMs);
      const limit = new AbortController();
      await Promise.race([whenIdle(), systemClock.sleep(graceMs + 500, limit.signal)]);
      limit.abort();
      clearTimeout(grace);
    },
  };
}

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
