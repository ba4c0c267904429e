import { randomId } from "../lib/ids.ts";
import { domainOf } from "../policy/index.ts";
import { relaxedBodyHash } from "../protocol/dkim/index.ts";
import type { RelayContext } from "./context.ts";
import { parseAddress } from "./submission/address.ts";
import { mailDate } from "./submission/header.ts";
import { withSignatures } from "./signing/index.ts";

/** A test mail that the pool sends in the name of a member: to a test address, from a domain of that member. */
export type TestWish = { did: string; fromDomain: string; to: string };

const TEXT = `This is a test that the cooperative sent in the name of this domain, signed with its keys, to itself:\r
what arrives is looked at as any receiver would look at it, and shown to the member. Nobody has to answer.\r
`;

/**
 * As a login code of the member leaves: its keys, its return path, the same queue and the same addresses. Its words are ours, and
 * it can only go to the pool, so that it needs nobody's leave.
 */
export function createTester({ identity, spool, signer, policyBook, clock, accepted }: RelayContext) {
  return async function sendTest({
    did,
    fromDomain,
    to,
  }: TestWish): Promise<{ message: string } | undefined> {
    const member = policyBook.byDid(did);
    const domain = member && domainOf(member, fromDomain);
    const address = parseAddress(to);
    if (!domain || !address) return undefined;
    const now = clock.now();
    const id = randomId(10);
    const body = new Uint8Array(Buffer.from(TEXT, "latin1"));
    const hash = relaxedBodyHash();
    hash.update(body);
    const lines = [
      `From: Atmosphere Mail test <test@${domain.name}>`,
      `To: <${address.address}>`,
      `Subject: A test of ${domain.name}`,
      `Date: ${mailDate(now)}`,
      `Message-ID: <${id}@${domain.name}>`,
      `Feedback-ID: test:${member.handle}:${identity.region}:${identity.sender}`,
      "Auto-Submitted: auto-generated",
      "MIME-Version: 1.0",
      "Content-Type: text/plain; charset=us-ascii",
    ];
    const bare = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
    const signatures = await signer.sign({ head: bare, bodyHash: hash.digest(), domain, now });
    const head = withSignatures(signatures, bare);
    await spool.accept({
      message: {
        id,
        did,
        credential: null,
        kind: "test",
        sender: `test@${domain.name}`,
        fromDomain: domain.name,
        stream: "transactional",
        priority: 0,
        template: null,
        receivedAt: now,
        size: head.length + body.length,
        eightBit: false,
        smtpUtf8: false,
        ret: null,
        envid: null,
        ask: "usual",
        head,
        body: { bytes: body },
      },
      recipients: [
        {
          id: randomId(10),
          address: address.address,
          domain: address.domain,
          state: "queued",
          nextAt: now,
          firstTime: false,
          notify: "NEVER",
          orcpt: null,
        },
      ],
      events: [],
    });
    accepted();
    return { message: id };
  };
}
