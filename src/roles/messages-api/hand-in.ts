import { createHash } from "node:crypto";
import type { Context } from "hono";
import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../../platform/log.ts";
import type { Metrics } from "../../platform/metrics.ts";
import type { Refusal, Relay, SubmitResult, Who } from "../../relay/index.ts";
import type { Spool } from "../../spool/index.ts";
import type { Answers } from "./answers.ts";
import { createBodyReader } from "./body.ts";
import type { Envelope } from "./compose.ts";
import { problem, type Answer } from "./outcome.ts";

export type HandInOptions = {
  relay: Pick<Relay, "submit">;
  spool: Pick<Spool, "message" | "submission">;
  answers: Answers;
  clock: Clock;
  log: Logger;
  metrics: Pick<Metrics, "submissions">;
};

/** One way in. */
export type Door = {
  name: string;
  /** Octets of a request. */
  most: number;
  /** The message in a body, or what is wrong with it. */
  read: (bytes: Uint8Array) => Envelope | Refusal;
  /** `at`: when it was taken, ms since the epoch. */
  answer: (result: SubmitResult, recipients: readonly string[], at: number) => Answer;
  refusal: (refusal: Refusal) => Answer;
};

/** Hands what a request holds to the relay: once for each idempotency key, within bounds of memory. */
export function createHandIn({ relay, spool, answers, clock, log, metrics }: HandInOptions) {
  const readBody = createBodyReader();

  return async function handIn(c: Context, who: Who, door: Door): Promise<Answer> {
    const key = idempotencyKey(c);
    if (key === null) return door.refusal(BAD_KEY);
    const body = await readBody(c, who.member.did, door.most);
    if (!body.ok) return notTaken(door, body.why === "no-room" ? NO_ROOM : tooLarge(door.most));
    try {
      if (key === undefined) return await submit(who, door, body.bytes);
      return await once(who, door, body.bytes, { key, digest: digestOf(door, c, body.bytes) });
    } finally {
      body.release();
    }
  };

  async function once(
    who: Who,
    door: Door,
    bytes: Uint8Array,
    idempotency: { key: string; digest: string },
  ): Promise<Answer> {
    const { key, digest } = idempotency;
    const claim = answers.claim(who.credential.id, key, digest, clock.now());
    if (claim.is === "again") return claim.answer;
    if (claim.is !== "new") return door.refusal(claim.is === "in-flight" ? IN_FLIGHT : KEY_REUSED);
    let answer: Answer | undefined;
    try {
      const known = await spool.submission(who.credential.id, key, clock.now());
      // Before anything is decided: what was taken has its answer also when there is no room for more.
      answer = known
        ? await again(known.message, known.digest === digest, door, bytes)
        : await submit(who, door, bytes, idempotency);
      return answer;
    } finally {
      // What was not accepted may be tried again with the same key.
      try {
        claim.done(answer?.taken ? answer : undefined);
      } catch (err) {
        log.error({ err }, "an answer could not be kept; asked again, it is made from the spool");
      }
    }
  }

  async function submit(
    who: Who,
    door: Door,
    bytes: Uint8Array,
    idempotency?: { key: string; digest: string },
  ): Promise<Answer> {
    const envelope = door.read(bytes);
    if ("code" in envelope) return notTaken(door, envelope);
    const { recipients, ...rest } = envelope;
    const result = await relay.submit({
      ...who,
      ...rest,
      recipients: recipients.map((address) => ({ address })),
      ...(idempotency && { idempotency }),
      protocol: "HTTP",
    });
    if (result.ok && result.earlier)
      return again(result.id, result.earlier.digest === idempotency?.digest, door, bytes);
    return door.answer(result, recipients, clock.now());
  }

  /** What the relay refuses it counts itself. */
  function notTaken(door: Door, refusal: Refusal): Answer {
    const outcome = refusal === NO_ROOM ? "defer" : "refuse";
    metrics.submissions.inc({ outcome, reason: refusal.reason });
    return door.refusal(refusal);
  }

  /** The answer was lost, in a crash between the commit and it: the spool knows who was accepted. */
  async function again(id: string, same: boolean, door: Door, bytes: Uint8Array): Promise<Answer> {
    if (!same) return door.refusal(KEY_REUSED);
    const envelope = door.read(bytes);
    if ("code" in envelope) return door.refusal(envelope);
    const message = await spool.message(id);
    const taken = message?.recipients ?? [];
    const hold = taken.every(({ state }) => state === "held") ? taken[0]?.hold : undefined;
    const addresses = new Set(taken.map(({ address }) => address));
    const result: SubmitResult = {
      ok: true,
      id,
      state: hold ? "held" : "queued",
      waitMs: 0,
      reason: hold?.reason ?? "ok",
      text: "",
      recipients: envelope.recipients
        .filter((address) => !addresses.has(address))
        .map((address) => ({ address, ...NOT_RECORDED })),
    };
    return door.answer(result, envelope.recipients, message?.receivedAt ?? clock.now());
  }
}

const BAD_KEY = problem("malformed", "Idempotency-Key has 1 to 255 visible characters");
const IN_FLIGHT = problem("in-flight", "The request with this Idempotency-Key is still being worked on");
const KEY_REUSED = problem("key-reused", "This Idempotency-Key was used with another request; use a new one");
const NO_ROOM = problem("busy", "Too many large requests at once; try again", 5_000);
const NOT_RECORDED: Refusal = {
  code: 550,
  enhanced: "5.0.0",
  reason: "internal",
  text: "It was refused; the reply was lost in a restart",
};

function tooLarge(most: number): Refusal {
  return {
    code: 552,
    enhanced: "5.3.4",
    reason: "too-large",
    text: `The request is larger than ${most} octets`,
  };
}

/** The header's value, with or without the quotes that the draft has; null when it cannot be one. */
function idempotencyKey(c: Context): string | undefined | null {
  const given = c.req.header("idempotency-key")?.trim();
  if (given === undefined) return undefined;
  const key = /^"(.*)"$/.exec(given)?.[1] ?? given;
  return /^[\x21-\x7e]{1,255}$/.test(key) ? key : null;
}

/** A request is another one when its path, query, type or body is. */
function digestOf({ name }: Door, c: Context, bytes: Uint8Array): string {
  const { search } = new URL(c.req.url);
  const head = JSON.stringify([name, search, c.req.header("content-type") ?? ""]);
  return createHash("sha256").update(head).update("\n").update(bytes).digest("base64url");
}
