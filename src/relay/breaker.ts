import {
  CONTACT_MS,
  SLOWED_HOURLY,
  type ContentFacts,
  type Fingerprint,
  type Habits,
  type Look,
} from "../breaker/index.ts";
import type { Envelope, EventMaker, MessageFacts, RecipientFacts } from "../event/index.ts";
import { systemClock, type Clock } from "../lib/clock.ts";
import type { Logger } from "../platform/log.ts";
import {
  domainOf,
  type CredentialPolicy,
  type MemberPolicy,
  type Pause,
  type PauseCause,
  type PolicyBook,
} from "../policy/index.ts";
import type { ReplyClass } from "../protocol/smtp-reply/index.ts";
import type { MessageRow, Spool } from "../spool/index.ts";
import { recipientFacts } from "./context.ts";

/** Between two tries to write a pause down. */
const AGAIN_MS = 1_000;

/** What is known of a message by its content and recipients. */
export type Known = {
  facts: ContentFacts;
  /** Opaque, for the spool. */
  template: string;
  /** Of each recipient, in their order: the member has not had mail delivered to it. */
  firstTimes: readonly boolean[];
  /** For events. */
  told: Pick<MessageFacts, "template" | "template_known" | "first_time">;
  recipients: RecipientFacts[];
  /** The message is in the spool. */
  accepted(held: boolean): void;
};

/** A recipient whose mail has an outcome. */
export type Told = {
  address: string;
  domain: string;
  firstTime: boolean;
  message: Pick<MessageRow, "did" | "credential" | "kind" | "template" | "fromDomain">;
};

export type Breaker = ReturnType<typeof createBreaker>;

type Parts = {
  habits: Habits;
  policyBook: PolicyBook;
  spool: Pick<Spool, "appendEvents">;
  clock: Clock;
  event: EventMaker;
  log: Logger;
  recipientKey: Uint8Array;
};

/** The fast loop on this node: what messages are like, where they go, what comes of them, and when a credential stops. */
export function createBreaker({ habits, policyBook, spool, clock, event, log, recipientKey }: Parts) {
  let closed = false;
  const keyOf = (address: string, domain: string) => recipientFacts(recipientKey, address, domain).key;

  /** Stops the credential at once; the pause and what core is told of it are written together. */
  function pause(did: string, credentialId: string, cause: PauseCause, facts: object = {}): void {
    const member = policyBook.byDid(did);
    const credential = member?.credentials.find(({ id }) => id === credentialId);
    if (!member || !credential || credential.breaker) return;
    // A clock that was set back must not make it one that is over already.
    const at = Math.max(clock.now(), resumedUpTo(member, credential) + 1);
    const data = {
      dedupe_key: `paused:${credentialId}:${at}`,
      member: { did, domain: sendingDomain(did, credentialId) },
      credential: credentialId,
      detail: { cause, pause_at: at, ...facts },
    };
    log.warn({ member: did, credential: credentialId, cause }, "the breaker stops a credential");
    void keep({ did, credential: credentialId, cause, at }, event("member_paused", data));
  }

  /** First contacts of the credential are slow for a while; its member is told once of each such while. */
  function slow(did: string, credential: string, facts: object): void {
    const at = clock.now();
    log.warn({ member: did, credential }, "first contacts of known templates bounce: they leave slowly");
    const told = event("first_contacts_slowed", {
      dedupe_key: `slowed:${credential}:${Math.floor(at / CONTACT_MS)}`,
      member: { did, domain: sendingDomain(did, credential) },
      credential,
      detail: { at, hourly: SLOWED_HOURLY, ...facts },
    });
    void insist(did, () => spool.appendEvents([told]));
  }

  function sendingDomain(did: string, credentialId: string): string {
    const member = policyBook.byDid(did);
    const credential = member?.credentials.find(({ id }) => id === credentialId);
    return (member && domainOf(member, credential?.domains[0] ?? "")?.name) ?? "";
  }

  /** It holds at once, and would be gone with this process if it were not on disk. */
  function keep(begun: Pause, told: Envelope): Promise<void> {
    return insist(begun.did, () => Promise.all([policyBook.pause(begun), spool.appendEvents([told])]));
  }

  async function insist(did: string, write: () => Promise<unknown>): Promise<void> {
    for (;;) {
      try {
        await write();
        return;
      } catch (err) {
        if (closed) return;
        log.error({ err, member: did }, "what the breaker did could not be written down; again soon");
        await systemClock.sleep(AGAIN_MS);
      }
    }
  }

  return {
    pause,

    /** Nothing yields between this and `PolicyBook.consume`. */
    look(
      { did, credential }: { did: string; credential: string },
      recipients: readonly { address: string; domain: string }[],
      fingerprint: Fingerprint,
      now: number,
    ): Known {
      const keys = recipients.map(({ address, domain }) => keyOf(address, domain));
      const submission = { did, credential, recipients: keys, fingerprint, now };
      const seen: Look = habits.look(submission);
      if (seen.forgiven > 0) policyBook.forgive(did, credential, seen.forgiven);
      const firstTime = seen.firstTime.filter(Boolean).length;
      const { id: template, known } = seen.template;
      return {
        facts: {
          firstTime,
          known,
          probe: policyBook.probe(did, credential),
          ...(seen.share !== undefined && { share: seen.share }),
          slowed: seen.slowed,
        },
        template,
        firstTimes: seen.firstTime,
        told: { template, template_known: known, first_time: firstTime },
        recipients: recipients.map(({ domain }, i) => ({
          key: keys[i]!,
          domain,
          first_time: seen.firstTime[i] ?? false,
        })),
        accepted: (held) => habits.accepted(submission, seen, held),
      };
    },

    /** What came of a recipient for good: `hard` when its address or domain is not there. */
    concluded({ address, domain, firstTime, message }: Told, outcome: "delivered" | "hard"): void {
      const { did, credential, template, kind } = message;
      if (kind !== "mail") return;
      const at = clock.now();
      const hard = outcome === "hard";
      if (hard) habits.bounced({ did, template, at });
      else {
        const tier = policyBook.byDid(did)?.tier ?? "trusted";
        habits.delivered({ did, tier, recipient: keyOf(address, domain), template, at });
      }
      if (!firstTime || credential === null) return;
      const recipient = keyOf(address, domain);
      const trip = habits.firstContact({ did, credential, recipient, template, hard, at });
      if (!trip) return;
      const { action, ...facts } = trip;
      if (action === "pause") pause(did, credential, "first-contact", facts);
      else slow(did, credential, facts);
    },

    /** A person or a rule said yes. Returns how to stop. */
    watch() {
      const stop = policyBook.onResume((resumption) => habits.resumed(resumption));
      return () => {
        closed = true;
        stop();
      };
    },
  };
}

function resumedUpTo(member: MemberPolicy, credential: CredentialPolicy): number {
  return Math.max(member.resumedUpTo ?? 0, credential.resumedUpTo ?? 0);
}

/** Is this a hard bounce, for the address or its domain? */
export function isHard(kind: ReplyClass): boolean {
  return kind === "bad-mailbox" || kind === "bad-domain";
}
