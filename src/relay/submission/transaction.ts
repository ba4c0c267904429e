import type { Fingerprint } from "../../breaker/index.ts";
import { randomId } from "../../lib/ids.ts";
import {
  acceptedText,
  decide,
  domainOf,
  whyHeld,
  type DecideInput,
  type Decision,
} from "../../policy/index.ts";
import { makeToken } from "../../protocol/verp/index.ts";
import type { BodyWriter, Hold } from "../../spool/index.ts";
import type { RelayContext } from "../context.ts";
import { withSignatures } from "../signing/index.ts";
import { parseAddress } from "./address.ts";
import { prepareHeader, type HeaderContext, type PreparedHeader } from "./header.ts";
import type { Taken } from "./intake.ts";
import { storageRefusal, TRY_LATER, type Refusal } from "./refusal.ts";
import type { Message, MessageResult } from "./submission.ts";

export type Finished = Extract<MessageResult, { ok: true }> | ({ ok: false; fromDomain?: string } & Refusal);

const SIGNING: Hold = { reason: "signing", owner: "signing" };
/** Held until somebody says yes to it. */
const KEPT_BACK: ReadonlySet<string> = new Set(["content", "first-contact", "paused"]);

/**
 * The end of a message: the last decision, the signatures, the commit. From `decide` to `consume` nothing yields, so
 * parallel connections cannot exceed a limit together. Resolves `ok` only when the message is on disk.
 */
export async function finishMessage(
  context: RelayContext,
  message: Omit<Message, "source">,
  taken: Taken,
  fingerprint: Fingerprint,
  body: BodyWriter,
): Promise<Finished> {
  const { identity, policyBook, spool, clock, event, log, breaker } = context;
  const { member, credential } = message;
  const recipients = message.recipients.flatMap((one) => {
    const parsed = parseAddress(one.address);
    return parsed ? [{ ...one, ...parsed }] : [];
  });
  const now = clock.now();
  const id = randomId(10);
  const prepared = prepareHeader(taken.head, {
    id,
    token: makeToken(id, identity.verpKey),
    hostname: identity.hostname,
    protocol: message.protocol,
    smtpUtf8: message.smtpUtf8,
    stream: message.stream,
    now,
    handle: member.handle,
    region: identity.region,
    sender: identity.sender,
    unsubscribe: unsubscribeOf(context, member.did, recipients),
  });
  if ("refusal" in prepared) return { ok: false, ...prepared.refusal };
  const { fromDomain, stream } = prepared;

  const known = breaker.look({ did: member.did, credential: credential.id }, recipients, fingerprint, now);
  const suppressed = recipients.map(({ address }) => context.suppressed(member.did, address, stream));
  const test = recipients.length === 1 && context.isTestOf(member.handle, recipients[0]!.address);
  const input: DecideInput = {
    stage: message.stage,
    test,
    member,
    credential,
    fromDomain,
    stream,
    recipients: recipients.length,
    recipientDomains: recipients.map(({ domain }) => domain),
    // One of several ends by itself as suppressed, and the member is told; the others go.
    ...(suppressed[0] !== undefined &&
      suppressed.every((words) => words !== undefined) && { suppressed: suppressed[0] }),
    ...(!test && { facts: known.facts }),
    limits: policyBook.limits(member.did, now),
    poolLimits: policyBook.poolLimits,
    now,
  };
  const first = decide(input);
  if (first.pause && !test) {
    const facts = { ...known.told, reached: known.facts.probe };
    breaker.pause(member.did, credential.id, first.pause.cause, facts);
  }
  if (first.outcome === "refuse" || first.outcome === "defer") return { ok: false, fromDomain, ...first };
  const consumed = policyBook.consume(input);
  if (!consumed) return { ok: false, ...TRY_LATER };
  const { decision, receipt, waitMs } = consumed;

  try {
    const signed = await sign(context, prepared, taken.bodyHash, message, now);
    const stored = await body.finish();
    const hold = signed.unsigned
      ? SIGNING
      : test
        ? undefined
        : holdOf(context, decision, fromDomain, message);
    const head = withSignatures(signed.signatures, prepared.head);
    const size = head.length + body.size;
    const domain = domainOf(policyBook.byDid(member.did) ?? member, fromDomain);
    const accepted = await spool.accept({
      message: {
        id,
        did: member.did,
        credential: credential.id,
        kind: test ? "test" : "mail",
        sender: parseAddress(message.sender)?.address ?? "",
        fromDomain,
        stream,
        priority: message.priority ?? (stream === "bulk" ? 2 : recipients.length > 1 ? 1 : 0),
        template: known.template,
        receivedAt: now,
        size,
        eightBit: taken.eightBit,
        smtpUtf8: prepared.utf8,
        ret: message.ret,
        envid: message.envid,
        ask: message.requireTls ? "require-tls" : prepared.tlsOptional ? "tls-optional" : "usual",
        head,
        body: stored,
        unsigned: signed.unsigned,
        ...(message.idempotency && { idempotency: message.idempotency }),
      },
      recipients: recipients.map(({ address, domain: at, notify, orcpt }, i) => ({
        id: randomId(10),
        address,
        domain: at,
        state: hold ? ("held" as const) : ("queued" as const),
        ...(hold && { hold }),
        nextAt: now + waitMs,
        firstTime: known.firstTimes[i] ?? false,
        notify,
        orcpt,
      })),
      limits: policyBook.limitRows(receipt),
      events: test
        ? []
        : [
            event(hold ? "message_held" : "message_accepted", {
              dedupe_key: `accepted:${id}`,
              member: { did: member.did, domain: domain?.name ?? fromDomain },
              credential: credential.id,
              message: {
                id,
                size,
                recipients: recipients.length,
                stream,
                received_at: now,
                ...known.told,
              },
              recipients: known.recipients,
              detail: { reason: hold?.reason ?? decision.reason, ...(waitMs > 0 && { wait_ms: waitMs }) },
            }),
          ],
    });
    const earlier = accepted.duplicateOf ?? accepted.conflict;
    if (earlier !== undefined) {
      policyBook.refund(receipt);
      return takenBefore(earlier, accepted.conflict ? "" : (message.idempotency?.digest ?? ""));
    }
    if (!test) known.accepted(hold !== undefined && KEPT_BACK.has(hold.reason));
    const reason = hold?.reason ?? decision.reason;
    const outcome = hold ? ("hold" as const) : decision.outcome;
    const said = acceptedText({ ...decision, outcome, reason: reason as Decision["reason"], waitMs }, id);
    // What is no plain yes ends with the name of its outcome, and has enough to say.
    const text = prepared.hint === undefined || said.endsWith("]") ? said : `${said}, ${prepared.hint}`;
    const state = hold ? "held" : waitMs > 0 ? "paced" : "queued";
    return { ok: true, id, state, waitMs: hold ? 0 : waitMs, reason, text };
  } catch (err) {
    policyBook.refund(receipt);
    log.error({ err, member: member.did }, "a submission could not be stored");
    return { ok: false, fromDomain, ...storageRefusal(err) };
  }
}

/** Each recipient of bulk mail has its own address to unsubscribe at, so there can be one alone. */
function unsubscribeOf(
  { unsubscribeUrl }: RelayContext,
  did: string,
  recipients: readonly { address: string }[],
): HeaderContext["unsubscribe"] {
  if (!unsubscribeUrl) return undefined;
  const [first, ...more] = recipients;
  if (!first || more.length > 0) return "several";
  return (fromDomain) => unsubscribeUrl({ did, fromDomain, address: first.address });
}

/** The answer to a submission that is in the spool already, under its key; an empty digest is not its own. */
export function takenBefore(id: string, digest: string): Finished {
  return {
    ok: true,
    id,
    state: "queued",
    waitMs: 0,
    reason: "ok",
    text: `Queued as ${id}`,
    earlier: { digest },
  };
}

/** What cannot be signed is kept, and never leaves before it is. */
async function sign(
  { signer, log }: RelayContext,
  { head, fromDomain }: PreparedHeader,
  bodyHash: string,
  { member }: Pick<Message, "member">,
  now: number,
): Promise<{ signatures: string; unsigned: boolean }> {
  try {
    const domain = domainOf(member, fromDomain);
    if (!domain) throw new Error(`${fromDomain} is no domain of the member any more`);
    return { signatures: await signer.sign({ head, bodyHash, domain, now }), unsigned: false };
  } catch (err) {
    log.error({ err, member: member.did, domain: fromDomain }, "a message could not be signed; it is held");
    return { signatures: "", unsigned: true };
  }
}

/** Signing took its time: the policy as it is now may hold what the decision let go. */
function holdOf(
  { policyBook }: RelayContext,
  decision: Decision,
  fromDomain: string,
  { member, credential }: Pick<Message, "member" | "credential">,
): Hold | undefined {
  if (decision.outcome === "hold") return { reason: decision.reason, owner: decision.owner ?? "policy" };
  return whyHeld(policyBook.byDid(member.did) ?? member, fromDomain, credential.id);
}
