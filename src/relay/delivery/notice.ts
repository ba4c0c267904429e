import { randomId } from "../../lib/ids.ts";
import { domainOf } from "../../policy/index.ts";
import { relaxedBodyHash } from "../../protocol/dkim/index.ts";
import type { Acceptance, Leased, MessageContent } from "../../spool/index.ts";
import type { RelayContext } from "../context.ts";
import { composeDsn, type DsnFacts, type DsnKind } from "./dsn.ts";

/** What the member is told of a recipient. */
export type Ending = Pick<DsnFacts, "kind" | "status" | "remote" | "diagnostic">;

/** With RET=FULL a message of up to so many octets is given back whole, a larger one by its header. */
const MAX_FULL = 256 * 1024;

const ASKED_BY: Record<DsnKind, "FAILURE" | "SUCCESS" | "DELAY"> = {
  failed: "FAILURE",
  expired: "FAILURE",
  returned: "FAILURE",
  delayed: "DELAY",
  relayed: "SUCCESS",
  delivered: "SUCCESS",
};

/** Is this wanted? Who says nothing hears of failures (RFC 3461 section 4.1). */
export function isWanted(kind: DsnKind, notify: string | null): boolean {
  return (notify ?? "FAILURE").split(",").includes(ASKED_BY[kind]);
}

type Told = Pick<Leased, "address" | "notify" | "orcpt" | "message">;

/** Makes the DSN about a recipient, signed by the pool and ready for the spool; undefined: nobody is to be told. */
export function createNoticeMaker(
  { identity, policyBook, clock, signer }: RelayContext,
  content: (messageId: string) => Promise<MessageContent | undefined>,
) {
  /** Only to the member's own address, never for a DSN: nobody else gets mail because of a forged sender. */
  return async function noticeFor(
    { address, notify, orcpt, message }: Told,
    ending: Ending,
  ): Promise<Acceptance | undefined> {
    if (!isWanted(ending.kind, notify)) return undefined;
    const domain = message.sender.slice(message.sender.lastIndexOf("@") + 1).toLowerCase();
    const member = policyBook.byDid(message.did);
    if (message.kind !== "mail" || !message.sender || !member || !domainOf(member, domain)) return undefined;
    const stored = await content(message.id);
    const full = message.ret === "FULL" && message.size <= MAX_FULL && ASKED_BY[ending.kind] === "FAILURE";
    const now = clock.now();
    const id = randomId(10);
    const { head, body, eightBit, smtpUtf8 } = composeDsn({
      id,
      hostname: identity.hostname,
      poolDomain: identity.poolDomain,
      now,
      to: message.sender,
      recipient: address,
      ...ending,
      envid: message.envid,
      orcpt,
      receivedAt: message.receivedAt,
      original: {
        head: stored?.head ?? new Uint8Array(),
        ...(stored && full && { body: await whole(stored.body()) }),
      },
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
          address: message.sender,
          domain,
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
  };
}

async function whole(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}
