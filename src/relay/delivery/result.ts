import type { ActionName, EventData, SmtpFacts } from "../../event/index.ts";
import { faultOf, withoutAddresses, type ReplyClass } from "../../protocol/smtp-reply/index.ts";
import type { ShapedReply, Shaping } from "../../shaping/index.ts";
import type { TlsReason } from "../../transport/index.ts";
import type { AttemptRow, Leased, RecipientState } from "../../spool/index.ts";
import type { Reply } from "./conversation.ts";
import type { Ending } from "./notice.ts";
import type { Reached } from "./reach.ts";
import type { Route } from "./route.ts";
import { nextAttempt } from "./schedule.ts";
import { joined } from "./transcript.ts";
import { whyNone, type Ways } from "./ways.ts";

/** What an attempt came to, before it is written down. */
export type AttemptResult = {
  at: number;
  durationMs: number;
  /** `name [address]`, or empty when no host was asked. */
  host: string;
  provider: string;
  reply: Reply;
  judged: ShapedReply;
  tls: string;
  /** Why the connection had to be as it was; without: nobody was connected. */
  tlsPolicy?: TlsReason;
  /** Our address; empty: the system's choice; without: no host was asked. */
  egress?: string;
  transcript: string;
  /** The host took it, and tells what becomes of it as it was asked (DSN). */
  tells: boolean;
};

export type Conclusion = {
  state: Extract<RecipientState, "delivered" | "deferred" | "bounced" | "expired">;
  nextAt: number;
  action: ActionName;
};

const ACTIONS = {
  delivered: "recipient_delivered",
  deferred: "recipient_deferred",
  bounced: "recipient_bounced",
  expired: "recipient_expired",
} as const;

/** What becomes of the recipient after this attempt; it may still wait for `left` milliseconds. */
export function conclude(
  leased: Leased,
  result: AttemptResult,
  { now, left }: { now: number; left: number },
  random: () => number,
): Conclusion {
  const end = (state: Conclusion["state"], nextAt = now): Conclusion => ({
    state,
    nextAt,
    action: ACTIONS[state],
  });
  if (result.judged.class === "ok") return end("delivered");
  if (result.judged.permanent) return end("bounced");
  const next = nextAttempt(leased.attempts + 1, { now, left }, random);
  return next === undefined ? end("expired") : end("deferred", next);
}

/** What we found ourselves: no rule of the shaping file speaks of it. */
function ourJudgement(kind: ReplyClass, permanent: boolean): ShapedReply {
  const rule = { measure: undefined, rule: undefined, advice: undefined, source: undefined };
  return { class: kind, permanent, fault: faultOf(kind), ...rule };
}

/** The system's code where a connection could not begin at our address: it is not there. */
export function notBound({ reply, egress }: AttemptResult): string | undefined {
  if (!egress || reply.code !== 0 || reply.phase !== "connect") return undefined;
  return /\b(?:EADDRNOTAVAIL|EINVAL)\b/.exec(reply.text)?.[0];
}

/** What a fault of our own comes to: it says nothing of anybody else. */
export function localFault(
  text: string,
): Pick<AttemptResult, "durationMs" | "reply" | "judged" | "tells" | "transcript"> {
  return {
    durationMs: 0,
    reply: { code: 0, enhanced: "4.3.0", text, phase: "connect" },
    judged: { ...ourJudgement("system", false), fault: "pool" },
    tells: false,
    transcript: `*: ${text}`,
  };
}

/** The result for a domain that has no host to ask. */
export function routeFailure(route: Extract<Route, { ok: false }>, at: number): AttemptResult {
  const { permanent, enhanced, text } = route;
  return {
    at,
    durationMs: 0,
    host: "",
    provider: "other",
    reply: { code: 0, enhanced, text, phase: "connect" },
    judged: ourJudgement(route.class, permanent),
    tls: "",
    transcript: `*: ${text}`,
    tells: false,
  };
}

/** The result where no host took a conversation, or none showed what the mail needs, or can take the message. */
export function unreached(
  { reply, host, transcript, permanent }: Extract<Reached, { ok: false }>,
  about: Pick<AttemptResult, "at" | "durationMs" | "provider" | "egress">,
  shaping: Pick<Shaping, "judge">,
): AttemptResult {
  const judged =
    permanent && !reply.own ? ourJudgement("no-tls", permanent) : shaping.judge(about.provider, reply);
  return { ...about, host, reply, judged, tls: "", transcript, tells: false };
}

/** The result where the DNS or the policies of the domain leave no host to ask. */
export function noWay(ways: Ways, at: number): AttemptResult {
  const { permanent, enhanced, text } = whyNone(ways);
  return {
    at,
    durationMs: 0,
    host: "",
    provider: "other",
    reply: { code: 0, enhanced, text, phase: "starttls" },
    judged: ourJudgement("no-tls", permanent),
    tls: "",
    transcript: ways.refused.map(({ host, tls }) => `*: ${host.name} is passed over: ${tls.why}`).join("\n"),
    tells: false,
  };
}

/** The result for mail whose time is over: nobody is asked any more, and what was said last stands. */
export function outOfTime(
  last: AttemptRow | undefined,
  at: number,
  { providerOf }: Pick<Shaping, "providerOf">,
): AttemptResult {
  const kind = last?.class ?? "system";
  const host = last?.host ?? "";
  const { code, enhanced, text } = last ?? { code: 0, enhanced: "4.4.7", text: "it could not leave in time" };
  return {
    at,
    durationMs: 0,
    host,
    provider: host ? providerOf(nameOf(host)) : "other",
    reply: { code, enhanced, text, phase: "connect" },
    judged: ourJudgement(kind, false),
    tls: "",
    transcript: "",
    tells: false,
  };
}

/** What the member is told of what an attempt came to, if it asked for that; of a delay once. */
export function endingOf(
  { reply, host, judged, tells }: AttemptResult,
  state: Conclusion["state"],
  firstAfterDelay: boolean,
): Ending | undefined {
  const { code, enhanced, text } = reply;
  const diagnostic = code ? `${code} ${enhanced} ${text}` : text;
  const told = { remote: nameOf(host), diagnostic, class: judged.class };
  switch (state) {
    case "delivered":
      return tells ? undefined : { kind: "relayed", status: "2.0.0", ...told };
    case "deferred":
      return firstAfterDelay ? { kind: "delayed", status: "4.4.1", ...told } : undefined;
    case "expired":
      return { kind: "expired", status: "4.4.7", ...told };
    case "bounced":
      return { kind: "failed", status: enhanced.startsWith("5") ? enhanced : "5.0.0", ...told };
  }
}

/** A delay is told after so long. */
const DELAYED_MS = 4 * 3_600_000;

/** Is mail of this age, which still waits, so late that the delay is to be told? */
export const isLate = (ageMs: number): boolean => ageMs >= DELAYED_MS;

/** What the member is told of held mail that is given back. */
export function returned(ejected: boolean): Ending {
  return ejected
    ? { kind: "returned", status: "5.7.1", remote: "", diagnostic: "the membership of the sender has ended" }
    : { kind: "returned", status: "4.4.7", remote: "", diagnostic: "it was held for five days" };
}

/** What the member is told of mail whose recipient was suppressed after it was taken. */
export function suppressedEnding(why: string): Ending {
  return { kind: "returned", status: "5.1.1", remote: "", diagnostic: why };
}

/** What the member is told of late mail that nobody was asked to take. */
export function waitsHere(why: string): Ending {
  return { kind: "delayed", status: "4.4.5", remote: "", diagnostic: why };
}

/** What the member is told of mail that a person gives back. */
export function returnedBy(why: string): Ending {
  return { kind: "returned", status: "5.7.1", remote: "", diagnostic: why };
}

const nameOf = (host: string) => host.split(" ")[0] ?? "";

export function attemptRow(result: AttemptResult): AttemptRow {
  const { reply, judged } = result;
  return {
    at: result.at,
    durationMs: result.durationMs,
    host: result.host,
    code: reply.code,
    enhanced: reply.enhanced,
    text: reply.text,
    class: judged.class,
    permanent: judged.permanent,
    fault: judged.fault,
    rule: judged.rule ?? null,
    tls: result.tls,
    tlsPolicy: result.tlsPolicy ?? null,
    transcript: joined([result.transcript]),
    egress: result.egress ?? null,
    provider: result.host === "" ? null : result.provider,
  };
}

function smtpFacts(result: AttemptResult): SmtpFacts {
  const { reply, judged, provider } = result;
  return {
    code: reply.code,
    enhanced: reply.enhanced,
    text: withoutAddresses(reply.text).slice(0, 300),
    provider,
    class: judged.class,
    fault: judged.fault,
    ...(judged.rule !== undefined && { rule: judged.rule }),
  };
}

export function deliveryEvent(
  leased: Leased,
  result: AttemptResult,
  facts: Pick<EventData, "member" | "recipient">,
): EventData {
  const { message } = leased;
  const attempt = leased.attempts + 1;
  return {
    dedupe_key: `attempt:${leased.id}:${attempt}`,
    ...facts,
    ...(facts.recipient && { recipient: { ...facts.recipient, first_time: leased.firstTime } }),
    ...(message.credential ? { credential: message.credential } : {}),
    message: {
      id: message.id,
      size: message.size,
      recipients: 1,
      stream: message.stream,
      received_at: message.receivedAt,
      ...(message.priority === 0 && { code: true }),
      ...(message.template && { template: message.template }),
    },
    smtp: smtpFacts(result),
    detail: { attempt },
  };
}
