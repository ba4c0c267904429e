import { randomId } from "../../lib/ids.ts";
import { createRateTable } from "../../lib/rate-table.ts";
import { domainOf, type MemberPolicy } from "../../policy/index.ts";
import { relaxedBodyHash } from "../../protocol/dkim/index.ts";
import type { Acceptance, Leased, NewTold, Outcome, ToldKind } from "../../spool/index.ts";
import type { RelayContext } from "../context.ts";
import { parseAddress } from "../submission/address.ts";
import type { Ages } from "./age.ts";
import { composeDsn, dsnWords, type DsnFacts, type DsnRecipient } from "./dsn.ts";
import { createForwardNotices } from "./forward-notice.ts";
import { EXPIRY_MS } from "./schedule.ts";

/** What the member is told of a recipient. */
export type Ending = { kind: ToldKind } & Omit<DsnRecipient, "address" | "orcpt">;

/** What is written down with the result: what the member is told, and the mail that says so, if there is one. */
export type Notice = Required<Pick<Outcome, "told">> & Pick<Outcome, "follow">;

/** With RET=FULL a message of up to so many octets is given back whole, a larger one by its header. */
const MAX_FULL = 256 * 1024;
/**
 * Mails to one address of a member. More in an hour are on its page only: a list that was bought, or a thief, brings thousands,
 * and whoever has the mailbox would block the pool for them.
 */
const MOST_MAILED = { limit: 100, periodMs: 3_600_000, burst: 100 };
const MOST_MEMBERS = 10_000;
/** Other recipients that wait, in one notice of a delay. */
const MAX_OTHERS = 50;

const ASKED_BY: Record<ToldKind, "FAILURE" | "SUCCESS" | "DELAY"> = {
  failed: "FAILURE",
  expired: "FAILURE",
  returned: "FAILURE",
  delayed: "DELAY",
  relayed: "SUCCESS",
  delivered: "SUCCESS",
};

/** Is this wanted? Who says nothing hears of failures and of a delay, as RFC 3461 section 4.1 lets us choose. */
export function isWanted(kind: ToldKind, notify: string | null): boolean {
  return (notify ?? "FAILURE,DELAY").split(",").includes(ASKED_BY[kind]);
}

/**
 * Where the member chose to be told by mail, or undefined: it chose nothing, and its page tells it. Only an address of the
 * member is ever written to: nobody else gets mail because of a sender that was made up.
 */
export function noticeAddress(
  member: Pick<MemberPolicy, "bounces" | "domains"> | undefined,
  sender: string,
): string | undefined {
  if (!member?.bounces) return undefined;
  const { bounces } = member;
  if (bounces.to === "nobody") return undefined;
  if (bounces.to === "address") return parseAddress(bounces.address)?.address;
  const address = parseAddress(sender);
  return address && domainOf(member, address.domain) ? address.address : undefined;
}

type Told = Pick<Leased, "address" | "notify" | "orcpt" | "message">;

/** Makes what the member is told of a recipient; the mail is signed by the pool and ready for the spool. */
export function createNoticeMaker(
  context: RelayContext & { ages: Pick<Ages, "ageOf"> },
  insist: <T>(work: () => Promise<T>) => Promise<T>,
) {
  const { identity, policyBook, clock, signer, spool, log, ages } = context;
  const noticeOfForward = createForwardNotices(context);
  const mailed = createRateTable(MOST_MAILED, MOST_MEMBERS);

  /** Undefined: nobody is to be told. A mail that cannot be made takes nothing from what the member's page says. */
  return async function noticeFor(about: Told, ending: Ending): Promise<Notice | undefined> {
    const { message } = about;
    if (message.kind === "forward") return noticeOfForward(about, ending);
    if (message.kind !== "mail" || !isWanted(ending.kind, about.notify)) return undefined;
    const { kind, ...said } = ending;
    const first = { address: about.address, orcpt: about.orcpt, ...said };
    const recipients = kind === "delayed" ? [first, ...(await othersThatWait(about))] : [first];
    const facts = { kind, recipients, messageId: message.id, receivedAt: message.receivedAt };
    const to = noticeAddress(policyBook.byDid(message.did), message.sender);
    const now = clock.now();
    const told: NewTold = { at: now, kind, status: ending.status, sentTo: to ?? null, text: dsnWords(facts) };
    if (to === undefined) return { told };
    if (!mailed.take(`${message.did} ${to}`, now).ok) return { told: { ...told, sentTo: null } };
    try {
      return { told, follow: await mailTo(to, message, { ...facts, now }) };
    } catch (err) {
      log.error({ err, message: message.id }, "a notice could not be made; only the member's page tells it");
      return { told: { ...told, sentTo: null } };
    }
  };

  /** One notice of a delay is for the whole message. */
  async function othersThatWait({ address, message: { id } }: Told): Promise<DsnRecipient[]> {
    const message = await insist(() => spool.message(id));
    const waiting = (message?.recipients ?? []).filter(
      ({ state, ...one }) =>
        (state === "deferred" || state === "queued") &&
        one.address !== address &&
        isWanted("delayed", one.notify),
    );
    if (waiting.length === 0) return [];
    const attempts = await insist(() => spool.attempts(id));
    return waiting.slice(0, MAX_OTHERS).map((one) => {
      const last = attempts.findLast(({ recipientId }) => recipientId === one.id);
      return {
        address: one.address,
        orcpt: one.orcpt,
        status: last ? "4.4.1" : "4.4.5",
        remote: last?.host.split(" ")[0] ?? "",
        diagnostic: last
          ? [last.code || "", last.enhanced, last.text].filter(Boolean).join(" ")
          : (one.waits ?? ""),
        class: last?.class,
      };
    });
  }

  async function mailTo(
    to: string,
    message: Told["message"],
    facts: Pick<DsnFacts, "kind" | "recipients" | "messageId" | "receivedAt" | "now">,
  ): Promise<Acceptance> {
    const { now, kind } = facts;
    const id = randomId(10);
    const { head, body, eightBit, smtpUtf8 } = composeDsn({
      ...facts,
      id,
      hostname: identity.hostname,
      poolDomain: identity.poolDomain,
      to,
      envid: message.envid,
      triedUntil: now + EXPIRY_MS - ages.ageOf(message.receivedAt),
      original: await originalOf(message, kind),
    });
    const hash = relaxedBodyHash();
    hash.update(body);
    const signatures = await signer.sign({ head, bodyHash: hash.digest(), domain: undefined, now });
    const signed = new Uint8Array(Buffer.concat([Buffer.from(signatures, "latin1"), head]));
    return {
      message: {
        id,
        did: message.did,
        credential: null,
        kind: "dsn",
        sender: "",
        fromDomain: identity.poolDomain,
        stream: "dsn",
        priority: 1,
        template: null,
        receivedAt: now,
        size: signed.length + body.length,
        eightBit,
        smtpUtf8,
        ret: null,
        envid: null,
        ask: "usual",
        head: signed,
        body: { bytes: new Uint8Array(body) },
      },
      recipients: [
        {
          id: randomId(10),
          address: to,
          domain: to.slice(to.lastIndexOf("@") + 1).toLowerCase(),
          state: "queued",
          nextAt: now,
          firstTime: false,
          // Whatever becomes of it, nobody is told (RFC 3461 section 6.1).
          notify: "NEVER",
          orcpt: null,
        },
      ],
      events: [],
    };
  }

  /**
   * Of mail that may travel only under TLS with authenticated hosts nothing is given back: few mailboxes could be told
   * under REQUIRETLS themselves, and a notice that holds nothing of it needs none (RFC 8689 section 5).
   */
  async function originalOf(
    { id, ask, ret, size }: Told["message"],
    kind: ToldKind,
  ): Promise<DsnFacts["original"]> {
    if (ask === "require-tls") return { head: new Uint8Array() };
    const stored = await insist(() => spool.content(id));
    if (!stored) return { head: new Uint8Array() };
    const full = ret === "FULL" && size <= MAX_FULL && ASKED_BY[kind] === "FAILURE";
    return { head: stored.head, ...(full && { body: await whole(stored.body()) }) };
  }
}

async function whole(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}
