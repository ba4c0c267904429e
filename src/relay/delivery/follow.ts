import type { Egress, WarmupOutcome } from "../../egress/index.ts";
import { withoutAddresses } from "../../protocol/smtp-reply/index.ts";
import type { Measures, ShapedReply } from "../../shaping/index.ts";
import type { ActionName } from "../../event/index.ts";
import type { RelayContext } from "../context.ts";
import type { Leased } from "../../spool/index.ts";
import { destinationOf } from "./departure.ts";
import type { JobEnd } from "./job.ts";
import type { Lanes } from "./lanes.ts";
import type { AttemptResult } from "./result.ts";
import type { Route } from "./route.ts";
import { createVoices } from "./voices.ts";

type GoodRoute = Extract<Route, { ok: true }>;

/** What a reply says of the address that the mail left from; undefined: nothing. */
export function warmupOutcome({
  class: kind,
  permanent,
  fault,
}: Pick<ShapedReply, "class" | "permanent" | "fault">): WarmupOutcome | undefined {
  if (kind === "ok") return "delivered";
  if (kind === "network" || kind === "system" || kind === "greylisted" || kind === "no-tls") return undefined;
  if (kind === "blocked") return fault === "pool" ? "blocked" : undefined;
  if (fault === "pool") return permanent ? "blocked" : "deferred";
  return permanent ? "bounced" : undefined;
}

/** A measure that was taken: for the event. */
export type Taken = { action: ActionName; detail: { address?: string; until: number; advice?: string } };

type Parts = Pick<RelayContext, "clock" | "log" | "metrics" | "shaping"> & {
  egress: Pick<Egress, "record" | "pause">;
  measures: Measures;
  lanes: Pick<Lanes, "recall">;
};

/** What a reply makes us do beside what becomes of its recipient. */
export function createFollower({ clock, log, metrics, shaping, egress, measures, lanes }: Parts) {
  const speaksForAll = createVoices();

  /** Else a customer of the provider may have worded it. */
  function isForAll(
    { domain }: Leased,
    { provider, reply: { phase } }: AttemptResult,
    what: string,
    now: number,
  ): boolean {
    const mailboxOf = shaping.providerOfMailbox(domain);
    return speaksForAll({ provider, phase, domain, mailboxOf, about: `${what} ${provider}` }, now);
  }

  function act(leased: Leased, route: GoodRoute, result: AttemptResult, now: number): Taken | undefined {
    const { judged, provider, egress: address = "" } = result;
    const { measure } = judged;
    if (!measure) return undefined;
    const { ms } = measure;
    const { did } = leased.message;
    const there = destinationOf(route);
    if (!isForAll(leased, result, `${measure.do} ${measure.do === "suspend-member" ? did : address}`, now))
      return undefined;
    const why = wordsOf(result);
    const cause = { why, rule: judged.rule, advice: judged.advice };
    switch (measure.do) {
      case "slow-down": {
        const slow = measures.slow(address, there, ms, cause, now);
        return slow && { action: "provider_slowed", detail: { address, until: slow.until } };
      }
      case "pause-provider": {
        const pause = measures.pause(address, there, ms, cause, now);
        if (!pause) return undefined;
        // Also where stages and pages are: of hosts of nobody known it keeps none.
        egress.pause(address, provider, pause.until, why);
        // Over another address it may go at once.
        lanes.recall((job) => job.egress.address === address && destinationOf(job.route) === there, now, why);
        return { action: "provider_paused", detail: { address, until: pause.until } };
      }
      case "suspend-member": {
        const suspended = measures.suspend(did, there, ms, cause, now);
        if (!suspended) return undefined;
        const { until } = suspended;
        lanes.recall(
          (job) => job.leased.message.did === did && destinationOf(job.route) === there,
          until,
          why,
        );
        return { action: "member_held_at_provider", detail: { until } };
      }
    }
  }

  /** Of each attempt once; what failed with another one says nothing new. */
  return function follow(
    leased: Leased,
    route: GoodRoute,
    end: Extract<JobEnd, { kind: "tried" }>,
  ): Taken | undefined {
    const { result, shared } = end;
    if (shared || result.egress === undefined) return undefined;
    const now = clock.now();
    const { judged, provider, egress: address } = result;
    const outcome = warmupOutcome(judged);
    const isBad = outcome === "blocked" || outcome === "deferred";
    if (outcome && (!isBad || isForAll(leased, result, `${outcome} ${address}`, now)))
      egress.record(address, provider, outcome, now);
    const taken = act(leased, route, result, now);
    if (!taken) return undefined;
    const { rule, advice, measure } = judged;
    metrics.shapingMeasures.inc({ measure: measure!.do, provider });
    const until = new Date(taken.detail.until).toISOString();
    const member = leased.message.did;
    log.warn(
      { provider, address, member, rule, advice, until, reply: wordsOf(result) },
      `shaping: ${measure!.do}`,
    );
    return advice === undefined ? taken : { ...taken, detail: { ...taken.detail, advice } };
  };
}

/** What the other side said, and the rule that knows it. */
function wordsOf({ provider, reply, judged }: AttemptResult): string {
  const { code, enhanced, text } = reply;
  const said = `${code || ""} ${withoutAddresses(text)}`.trim().slice(0, 200);
  const whole = enhanced && !said.includes(enhanced) ? `${code} ${enhanced} ${said.slice(4)}` : said;
  return `${provider} said "${whole}"${judged.rule === undefined ? "" : ` (${judged.rule})`}`;
}
