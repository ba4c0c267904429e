/**
 * Fills a spool, in a process of its own so that what measures it holds nothing of that. Takes one `Fill` by IPC, tells
 * how many recipients there are as it goes on, and ends.
 */
import { randomId } from "../../src/lib/ids.ts";
import { createSpool, type Acceptance } from "../../src/spool/index.ts";
import { CROWD, LARGE_DOMAINS } from "./crowd.ts";

export type Fill = { path: string; from: number; to: number };

const RECIPIENTS_OF_MESSAGE = 10;
const HEAD = Buffer.from("DKIM-Signature: v=1\r\nSubject: x\r\n\r\n");
const BODY = Buffer.alloc(1024, "The quick brown fox jumps over the lazy dog.\r\n");
/** Messages that are stored at once: the writer makes one commit of what waits. */
const AT_ONCE = 500;
const MEMBERS = 1_000;
const SMALL_DOMAINS = 5_000;
const LARGE_SHARE = 0.6;
const TOLD_EVERY = 100_000;
/** So long ago that all of it is due. */
const SINCE_MS = 3_600_000;

/** The same in every run. */
let seed = 1;
function random(): number {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
  return (seed >>> 8) / 0x1000000;
}

/** Transactional mail to one recipient is of the first, to several of the second. */
const priorityOf = (n: number) => (n < 0.5 ? 0 : n < 0.7 ? 1 : 2);

function acceptance(at: number, ofCrowd: boolean): Acceptance {
  const member = Math.floor(random() ** 2 * MEMBERS);
  const priority = ofCrowd ? 1 : priorityOf(random());
  return {
    message: {
      id: randomId(10),
      did: ofCrowd ? CROWD.did : `did:plc:m${member}`,
      credential: `c${member}`,
      kind: "mail",
      sender: `x@m${member}.test`,
      fromDomain: `m${member}.test`,
      stream: priority === 2 ? "bulk" : "transactional",
      priority,
      template: null,
      receivedAt: at,
      size: HEAD.length + BODY.length,
      eightBit: false,
      smtpUtf8: false,
      ret: null,
      envid: null,
      ask: "usual",
      head: HEAD,
      body: { bytes: BODY },
    },
    recipients: Array.from({ length: RECIPIENTS_OF_MESSAGE }, () => {
      const domain =
        random() < LARGE_SHARE
          ? LARGE_DOMAINS[Math.floor(random() * LARGE_DOMAINS.length)]!
          : `small${Math.floor(random() * SMALL_DOMAINS)}.test`;
      return {
        id: randomId(10),
        address: `r${Math.floor(random() * 1e9)}@${domain}`,
        domain,
        state: "queued" as const,
        nextAt: at,
        firstTime: false,
        notify: null,
        orcpt: null,
      };
    }),
    events: [],
  };
}

process.once("message", ({ path, from, to }: Fill) => {
  void (async () => {
    seed = from + 1;
    const spool = await createSpool({ path });
    const since = Date.now() - SINCE_MS;
    for (let n = from; n < to;) {
      const some: Promise<unknown>[] = [];
      for (; some.length < AT_ONCE && n < to; n += RECIPIENTS_OF_MESSAGE)
        some.push(spool.accept(acceptance(since + Math.floor(n / 1_000), n < to * CROWD.share)));
      await Promise.all(some);
      if (n % TOLD_EVERY < AT_ONCE * RECIPIENTS_OF_MESSAGE) process.send?.(n);
    }
    await spool.close();
    process.disconnect();
  })();
});
