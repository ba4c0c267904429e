import { eventMaker } from "../src/event/index.ts";
import { createFeedback, type FeedbackOptions, type Incoming } from "../src/feedback/index.ts";
import { openInbox, readingParts } from "../src/feedback/node.fixture.ts";
import { snowflakes } from "../src/lib/ids.ts";
import type { Authentication } from "../src/protocol/authentication/index.ts";
import { verpKey, type Testbed } from "./relay-harness.ts";

/** Mail that SPF and DMARC vouch for, from `domain`. */
export const authentic = (domain: string): Authentication => ({
  spf: { result: "pass", domain },
  dkim: [],
  dmarc: { result: "pass", domain, policy: "none" },
  arc: { result: "none" },
  results: `spf=pass smtp.mailfrom=${domain}; dmarc=pass header.from=${domain}`,
});

export const incoming = (to: string, raw: string | Uint8Array, more: Partial<Incoming> = {}): Incoming => ({
  to,
  raw: typeof raw === "string" ? Buffer.from(raw) : raw,
  mailFrom: "",
  from: "mx.a.test",
  ip: "192.0.2.9",
  tls: "TLSv1.3",
  authentication: authentic("a.test"),
  ...more,
});

/** The reading of what comes back to a relay node, with an inbox in memory. */
export function feedbackOf({ spool, relay, clock, book }: Testbed, more: Partial<FeedbackOptions> = {}) {
  const { inbox, close } = openInbox(":memory:");
  const feedback = createFeedback({
    ...readingParts(spool, inbox),
    tokenKey: verpKey,
    poolDomains: ["pool.test", "bounce.pool.test"],
    isBounceName: (domain) => domain === "bounce.member.test",
    memberByHandle(handle) {
      const found = book.all().find((policy) => policy.handle === handle);
      return found && { did: found.did, domain: found.domains[0]!.name };
    },
    newEvent: eventMaker(
      () => clock.now(),
      snowflakes(() => clock.now()),
    ),
    repliesTo: (did) => book.byDid(did)?.replies,
    forward: (wish) => relay.forward(wish),
    aftermath: relay.aftermath,
    clock,
    ...more,
  });
  return { feedback, inbox, close };
}
