import { randomId } from "../../lib/ids.ts";
import { domainOf } from "../../policy/index.ts";
import { relaxedBodyHash } from "../../protocol/dkim/index.ts";
import type { Acceptance, Leased, MessageContent } from "../../spool/index.ts";
import type { RelayContext } from "../context.ts";
import { composeDsn, type DsnFacts } from "./dsn.ts";

/** How a recipient ended that got nothing: what the member is told. */
export type Ending = Pick<DsnFacts, "kind" | "status" | "remote" | "diagnostic">;

/** Makes the DSN about a recipient, signed by the pool and ready for the spool; undefined: nobody is to be told. */
export function createNoticeMaker(
  { identity, policyBook, clock, signer }: RelayContext,
  content: (messageId: string) => Promise<MessageContent | undefined>,
) {
  /** Only to the member's own address, never for a DSN: nobody else gets mail because of a forged sender. */
  return async function noticeFor(
    { address, message }: Leased,
    ending: Ending,
  ): Promise<Acceptance | undefined> {
    const domain = message.sender.slice(message.sender.lastIndexOf("@") + 1).toLowerCase();
    const member = policyBook.byDid(message.did);
    if (message.kind !== "mail" || !message.sender || !member || !domainOf(member, domain)) return undefined;
    const original = await content(message.id);
    const now = clock.now();
    const id = randomId(10);
    const { head, body } = composeDsn({
      id,
      hostname: identity.hostname,
      poolDomain: identity.poolDomain,
      now,
      to: message.sender,
      recipient: address,
      ...ending,
      originalHead: original?.head ?? new Uint8Array(),
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
        eightBit: false,
        smtpUtf8: false,
        ret: null,
        envid: null,
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
          notify: null,
          orcpt: null,
        },
      ],
      events: [],
    };
  };
}
