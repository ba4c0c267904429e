import { systemClock } from "../../lib/clock.ts";
import { randomId } from "../../lib/ids.ts";
import { domainOf, mayDeliver } from "../../policy/index.ts";
import { relaxedBodyHash } from "../../protocol/dkim/index.ts";
import { makeReturnPath, makeToken } from "../../protocol/verp/index.ts";
import {
  SpoolError,
  type Acceptance,
  type Leased,
  type MessageRow,
  type Outcome,
} from "../../spool/index.ts";
import { recipientFacts, type DeliveryConfig, type RelayContext } from "../context.ts";
import { composeDsn } from "./dsn.ts";
import { createLanes } from "./lanes.ts";
import { attemptRow, conclude, deliveryEvent, routeFailure, type AttemptResult } from "./result.ts";
import { findRoute, type Route } from "./route.ts";

export interface Delivery {
  start(): void;
  /** Something may be due: look now. */
  wake(): void;
  /** The policy of a member changed: stop what may not go. */
  policyChanged(did: string): void;
  /** Resolves when nothing is under way and nothing is due. */
  settle(): Promise<void>;
  /** Leases nothing more, waits up to `graceMs` for what is under way, then breaks it off. */
  close(graceMs: number): Promise<void>;
}

/** Recipients in hand at once, of all domains and of one. */
const MAX_IN_HAND = 1_000;
const MAX_OF_DOMAIN = 50;
const ROUTE_MS = 300_000;
const MAX_ROUTES = 10_000;
const RECORD_AGAIN_MS = 1_000;
const LONGEST_SLEEP_MS = 60_000;

/** Leases what is due, finds its way, and writes down what came of it. */
export function createDelivery(context: RelayContext, config: DeliveryConfig): Delivery {
  const { spool, policyBook, clock, log, metrics, identity, event, random } = context;
  const lanes = createLanes(context, config);
  const plaintext = new Set(config.plaintextDomains ?? []);
  const ownHosts = [identity.hostname, ...(config.ownHosts ?? [])].map((name) => name.toLowerCase());
  const routes = new Map<string, { until: number; route: Promise<Route> }>();
  const inHand = new Map<string, number>();
  let count = 0;
  let closed = false;
  let running: Promise<void> | undefined;
  let nap = new AbortController();
  let idle: (() => void)[] = [];
  let pass: Promise<{ took: number; nextDue: number | undefined }> | undefined;

  function routeOf(domain: string): Promise<Route> {
    const known = routes.get(domain);
    if (known && known.until > clock.now()) return known.route;
    const allowPrivate = config.allowPrivate ?? false;
    const route = findRoute(domain, { resolver: context.resolver, ownHosts, allowPrivate, random });
    routes.set(domain, { until: clock.now() + ROUTE_MS, route });
    if (routes.size > MAX_ROUTES) routes.delete(routes.keys().next().value!);
    void route.then((found) => found.ok || routes.delete(domain));
    return route;
  }

  function mayGo(message: MessageRow): boolean {
    if (message.kind === "dsn") return true;
    const member = policyBook.byDid(message.did);
    return member !== undefined && mayDeliver(member, message.fromDomain, message.credential);
  }

  async function handle(leased: Leased): Promise<void> {
    const { message } = leased;
    if (!mayGo(message)) return notNow(leased);
    if (message.kind === "mail" && context.suppressed(message.did, leased.address) !== undefined) {
      return record({ recipientId: leased.id, state: "suppressed", nextAt: clock.now(), events: [] });
    }
    const route = await routeOf(leased.domain);
    if (!route.ok) return attempted(leased, routeFailure(route, clock.now()));
    const result = await new Promise<AttemptResult | undefined>((done) =>
      lanes.add({
        leased,
        route,
        requireTls: !plaintext.has(leased.domain),
        from: returnPath(leased),
        mayGo: () => mayGo(message),
        done,
      }),
    );
    return result ? attempted(leased, result) : notNow(leased);
  }

  /** At the member's delegated bounce name, so that SPF aligns, or at the pool's; a DSN has none. */
  function returnPath({ id, message }: Leased): string {
    if (message.kind === "dsn") return "";
    const member = policyBook.byDid(message.did);
    const delegated = member && domainOf(member, message.fromDomain)?.returnPath;
    return makeReturnPath(makeToken(id, identity.verpKey), delegated ?? identity.poolReturnPath);
  }

  /** Nothing was sent. On the way out the lease stays: the next start gives it back. */
  async function notNow({ id, message }: Leased): Promise<void> {
    if (closed) return;
    const state = mayGo(message) ? "queued" : "held";
    await record({ recipientId: id, state, nextAt: clock.now(), events: [] });
  }

  async function attempted(leased: Leased, result: AttemptResult): Promise<void> {
    const { message } = leased;
    const now = clock.now();
    const { state, nextAt, action } = conclude(leased, result, now, random);
    metrics.attempts.inc({ outcome: state, provider: result.provider });
    const failed = state === "bounced" || state === "expired";
    const follow = failed ? await dsnFor(leased, result, state) : undefined;
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
        : [];
    const outcome: Outcome = { recipientId: leased.id, state, nextAt, attempt: attemptRow(result), events };
    await record(follow ? { ...outcome, follow } : outcome);
  }

  function memberDomain(message: MessageRow): string {
    const member = policyBook.byDid(message.did);
    return (member && domainOf(member, message.fromDomain)?.name) ?? message.fromDomain;
  }

  /** Only to the member's own address, never for a DSN: nobody else gets mail because of a forged sender. */
  async function dsnFor(
    { address, message }: Leased,
    result: AttemptResult,
    state: "bounced" | "expired",
  ): Promise<Acceptance | undefined> {
    const domain = message.sender.slice(message.sender.lastIndexOf("@") + 1).toLowerCase();
    const member = policyBook.byDid(message.did);
    if (message.kind !== "mail" || !message.sender || !member || !domainOf(member, domain)) return undefined;
    const original = await insist(() => spool.content(message.id));
    const now = clock.now();
    const id = randomId(10);
    const { code, enhanced, text } = result.reply;
    const { head, body } = composeDsn({
      id,
      hostname: identity.hostname,
      poolDomain: identity.poolDomain,
      now,
      to: message.sender,
      recipient: address,
      kind: state === "expired" ? "expired" : "failed",
      status: state === "expired" ? "4.4.7" : enhanced.startsWith("5") ? enhanced : "5.0.0",
      remote: result.host.split(" ")[0] ?? "",
      diagnostic: code ? `${code} ${enhanced} ${text}` : text,
      originalHead: original?.head ?? new Uint8Array(),
    });
    const hash = relaxedBodyHash();
    hash.update(body);
    const signatures = await context.signer.sign({ head, bodyHash: hash.digest(), domain: undefined, now });
    const signed = new Uint8Array(Buffer.concat([Buffer.from(signatures, "latin1"), head]));
    return {
      message: {
        id,
        did: message.did,
        credential: null,
        kind: "dsn",
        sender: "",
        fromDomain: identity.poolDomain,
        stream: "dsn",
        receivedAt: now,
        size: signed.length + body.length,
        head: signed,
        body: { bytes: new Uint8Array(body) },
      },
      recipients: [{ id: randomId(10), address: message.sender, domain, state: "queued", nextAt: now }],
      events: [],
    };
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

  function take(leased: Leased): void {
    const { domain } = leased;
    count++;
    inHand.set(domain, (inHand.get(domain) ?? 0) + 1);
    handle(leased)
      .catch((err: unknown) =>
        log.error({ err, recipient: leased.id }, "a delivery result could not be recorded"),
      )
      .finally(() => {
        count--;
        const left = (inHand.get(domain) ?? 1) - 1;
        if (left > 0) inHand.set(domain, left);
        else inHand.delete(domain);
        if (count === 0) for (const resolve of idle.splice(0)) resolve();
        nap.abort();
      });
  }

  /** Leases what there is room for; one at a time. */
  function leasePass(): Promise<{ took: number; nextDue: number | undefined }> {
    pass ??= (async () => {
      const room = MAX_IN_HAND - count;
      if (room <= 0) return { took: 0, nextDue: undefined };
      const busy = [...inHand].filter(([, n]) => n >= MAX_OF_DOMAIN).map(([domain]) => domain);
      const { leased, nextDue } = await spool.lease({
        now: clock.now(),
        max: room,
        perDomain: MAX_OF_DOMAIN,
        busy,
      });
      for (const one of leased) take(one);
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
        // What is due and was not taken is of a busy domain: a finished delivery wakes us.
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
    policyChanged(did) {
      lanes.abort(({ leased: { message } }) => message.did === did && !mayGo(message));
      nap.abort();
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
