import { unbase32 } from "../../lib/ids.ts";
import type { RefusedRecipient, Refusal, SubmitResult } from "../../relay/index.ts";
import type { Accepted, ComailAccepted, ComailCode, ComailFault, Fault, RecipientResult } from "./schemas.ts";

type Status = 400 | 401 | 403 | 404 | 409 | 413 | 422 | 429 | 503;

/** An answer, ready to be sent. `taken`: a message is in the spool for it, so it is given again under its key. */
export type Answer = { status: 200 | 202 | Status; body: object; retryAfterS?: number; taken?: true };

type Kind = { status: Status; error: string; comail: ComailCode; comailStatus?: Status };

const NOT_YOU: Kind = { status: 401, error: "AuthFailed", comail: "AUTH_FAILED" };
const NOT_ALLOWED: Kind = { status: 403, error: "NotAllowed", comail: "MEMBER_SUSPENDED" };
const MAY_NOT: Kind = { status: 403, error: "NotAllowed", comail: "INVALID_REQUEST" };
const SLOWER: Kind = { status: 429, error: "TooMuch", comail: "RATE_LIMITED" };
const UNUSABLE: Kind = { status: 422, error: "NotAccepted", comail: "INVALID_REQUEST", comailStatus: 400 };
const LATER: Kind = { status: 503, error: "Unavailable", comail: "TEMPORARILY_UNAVAILABLE" };

/** Outcomes that only HTTP has. */
const OF_HTTP = {
  https: { ...MAY_NOT, error: "HttpsRequired" },
  "not-found": { ...UNUSABLE, status: 404, error: "NotFound", comailStatus: 404 },
  "in-flight": { ...UNUSABLE, status: 409, error: "InFlight", comailStatus: 409 },
  "key-reused": { ...UNUSABLE, error: "KeyReused" },
  "too-many-requests": SLOWER,
  busy: LATER,
} satisfies Record<string, Kind>;

/** What each named outcome of the relay is in HTTP. */
const KINDS: Record<string, Kind> = {
  ...OF_HTTP,
  auth: NOT_YOU,
  revoked: NOT_YOU,
  applicant: NOT_ALLOWED,
  left: NOT_ALLOWED,
  suspended: NOT_ALLOWED,
  ejected: NOT_ALLOWED,
  "foreign-domain": { ...NOT_ALLOWED, comail: "DOMAIN_MISMATCH" },
  stream: MAY_NOT,
  "bulk-on-probation": MAY_NOT,
  malformed: { ...UNUSABLE, status: 400, error: "Malformed" },
  "too-large": { ...UNUSABLE, status: 413, error: "TooLarge", comailStatus: 413 },
  paused: SLOWER,
  spray: SLOWER,
  "dead-contacts": SLOWER,
  "held-full": SLOWER,
  "over-limit": SLOWER,
  "over-domain-limit": SLOWER,
  "over-credential-limit": SLOWER,
  "over-pool-limit": SLOWER,
  "over-provider-limit": SLOWER,
  "disk-full": { ...LATER, comail: "QUEUE_FULL" },
  internal: LATER,
};

/** By its name, else by what its code says. A log-in that is refused for now is no wrong one. */
function kindOf({ reason, code }: Refusal): Kind {
  if (reason === "auth" && code < 500) return SLOWER;
  return KINDS[reason] ?? (code < 500 ? LATER : UNUSABLE);
}

const DEFAULT_WAIT_S = 60;

function waitOf({ waitMs, text }: Refusal): number {
  if (waitMs !== undefined && waitMs > 0) return Math.ceil(waitMs / 1000);
  return Number(/ (\d{1,9}) seconds?\b/.exec(text)?.[1] ?? DEFAULT_WAIT_S);
}

/** The words without the name in brackets, which has a field of its own. */
const words = (text: string) => text.replace(/ ?\[[a-z-]+\]$/, "");
const linkIn = (text: string) => /\bhttps?:\/\/[^\s\]]+[^\s\].,;]/.exec(text)?.[0] ?? null;

function refusedRecipient({ address, code, enhanced, reason, text }: RefusedRecipient): RecipientResult {
  return { address, status: "refused", code, enhanced, reason, message: words(text) };
}

export function refusalAnswer(
  refusal: Refusal,
  recipients: readonly RefusedRecipient[] = [],
): Answer & { body: Fault } {
  const { status, error } = kindOf(refusal);
  const { reason, text } = refusal;
  return {
    status,
    ...(isTemporary(status) && { retryAfterS: waitOf(refusal) }),
    body: {
      error,
      message: words(text),
      reason,
      link: linkIn(text),
      ...(recipients.length > 0 && { recipients: recipients.map(refusedRecipient) }),
    },
  };
}

function isTemporary(status: number): boolean {
  return status === 429 || status === 503;
}

/** The answer of `POST /v1/messages`. `at`: when it was taken, ms since the epoch. */
export function messageAnswer(result: SubmitResult, recipients: readonly string[], at: number): Answer {
  if (!result.ok) return refusalAnswer(result, result.recipients);
  const { id, state, waitMs, reason } = result;
  const refused = new Map(result.recipients.map((recipient) => [recipient.address, recipient]));
  const message = state === "held" ? `Held as ${id}` : `Queued as ${id}`;
  const body: Accepted = {
    id,
    state,
    leavesAt: state === "held" ? null : new Date(at + waitMs).toISOString(),
    recipients: recipients.map((address): RecipientResult => {
      const no = refused.get(address);
      if (no) return refusedRecipient(no);
      return { address, status: "accepted", code: 250, enhanced: "2.1.5", reason, message };
    }),
  };
  return { status: 202, body, taken: true };
}

/** The answer of `POST /v1/send`: what only concerns recipients is in `rejected`, as comail has it. */
export function comailAnswer(result: SubmitResult, recipients: readonly string[]): Answer {
  if (!result.ok && !(result.recipients.length > 0 && result.recipients.every(concernsRecipient)))
    return comailRefusal(result);
  const refused = new Map(result.recipients.map((recipient) => [recipient.address, recipient]));
  const body: ComailAccepted = {
    accepted: result.ok
      ? recipients
          .filter((address) => !refused.has(address))
          .map((recipient) => ({ recipient, messageId: numberOf(result.id), id: result.id }))
      : [],
    rejected: result.recipients.map(({ address, text, reason }) => ({
      recipient: address,
      reason: words(text),
      code: reason,
    })),
  };
  return { status: 200, body, ...(result.ok && { taken: true }) };
}

/** Says that nothing is wrong with the message or who sends it, only with this address. */
const concernsRecipient = ({ reason, enhanced }: Refusal) =>
  reason === "suppressed" || enhanced.startsWith("5.1.");

/** A refusal that the relay was not asked for. */
export function problem(
  reason: keyof typeof OF_HTTP | "malformed" | "internal",
  text: string,
  waitMs?: number,
): Refusal {
  return { code: 0, enhanced: "", reason, text, ...(waitMs !== undefined && { waitMs }) };
}

export function comailRefusal(refusal: Refusal): Answer {
  const { status, comail, comailStatus = status } = kindOf(refusal);
  return comailFault(
    comailStatus,
    comail,
    words(refusal.text),
    isTemporary(status) ? waitOf(refusal) : undefined,
  );
}

export function comailFault(status: Status, code: ComailCode, error: string, retryAfterS?: number): Answer {
  const body: ComailFault = { error, code };
  return { status, body, ...(retryAfterS !== undefined && { retryAfterS }) };
}

/** comail's message ids are numbers; its clients in typed languages read nothing else. 48 bits of our id. */
function numberOf(id: string): number {
  return Buffer.from(unbase32(id) ?? []).readUIntBE(0, 6);
}
