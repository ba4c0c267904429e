import { DAY_MS } from "../../lib/clock.ts";
import type { ReplyPhase } from "../../protocol/smtp-reply/index.ts";
import { OTHER } from "./route.ts";

/** So many customers of a provider must have said the same within a day. */
const VOICES = 3;
const MOST = 1_000;

/** After the recipient is named a provider's customer may be the one who speaks. */
const PHASES_OF_CUSTOMERS: ReadonlySet<ReplyPhase> = new Set(["rcpt", "data", "body"]);

export type Said = {
  provider: string;
  phase: ReplyPhase;
  /** The recipient's. */
  domain: string;
  /** Whose mailboxes everybody knows these to be; undefined: a customer's, if it is of a provider at all. */
  mailboxOf: string | undefined;
  /** What would be done, and to whom: the same for the same measure. */
  about: string;
};

/**
 * Whether a provider itself has said what asks for a measure against all mail to it. Many providers let their customers
 * word a refusal (a rule of Google Workspace, `setReject` of Cloudflare's mail workers): one of them must not stop the mail to
 * all others. What is said before RCPT, and of the provider's own mailboxes, is its own word; else several customers
 * must have said it. Domains with the same two last labels are one customer. In memory only.
 */
export function createVoices() {
  const heard = new Map<string, Map<string, number>>();

  return function speaksForAll({ provider, phase, domain, mailboxOf, about }: Said, now: number): boolean {
    if (provider === OTHER || mailboxOf === provider || !PHASES_OF_CUSTOMERS.has(phase)) return true;
    const voices = heard.get(about) ?? new Map<string, number>();
    heard.delete(about);
    heard.set(about, voices);
    if (heard.size > MOST) heard.delete(heard.keys().next().value!);
    for (const [customer, at] of voices) if (at > now || at <= now - DAY_MS) voices.delete(customer);
    if (voices.size < VOICES) voices.set(domain.split(".").slice(-2).join("."), now);
    return voices.size >= VOICES;
  };
}
