import { eventMaker } from "../src/event/index.ts";
import { createFeedback, type FeedbackOptions, type Incoming } from "../src/feedback/index.ts";
import { createInbox, inboxMigration } from "../src/inbox/index.ts";
import { snowflakes } from "../src/lib/ids.ts";
import { Database } from "../src/platform/database.ts";
import { silentLog } from "../src/platform/log.ts";
import type { Authentication } from "../src/protocol/authentication/index.ts";
import { builtInShaping } from "../src/shaping/index.ts";
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
  authentication: authentic("a.test"),
  ...more,
});

/** The reading of what comes back to a relay node, with an inbox in memory. */
export function feedbackOf({ spool, relay, clock, book }: Testbed, more: Partial<FeedbackOptions> = {}) {
  const db = new Database(":memory:", [inboxMigration]);
  const inbox = createInbox({ db });
  const feedback = createFeedback({
    spool,
    tokenKey: verpKey,
    recipientKey: (address) => address,
    poolDomains: ["pool.test", "bounce.pool.test"],
    isBounceName: (domain) => domain === "bounce.member.test",
    feedbackId: { region: "eu", sender: "atmos" },
    memberByHandle(handle) {
      const found = book.all().find((policy) => policy.handle === handle);
      return found && { did: found.did, domain: found.domains[0]!.name };
    },
    newEvent: eventMaker(
      () => clock.now(),
      snowflakes(() => clock.now()),
    ),
    inbox,
    repliesTo: (did) => book.byDid(did)?.replies,
    forward: (wish) => relay.forward(wish),
    shaping: builtInShaping(),
    aftermath: relay.aftermath,
    clock,
    log: silentLog,
    ...more,
  });
  return { feedback, inbox, close: () => db.close() };
}
