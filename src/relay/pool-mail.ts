import { randomId } from "../lib/ids.ts";
import { relaxedBodyHash } from "../protocol/dkim/index.ts";
import type { MessageRow } from "../spool/index.ts";
import type { RelayContext } from "./context.ts";
import type { Address } from "./submission/address.ts";

export type PoolMail = Pick<MessageRow, "id" | "did" | "ask" | "priority"> & {
  kind: "notice" | "report";
  to: Address;
  /** With CRLF and its empty line. */
  head: Uint8Array;
  body: Uint8Array<ArrayBuffer>;
};

/**
 * Takes mail of the pool itself in: signed by the pool, without a return path, so that nothing about it comes back. Rejects
 * when the spool takes nothing.
 */
export async function takePoolMail(
  { identity, spool, signer, clock }: Pick<RelayContext, "identity" | "spool" | "signer" | "clock">,
  { id, did, kind, ask, priority, to, head, body }: PoolMail,
): Promise<void> {
  const now = clock.now();
  const hash = relaxedBodyHash();
  hash.update(body);
  const signatures = await signer.sign({ head, bodyHash: hash.digest(), domain: undefined, now });
  const signed = new Uint8Array(Buffer.concat([Buffer.from(signatures, "latin1"), head]));
  await spool.accept({
    message: {
      id,
      did,
      credential: null,
      kind,
      sender: "",
      fromDomain: identity.poolDomain,
      stream: kind,
      priority,
      template: null,
      receivedAt: now,
      size: signed.length + body.length,
      eightBit: false,
      smtpUtf8: to.smtpUtf8,
      ret: null,
      envid: null,
      ask,
      head: signed,
      body: { bytes: body },
    },
    recipients: [
      {
        id: randomId(10),
        address: to.address,
        domain: to.domain,
        state: "queued",
        nextAt: now,
        firstTime: false,
        notify: "NEVER",
        orcpt: null,
      },
    ],
    events: [],
  });
}
