import { fingerprintOf } from "../../breaker/index.ts";
import {
  decide,
  domainOf,
  type CredentialPolicy,
  type MemberPolicy,
  type Stream,
} from "../../policy/index.ts";
import type { RelayContext } from "../context.ts";
import { parseAddress } from "./address.ts";
import { createIntake } from "./intake.ts";
import type { Who } from "./login.ts";
import { DISK_FULL, refusal, REVOKED, REVOKED_NOW, storageRefusal, type Refusal } from "./refusal.ts";
import { createRefusalReporter } from "./refusals.ts";
import { finishMessage, takenBefore } from "./transaction.ts";

/** NOTIFY and ORCPT of RFC 3461, decoded, or null. */
export type Recipient = { address: string; notify: string | null; orcpt: string | null };

export type Message = Who & {
  stage: "data" | "api";
  /** MAIL FROM. */
  sender: string;
  recipients: readonly Recipient[];
  /** As the submitter called it. */
  stream?: Stream | undefined;
  /** Lower leaves first; by default login codes (one recipient) before other mail, and bulk last. */
  priority?: number | undefined;
  idempotency?: { key: string; digest: string } | undefined;
  /** As in a Received field: `ESMTPSA`. */
  protocol: string;
  smtpUtf8: boolean;
  ret: "FULL" | "HDRS" | null;
  envid: string | null;
  /** It travels on only under TLS with hosts that are authenticated (RFC 8689). */
  requireTls: boolean;
  /** The raw message, lines ending with CRLF. */
  source: AsyncIterable<Uint8Array>;
};

export type MessageResult =
  | {
      ok: true;
      id: string;
      state: "queued" | "paced" | "held";
      waitMs: number;
      reason: string;
      /** Of the reply: `Queued as <id>`, `Held as <id> [name]`. */
      text: string;
      /** It was in the spool already, under the same key, with this digest; empty: with another one. */
      earlier?: { digest: string };
    }
  | ({ ok: false } & Refusal);

export interface Submission {
  /** May this be MAIL FROM? */
  sender(who: Who, sender: string): Refusal | undefined;
  /** May this be one more recipient, after those that were taken? */
  recipient(
    who: Who,
    sender: string,
    address: string,
    taken: readonly { address: string }[],
    /** As the submitter calls it, if it is said already. */
    stream?: Stream,
  ): Refusal | undefined;
  /** Reads the message to its end whatever is wrong with it, judges it, and keeps it. Rejects when `source` does. */
  message(message: Message): Promise<MessageResult>;
}

/** The one way in: what SMTP and the HTTP API ask, with each answer from the policy as it is at that moment. */
export function createSubmission(
  context: RelayContext,
  limits: { maxSize: number; maxRecipients: number },
): Submission {
  const { policyBook, clock, metrics, suppressed, spool, log } = context;
  const report = createRefusalReporter(context);

  function refused(found: Who, stage: string, why: Refusal, fromDomain?: string): Refusal {
    const { member, credential } = found;
    const { reason, code, enhanced, text } = why;
    const domain = fromDomain === undefined ? undefined : domainOf(member, fromDomain);
    report({
      who: {
        did: member.did,
        domain: domain?.name ?? credential.domains[0] ?? "",
        credential: credential.id,
      },
      stage,
      reason,
      code,
    });
    return { code, enhanced, text, reason, ...(why.waitMs && { waitMs: why.waitMs }) };
  }

  function accepted({ member, credential }: Who, result: Extract<MessageResult, { ok: true }>): void {
    const { id, state, reason, waitMs } = result;
    if (state !== "held") context.accepted();
    metrics.submissions.inc({ outcome: state === "held" ? "hold" : "accept", reason });
    const facts = { member: member.did, credential: credential.id, message: id, state, reason, waitMs };
    log.info(facts, "a message is taken");
  }

  function judge(
    found: Who,
    stage: "mail" | "rcpt",
    sender: string,
    recipientDomains: readonly string[],
    { words, test = false }: { words?: string | undefined; test?: boolean } = {},
  ): Refusal | undefined {
    const { member, credential } = found;
    const fromDomain = parseAddress(sender)?.domain;
    const now = clock.now();
    const decision = decide({
      stage,
      member,
      credential,
      fromDomain,
      recipients: Math.max(1, recipientDomains.length),
      recipientDomains,
      ...(words !== undefined && { suppressed: words }),
      test,
      limits: policyBook.limits(member.did, now),
      poolLimits: policyBook.poolLimits,
      now,
    });
    if (decision.outcome === "accept" || decision.outcome === "hold") return undefined;
    return refused(found, stage, decision, fromDomain);
  }

  return {
    sender(who, sender) {
      if (!spool.room()) return refused(who, "mail", DISK_FULL);
      if (!sender) return refused(who, "mail", EMPTY_SENDER);
      if (!parseAddress(sender)) return refused(who, "mail", NO_SENDER);
      return judge(who, "mail", sender, []);
    },
    recipient(who, sender, address, taken, stream) {
      if (taken.length >= limits.maxRecipients) {
        const text = `Too many recipients; ${limits.maxRecipients} are the most of one message`;
        return refused(who, "rcpt", refusal("too-many-at-once", 452, "4.5.3", text));
      }
      const parsed = parseAddress(address);
      if (!parsed) return refused(who, "rcpt", NO_RECIPIENT);
      const domains = taken.flatMap((one) => parseAddress(one.address)?.domain ?? []);
      const { member, credential } = who;
      const [only, ...more] = credential.streams;
      const known = stream ?? (more.length === 0 ? only : undefined);
      const words = suppressed(member.did, parsed.address, known);
      const test = taken.length === 0 && context.isTestOf(member.handle, parsed.address);
      return judge(who, "rcpt", sender, [...domains, parsed.domain], { words, test });
    },
    async message(message) {
      const started = performance.now();
      const before = await earlier(message);
      if (before) return before;
      const intake = createIntake(limits.maxSize);
      const body = spool.newBody();
      let finished = false;
      try {
        let diskError: Error | undefined;
        for await (const chunk of message.source) {
          const part = intake.push(chunk);
          if (part && !diskError) await body.write(part).catch((error: Error) => (diskError = error));
        }
        const no = (why: Refusal, fromDomain?: string) => ({
          ok: false as const,
          ...refused(message, message.stage, why, fromDomain),
        });
        if (diskError) {
          log.error({ err: diskError }, "a message could not be written down");
          return no(storageRefusal(diskError));
        }
        const taken = intake.end();
        if ("refusal" in taken) return no(taken.refusal);
        const fingerprint = await fingerprintOf(taken.start, taken.size);
        const now = current(message);
        // 421 ends the connection too.
        if (!now) return no(message.stage === "api" ? REVOKED : REVOKED_NOW);
        const result = await finishMessage(context, { ...message, ...now }, taken, fingerprint, body);
        if (!result.ok) return no(result, result.fromDomain);
        if (result.earlier !== undefined) return result;
        finished = true;
        accepted(message, result);
        metrics.acceptSeconds.observe((performance.now() - started) / 1000);
        return result;
      } finally {
        if (!finished) await body.discard();
      }
    },
  };

  /** What is in the spool already is not judged again. */
  async function earlier({ credential, idempotency }: Message): Promise<MessageResult | undefined> {
    if (!idempotency) return undefined;
    const known = await spool.submission(credential.id, idempotency.key, clock.now());
    return known && takenBefore(known.message, known.digest);
  }

  /** The policy as it is now: reading took its time. */
  function current({ credential }: Who): { member: MemberPolicy; credential: CredentialPolicy } | undefined {
    const found = policyBook.byUsername(credential.username);
    return found && !found.credential.revoked ? found : undefined;
  }
}

const EMPTY_SENDER = refusal("foreign-domain", 550, "5.7.1", "An empty return path is not for submission");
const NO_SENDER = refusal("malformed", 553, "5.1.7", "The sender is not an address at a domain");
const NO_RECIPIENT = refusal("malformed", 553, "5.1.3", "The recipient is not an address at a domain");
