import { randomId } from "../../lib/ids.ts";
import {
  decide,
  domainOf,
  whyHeld,
  type CredentialPolicy,
  type DecideInput,
  type MemberPolicy,
} from "../../policy/index.ts";
import { makeToken } from "../../protocol/verp/index.ts";
import { SpoolError, type BodyWriter } from "../../spool/index.ts";
import type { RelayContext } from "../context.ts";
import { prepareHeader } from "./header.ts";
import type { Intake, Refusal } from "./intake.ts";

export type Submitted = {
  sender: string;
  recipients: { address: string; domain: string }[];
  /** As in a Received field: `ESMTPSA`. */
  protocol: string;
  member: MemberPolicy;
  credential: CredentialPolicy;
};

export type SubmissionResult =
  | { ok: true; id: string; held: boolean }
  | ({ ok: false; fromDomain?: string } & Refusal);

/**
 * The end of DATA: the last decision, the signatures, the commit. From `decide` to `consume` nothing yields, so
 * parallel connections cannot exceed a limit together. Resolves `ok` only when the message is on disk.
 */
export async function finishMessage(
  context: RelayContext,
  submitted: Submitted,
  intake: ReturnType<Intake["end"]>,
  body: BodyWriter,
): Promise<SubmissionResult> {
  if ("refusal" in intake) return { ok: false, ...intake.refusal };
  const { identity, policyBook, spool, signer, clock, event } = context;
  const { member, credential, recipients } = submitted;
  const now = clock.now();
  const id = randomId(10);
  const prepared = prepareHeader(intake.head, {
    id,
    token: makeToken(id, identity.verpKey),
    hostname: identity.hostname,
    protocol: submitted.protocol,
    now,
    handle: member.handle,
    region: identity.region,
    sender: identity.sender,
  });
  if ("refusal" in prepared) return { ok: false, ...prepared.refusal };
  const { fromDomain, stream } = prepared;
  const input: DecideInput = {
    stage: "data",
    member,
    credential,
    fromDomain,
    stream,
    recipients: recipients.length,
    recipientDomains: recipients.map(({ domain }) => domain),
    limits: policyBook.limits(member.did, now),
    poolLimits: policyBook.poolLimits,
    now,
  };
  const decision = decide(input);
  if (decision.outcome === "refuse" || decision.outcome === "defer") {
    return { ok: false, fromDomain, ...decision };
  }
  const taken = policyBook.consume(input);
  if (!taken) return { ok: false, ...TRY_LATER };
  const { receipt, waitMs } = taken;

  try {
    const domain = domainOf(member, fromDomain);
    const signatures = await signer.sign({ head: prepared.head, bodyHash: intake.bodyHash, domain, now });
    const stored = await body.finish();
    const head = concat(signatures, prepared.head);
    const latest = policyBook.byDid(member.did) ?? member;
    const late = whyHeld(latest, fromDomain, credential.id);
    const reason = decision.outcome === "hold" ? decision.reason : late?.reason;
    const held = reason !== undefined;
    const size = head.length + body.size;
    const memberDomain = domain?.name ?? fromDomain;
    await spool.accept({
      message: {
        id,
        did: member.did,
        credential: credential.id,
        kind: "mail",
        sender: submitted.sender,
        fromDomain,
        stream,
        priority: stream === "bulk" ? 2 : recipients.length > 1 ? 1 : 0,
        template: null,
        receivedAt: now,
        size,
        eightBit: false,
        smtpUtf8: false,
        ret: null,
        envid: null,
        head,
        body: stored,
      },
      recipients: recipients.map(({ address, domain }) => ({
        id: randomId(10),
        address,
        domain,
        state: held ? ("held" as const) : ("queued" as const),
        nextAt: now + waitMs,
        firstTime: false,
        notify: null,
        orcpt: null,
      })),
      limits: policyBook.limitRows(receipt),
      events: [
        event(held ? "message_held" : "message_accepted", {
          dedupe_key: `accepted:${id}`,
          member: { did: member.did, domain: memberDomain },
          credential: credential.id,
          message: { id, size, recipients: recipients.length, stream, received_at: now },
          ...(held ? { detail: { reason } } : {}),
        }),
      ],
    });
    return { ok: true, id, held };
  } catch (err) {
    policyBook.refund(receipt);
    context.log.error({ err, member: member.did }, "a submission could not be stored");
    return { ok: false, ...storageRefusal(err) };
  }
}

/** The answer for what could not be written down: nothing was acknowledged. */
export function storageRefusal(error: unknown): Refusal {
  const full = error instanceof SpoolError ? error.full : (error as NodeJS.ErrnoException).code === "ENOSPC";
  return full ? DISK_FULL : TRY_LATER;
}

const DISK_FULL: Refusal = {
  code: 451,
  enhanced: "4.3.1",
  reason: "disk-full",
  text: "No room in the spool, try again later",
};
const TRY_LATER: Refusal = {
  code: 451,
  enhanced: "4.3.0",
  reason: "internal",
  text: "The message could not be stored, try again later",
};

function concat(signatures: string, head: Uint8Array): Uint8Array {
  const prefix = Buffer.from(signatures, "latin1");
  const whole = new Uint8Array(prefix.length + head.length);
  whole.set(prefix);
  whole.set(head, prefix.length);
  return whole;
}
