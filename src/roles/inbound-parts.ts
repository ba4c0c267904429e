import type { Egress } from "../egress/index.ts";
import type { EventMaker } from "../event/index.ts";
import { createFeedback } from "../feedback/index.ts";
import { createInbox, inboxMigration } from "../inbox/index.ts";
import { dataPath, type Config } from "../platform/config/index.ts";
import { Database } from "../platform/database.ts";
import type { MemberPolicy, PolicyBook } from "../policy/index.ts";
import { recipientFacts, startInbound, type Relay } from "../relay/index.ts";
import type { Shaping } from "../shaping/index.ts";
import type { Spool } from "../spool/index.ts";
import { cooledByComplaints } from "./complaint-cooling.ts";
import { forwardEntry } from "./forward-entry.ts";
import { followPassedMail, passOnTo } from "./passed-mail.ts";
import { createReportReader } from "./report-reader.ts";
import type { RoleParts } from "./role-parts.ts";

export type InboundPartsOptions = RoleParts & {
  config: Config;
  keys: { verp: Uint8Array; recipient: Uint8Array };
  tls: { cert: string; key: string };
  /** Third and fourth part of `Feedback-ID`. */
  feedbackId: { region: string; sender: string };
  spool: Spool;
  relay: Relay;
  policyBook: PolicyBook;
  shaping: Shaping;
  egress: Pick<Egress, "record">;
  newEvent: EventMaker;
};

const PRUNE_EVERY_MS = 3_600_000;
const MEASURE_EVERY_MS = 60_000;

/** What comes in on 25: the server, the reading of it, and the committee's inbox. */
export async function openInboundParts(options: InboundPartsOptions) {
  const { config, bus, keys, relay, policyBook, clock, log, metrics, scheduler } = options;
  const node = config.KAFKA_BROKERS.length > 0 ? config.NODE_NAME : undefined;
  const db = new Database(dataPath(config, "inbox.sqlite"), [inboxMigration]);
  try {
    const inbox = createInbox({ db });
    const poolReturnPath = `bounce.${config.POOL_DOMAIN}`;
    const memberOf = (is: (policy: MemberPolicy) => boolean) => policyBook.all().find(is);
    const feedback = createFeedback({
      ...options,
      tokenKey: keys.verp,
      recipientKey: (address) => recipientFacts(keys.recipient, address, "").key,
      poolDomains: [config.POOL_DOMAIN, config.POOL_HOSTNAME, poolReturnPath],
      isBounceName: (domain) =>
        memberOf(({ domains }) =>
          domains.some(({ name, returnPath }) => (returnPath ?? `bounce.${name}`) === domain),
        ) !== undefined,
      memberByHandle(handle) {
        const member = memberOf((policy) => policy.handle === handle);
        return member && { did: member.did, domain: member.domains[0]?.name ?? "" };
      },
      inbox,
      repliesTo(did) {
        const member = policyBook.byDid(did);
        return member?.membership === "member" ? member.replies : undefined;
      },
      rolesTo: config.ROLE_MAIL_TO,
      forward: (wish) => relay.forward(wish),
      alarm: () => metrics.complaintsUnmatched.inc(),
      aftermath: relay.aftermath,
      passOn: node === undefined ? undefined : passOnTo(bus, node),
      reports: createReportReader(options),
    });
    relay.onForwardFailed((failure) => {
      inbox.keep(forwardEntry(failure, config.POOL_DOMAIN)).catch((err: unknown) => {
        log.error({ err }, "the committee was not told that mail could not be sent on");
      });
    });
    const receive = cooledByComplaints(feedback.receive, options);
    const inbound = await startInbound({
      address: config.INBOUND_ADDRESS,
      hostname: config.POOL_HOSTNAME,
      tls: options.tls,
      feedback: { ...feedback, receive },
      resolver: options.resolver,
      clock,
      log,
      counted: (outcome) => metrics.inbound.inc({ outcome }),
      room: () => options.spool.room(),
    });
    const passed = node === undefined ? undefined : followPassedMail({ bus, node, receive, log, metrics });
    scheduler.every({
      name: "old entries of the inbox forgotten",
      everyMs: PRUNE_EVERY_MS,
      run: async () => void inbox.prune(clock.now()),
    });
    scheduler.every({
      name: "inbox measured",
      everyMs: MEASURE_EVERY_MS,
      async run() {
        for (const [folder, open] of Object.entries(inbox.counts())) metrics.inboxOpen.set({ folder }, open);
      },
    });
    return {
      inbox,
      inbound,
      async close() {
        await inbound.close();
        await passed?.close();
        db.close();
      },
    };
  } catch (error) {
    db.close();
    throw error;
  }
}
