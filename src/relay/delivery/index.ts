import type { Family } from "../../egress/index.ts";
import type { ActionName, Envelope } from "../../event/index.ts";
import { systemClock } from "../../lib/clock.ts";
import { domainOf, whyHeld } from "../../policy/index.ts";
import { makeReturnPath, makeToken } from "../../protocol/verp/index.ts";
import {
  SpoolError,
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
import { depart, familiesOf } from "./departure.ts";
import { createFollower, type Taken } from "./follow.ts";
import { createIntake } from "./intake.ts";
import type { JobEnd } from "./job.ts";
import { CONNECTIONS, createLanes } from "./lanes.ts";
import { observeRefused } from "./reach.ts";
import { createNoticeMaker, isWanted, type Ending } from "./notice.ts";
import {
  attemptRow,
  conclude,
  deliveryEvent,
  endingOf,
  isLate,
  notBound,
  noWay,
  outOfTime,
  returned,
  returnedBy,
  routeFailure,
  waitsHere,
  suppressedEnding,
  type AttemptResult,
} from "./result.ts";
import { familyOf, type Route } from "./route.ts";
import { EXPIRY_MS, lifetimeOf, SIGNED_MS } from "./schedule.ts";
import { createSetBack } from "./set-back.ts";
import type { Ways } from "./ways.ts";

type GoodRoute = Extract<Route, { ok: true }>;

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

const MAX_RETURNED_AT_ONCE = 50;
const RECORD_AGAIN_MS = 1_000;
const NOTE_TIME_MS = 60_000;
const STANDSTILL_MS = 60_000;
const TOO_OLD =
  "its signatures are too old by the clock of the host, which skipped days: put the clock right and release it, or bounce it";
/** Recipients in hand for each connection that there may be. */
const IN_HAND_PER_CONNECTION = 10;
/** Small messages are read at once, many together; large ones when a connection is open for them. */
const READ_AT_ONCE = 32 * 1024;

/** Leases what is due, finds its way, and writes down what came of it. */
export function createDelivery(context: RelayContext, config: DeliveryConfig): Delivery {
  const { spool, policyBook, clock, log, metrics, identity, event, random, breaker } = context;
  const { egress, measures, ages } = config;
  const lanes = createLanes(context, config, measures);
  const follow = createFollower({ ...context, egress, measures, lanes });
  const atlas = createAtlas(context, config);
  const most = (config.maxConnections ?? CONNECTIONS) * IN_HAND_PER_CONNECTION;
  const intake = createIntake({ spool, clock, log, most, handle });
  const noticeFor = createNoticeMaker({ ...context, ages }, insist);
  const aftermath = createAftermath(breaker, noticeFor);
  const lookAtClock = createSetBack({ ...context, ages, wake: () => intake.wake() });
  const noting = setInterval(() => void lookAtClock(), NOTE_TIME_MS).unref();
  let closed = false;

  function holdOf({ kind, did, fromDomain, credential }: MessageRow): Hold | undefined {
    if (kind !== "mail") return undefined;
    const member = policyBook.byDid(did);
    return member ? whyHeld(member, fromDomain, credential) : { reason: "left", owner: "policy" };
  }

  const mayGo = (message: MessageRow) => holdOf(message) === undefined;

  const suppressedNow = ({ message, address }: Leased) =>
    message.kind === "mail" ? context.suppressed(message.did, address, message.stream) : undefined;

  /** It was taken, and its recipient is suppressed since: no attempt, no event of one, and the member is told why. */
  async function suppress(leased: Leased, diagnostic: string): Promise<void> {
    const notice = await noticeFor(leased, suppressedEnding(diagnostic));
    const outcome = { recipientId: leased.id, state: "suppressed" as const, nextAt: clock.now(), events: [] };
    await record({ ...outcome, ...notice });
  }

  /** How long it may still wait. */
  const leftOf = (message: MessageRow) => lifetimeOf(message) - ages.ageOf(message.receivedAt);

  async function handle(leased: Leased): Promise<void> {
    const { message } = leased;
    if (!mayGo(message)) return notNow(leased);
    // Its signatures and its meaning are old: whatever kept it, it does not leave any more.
    if (leftOf(message) <= 0) return expired(leased);
    if (message.kind === "mail" && clock.now() - message.receivedAt >= SIGNED_MS) return tooOldToSend(leased);
    const suppressed = suppressedNow(leased);
    if (suppressed !== undefined) return suppress(leased, suppressed);
    const { route, waysFor } = await atlas.wayTo(leased.domain);
    if (!route.ok) return attempted(leased, routeFailure(route, clock.now()));
    const ways = waysFor(message.ask);
    if (ways.open.length === 0) {
      observeRefused(ways, { now: () => clock.now(), observed: context.observed });
      return attempted(leased, noWay(ways, clock.now()));
    }
    await leave(leased, route, ways);
  }

  /** From one of our addresses; when nobody is reached from there, from one of the other kind. */
  async function leave(leased: Leased, route: GoodRoute, ways: Ways): Promise<void> {
    const { message } = leased;
    const tried = new Set<Family>();
    const before: string[] = [];
    const small = message.size <= READ_AT_ONCE ? spool.content(message.id) : undefined;
    // Whoever needs it hears of it.
    small?.catch(() => undefined);
    for (;;) {
      const still = config.standsStill?.();
      if (still !== undefined)
        return waits(leased, { until: clock.now() + STANDSTILL_MS, why: still }, route);
      const departure = depart({ leased, route, ways, tried, now: clock.now() }, config);
      if (!departure.ok) return waits(leased, departure, route);
      const end = await new Promise<JobEnd>((done) =>
        lanes.add({
          leased,
          route,
          ways,
          egress: departure.egress,
          from: returnPath(leased),
          content: () => small ?? spool.content(message.id),
          mayGo: () => mayGo(message) && suppressedNow(leased) === undefined,
          done,
        }),
      );
      const { address } = departure.egress;
      const giveBack = () => egress.giveBack(address, departure.provider, departure.takenAt);
      if (end.kind === "waits") {
        giveBack();
        if (end.full) intake.backOff(leased);
        return waits(leased, end, route);
      }
      intake.goesOn(leased);
      if (!end.asked) giveBack();
      if (end.kind === "stopped") return notNow(leased);
      const { result } = end;
      if (end.unreached && notBound(result)) {
        egress.unbound(address, notBound(result)!, clock.now());
        lanes.drop(address, `${address} is not bound here any more`);
        return waits(leased, { until: clock.now(), why: `${address} is not bound here` }, route);
      }
      const transcript = [...before, result.transcript].join("\n");
      const whole = { ...end, result: { ...result, transcript } };
      if (end.unreached && address !== "" && familiesOf(ways, tried.add(familyOf(address))).size > 0) {
        const other = depart({ leased, route, ways, tried, now: clock.now() }, config);
        if (other.ok) {
          egress.giveBack(other.egress.address, other.provider, other.takenAt);
          before.push(result.transcript);
          continue;
        }
      }
      return attempted(leased, whole.result, follow(leased, route, whole));
    }
  }

  /** Nobody was asked, and no attempt is counted: it is due again then. Late is late, whoever was asked. */
  async function waits(
    leased: Leased,
    { until, why }: { until: number; why: string },
    { provider }: GoodRoute,
  ): Promise<void> {
    metrics.waits.inc({ provider });
    const nextAt = Math.min(until, clock.now() + Math.max(0, leftOf(leased.message)));
    const notice = (await delayed(leased)) ? await noticeFor(leased, waitsHere(why)) : undefined;
    await record({ recipientId: leased.id, state: "queued", nextAt, waits: why, events: [], ...notice });
  }

  /** At the member's delegated bounce name, so that SPF aligns, or at the pool's; mail of the pool itself has none. */
  function returnPath({ id, message }: Leased): string {
    if (message.kind === "forward") return message.sender;
    if (message.kind !== "mail" && message.kind !== "test") return "";
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
    const suppressed = hold ? undefined : suppressedNow(leased);
    if (suppressed !== undefined) return suppress(leased, suppressed);
    const outcome = { recipientId: id, nextAt: clock.now(), events: [] };
    await record(hold ? { ...outcome, state: "held", hold } : { ...outcome, state: "queued" });
  }

  /** By the wall clock, and not in time that we lived through: somebody must say which is right. */
  async function tooOldToSend({ id }: Leased): Promise<void> {
    const hold: Hold = { reason: "clock", owner: "committee", note: TOO_OLD };
    await record({ recipientId: id, state: "held", hold, nextAt: clock.now(), events: [] });
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

  async function attempted(leased: Leased, result: AttemptResult, taken?: Taken): Promise<void> {
    // What the domain publishes about TLS may have been put right since it was asked for.
    if (result.judged.class === "no-tls") atlas.doubt(leased.domain);
    const state = await concluded(leased, result, attemptRow(result), taken);
    metrics.attempts.inc({ outcome: state, provider: result.provider });
  }

  async function concluded(
    leased: Leased,
    result: AttemptResult,
    attempt?: AttemptRow,
    taken?: Taken,
  ): Promise<string> {
    const { message } = leased;
    const { state, nextAt, action } = conclude(
      leased,
      result,
      { now: clock.now(), left: leftOf(message) },
      random,
    );
    const delay = state === "deferred" && (await delayed(leased));
    const ending = endingOf(result, state, delay);
    const notice = ending && (await noticeFor(leased, ending));
    const events =
      message.kind === "mail"
        ? eventsOf(leased, result, action, taken)
        : message.kind === "notice" && state !== "deferred"
          ? [event(...noticeConcluded(leased, result, state))]
          : [];
    const outcome: Outcome = { recipientId: leased.id, state, nextAt, events };
    await record({ ...outcome, ...(attempt && { attempt }), ...notice });
    if (state === "delivered") breaker.concluded(leased, "delivered");
    if (state === "bounced" && isHard(result.judged.class)) breaker.concluded(leased, "hard");
    return state;
  }

  function eventsOf(leased: Leased, result: AttemptResult, action: ActionName, taken?: Taken): Envelope[] {
    const { message } = leased;
    const data = deliveryEvent(leased, result, {
      member: { did: message.did, domain: memberDomain(message) },
      recipient: recipientFacts(identity.recipientKey, leased.address, leased.domain),
    });
    if (!taken) return [event(action, data)];
    const dedupe_key = `measure:${data.dedupe_key}`;
    return [event(action, data), event(taken.action, { ...data, dedupe_key, detail: taken.detail })];
  }

  /** Whether the delay of a message is to be told now: once, to who did not ask not to be told. */
  async function delayed({ notify, message }: Leased): Promise<boolean> {
    if (!isLate(ages.ageOf(message.receivedAt)) || !isWanted("delayed", notify)) return false;
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

  return {
    start() {
      void lookAtClock();
      intake.start();
    },
    wake: () => intake.wake(),
    providerOf: (domain) => atlas.providerOf(domain),
    async aftermath(...report) {
      const notice = await aftermath(...report);
      if (notice?.follow) setImmediate(() => intake.wake());
      return notice;
    },
    policyChanged(did) {
      lanes.abort(({ leased: { message } }) => message.did === did && !mayGo(message));
      intake.wake();
    },
    async returnHeld() {
      for (;;) {
        if (closed) return;
        const leased = await spool.leaseHeld({
          receivedUpTo: ages.before(EXPIRY_MS),
          dids: policyBook.all().flatMap(({ did }) => (isEjected(did) ? [did] : [])),
          max: MAX_RETURNED_AT_ONCE,
        });
        await Promise.all(leased.map((one) => intake.take(one, (each) => giveBack(each))));
        if (leased.length < MAX_RETURNED_AT_ONCE) return;
      }
    },
    async bounce(request) {
      const { leased, result } = await spool.leaseFor(request);
      intake.keep(leased);
      for (let i = 0; i < leased.length; i += MAX_RETURNED_AT_ONCE) {
        if (closed) break;
        const some = leased.slice(i, i + MAX_RETURNED_AT_ONCE);
        await Promise.all(
          some.map((one) => intake.take(one, (each) => giveBack(each, returnedBy(request.why)))),
        );
      }
      return result;
    },
    async settle() {
      await lookAtClock();
      await intake.settle();
    },
    async close(graceMs) {
      closed = true;
      clearInterval(noting);
      const looked = lookAtClock();
      await intake.stop();
      lanes.close();
      const grace = setTimeout(() => lanes.abort(() => true), graceMs);
      await Promise.all([intake.empty(graceMs + 500), looked]);
      clearTimeout(grace);
    },
  };
}
