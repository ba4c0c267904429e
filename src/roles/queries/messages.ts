import { maskAddress } from "../../web/index.ts";
import type { AttemptView, MessageFilter, MessageView, Spool } from "../../spool/index.ts";
import type { Attempt, MemberMessage, MessageFound, MessageLog } from "../../web/index.ts";
import { parseAddress } from "../../relay/index.ts";
import type { QueryParts } from "./parts.ts";

/** What the messages of members are shown from. */
export type MessageParts = Pick<QueryParts, "core" | "spool" | "shaping" | "clock">;

const LATEST = 25;
const PAGE = 25;
/** What is shown of one message where it stands among others, and alone. */
const IN_LIST = { recipients: 20, attempts: 3 };
const ALONE = { recipients: 500, attempts: 50 };

export async function latestMessages(parts: MessageParts, did: string): Promise<MemberMessage[]> {
  const { spool } = parts;
  if (!spool) return [];
  const rows = await spool.messages(did, { limit: LATEST });
  return Promise.all(
    rows.filter(({ kind }) => kind === "mail").map((row) => shown(parts, spool, row, IN_LIST)),
  );
}

/** A page of a member's mail that fits; null: there is no such member. */
export async function messageLog(
  parts: MessageParts,
  did: string,
  filter: Omit<MessageFilter, "did"> | null,
  before?: number,
): Promise<MessageLog | null> {
  const { core, spool, shaping, clock } = parts;
  const member = core.members.get(did);
  if (!member) return null;
  const domains = core.members.domainsOf(did).map(({ name }) => name);
  const page = { limit: PAGE, ...(before !== undefined && { before }) };
  const found = filter === null ? undefined : await spool?.search({ ...asKept(filter), did }, page);
  const messages = await Promise.all(
    (found?.messages ?? []).map((row) => shown(parts, spool!, matching(row, filter ?? {}), IN_LIST)),
  );
  return {
    asOf: clock.now(),
    did,
    domain: domains[0] ?? member.name,
    membership: member.membership,
    domains,
    credentials: core.members.credentialsOf(did).map(({ id, name }) => ({ id, name })),
    providers: (shaping?.providers() ?? []).map((id) => ({ id, name: shaping!.nameOf(id) })),
    isKnown: spool !== undefined,
    messages,
    next: found?.next ?? null,
    scanned: found?.scanned ?? 0,
    isFull: messages.length >= PAGE,
  };
}

/** Addresses are kept as SMTP has them: a domain in its ASCII form. */
function asKept(filter: Omit<MessageFilter, "did">): MessageFilter {
  const address = filter.recipient === undefined ? undefined : parseAddress(filter.recipient)?.address;
  return { ...filter, ...(address !== undefined && { recipient: address }) };
}

/** One message of a member, whole; null: it has none of this id. */
export async function messageOf(parts: MessageParts, did: string, id: string): Promise<MessageFound | null> {
  const { core, spool, clock } = parts;
  const member = core.members.get(did);
  const message = await spool?.message(id);
  if (!member || !spool || message?.did !== did || (message.kind !== "mail" && message.kind !== "test"))
    return null;
  const told = (await spool.toldOf(id)).map(({ at, kind, address, sentTo, text }) => ({
    at,
    kind,
    address: maskAddress(address),
    sentTo,
    text,
  }));
  return {
    asOf: clock.now(),
    did,
    domain: core.members.domainsOf(did)[0]?.name ?? member.name,
    membership: member.membership,
    message: await shown(parts, spool, message, ALONE),
    sender: message.sender,
    credential: core.members.credentialsOf(did).find((one) => one.id === message.credential)?.name ?? null,
    told,
  };
}

/** Where recipients were asked for, those come first that fit. */
function matching(message: MessageView, { recipient, recipientDomain, states }: MessageFilter): MessageView {
  const fits = (one: MessageView["recipients"][number]) =>
    (recipient === undefined || one.address.toLowerCase() === recipient.toLowerCase()) &&
    (recipientDomain === undefined || one.domain === recipientDomain) &&
    (states === undefined || states.includes(one.state));
  return { ...message, recipients: message.recipients.toSorted((a, b) => Number(fits(b)) - Number(fits(a))) };
}

async function shown(
  { shaping }: MessageParts,
  spool: Spool,
  message: MessageView,
  most: { recipients: number; attempts: number },
): Promise<MemberMessage> {
  const attempts = await spool.attempts(message.id);
  const dropped = await droppedBy(spool, message);
  return {
    id: message.id,
    at: message.receivedAt,
    domain: message.fromDomain,
    stream: message.stream,
    size: message.size,
    ...(message.recipients.length > most.recipients && {
      moreRecipients: message.recipients.length - most.recipients,
    }),
    recipients: message.recipients.slice(0, most.recipients).map((recipient) => {
      const of = attempts.filter((attempt) => attempt.recipientId === recipient.id);
      return {
        id: recipient.id,
        address: recipient.address,
        state: recipient.state,
        ...(recipient.state === "dropped" && dropped && { dropped }),
        ...(recipient.state === "queued" && recipient.waits && { waits: recipient.waits }),
        nextAttemptAt: ["queued", "deferred"].includes(recipient.state) ? recipient.nextAt : null,
        ...(of.length > most.attempts && { earlierAttempts: of.length - most.attempts }),
        attempts: of.slice(-most.attempts).map((attempt) => attemptView(attempt, shaping)),
      };
    }),
  };
}

/** Who dropped it last, and why. */
async function droppedBy(
  spool: Spool,
  { id, recipients }: MessageView,
): Promise<{ by: string; why: string } | undefined> {
  if (!recipients.some((recipient) => recipient.state === "dropped")) return undefined;
  const last = (await spool.operations(id)).findLast((operation) => operation.action === "drop");
  return last && { by: last.by, why: last.why };
}

function attemptView(attempt: AttemptView, shaping: QueryParts["shaping"]): Attempt {
  const advice = attempt.rule === null ? undefined : shaping?.ruleWords(attempt.rule)?.advice;
  return {
    ...(advice !== undefined && { advice }),
    at: attempt.at,
    server: attempt.host,
    code: attempt.code,
    enhanced: attempt.enhanced,
    text: attempt.text,
    class: attempt.class,
    permanent: attempt.permanent,
    fault: attempt.fault,
    rule: attempt.rule,
    egress: attempt.egress || null,
    tls: attempt.tls === "" ? null : attempt.tls,
    tlsPolicy: attempt.tlsPolicy,
    conversation: attempt.transcript.split("\n").filter((line) => line !== ""),
  };
}
