import { join } from "node:path";
import { createAuthority } from "../src/devnet/certificates.ts";
import { eventMaker } from "../src/event/index.ts";
import { createFeedback } from "../src/feedback/index.ts";
import { createInbox, inboxMigration } from "../src/inbox/index.ts";
import { systemClock } from "../src/lib/clock.ts";
import { snowflakes } from "../src/lib/ids.ts";
import { Database } from "../src/platform/database.ts";
import { silentLog } from "../src/platform/log.ts";
import { startInbound } from "../src/relay/inbound/index.ts";
import { INBOUND_RATES } from "../src/relay/inbound/guard.ts";
import { builtInShaping } from "../src/shaping/index.ts";
import { createSpool } from "../src/spool/index.ts";

/** Takes mail into the directory of its argument, says on which port, and that a mail is there, before it is recorded. */
const dir = process.argv[2]!;
const spool = await createSpool({ path: join(dir, "spool.sqlite") });
const inbox = createInbox({ db: new Database(join(dir, "inbox.sqlite"), [inboxMigration]) });
const feedback = createFeedback({
  spool,
  tokenKey: new Uint8Array(32).fill(3),
  recipientKey: (address) => address,
  poolDomains: ["pool.test"],
  isBounceName: () => false,
  feedbackId: { region: "eu", sender: "atmos" },
  memberByHandle: () => undefined,
  newEvent: eventMaker(
    () => Date.now(),
    snowflakes(() => Date.now()),
  ),
  inbox,
  repliesTo: () => undefined,
  forward: async () => "loop",
  shaping: builtInShaping(),
  clock: systemClock,
  log: silentLog,
});
const wide = { limit: 1e6, periodMs: 60_000, burst: 1e6 };
const all = { address: wide, network: wide };
const inbound = await startInbound({
  address: { host: "127.0.0.1", port: 0 },
  hostname: "in.test",
  tls: createAuthority().issue(["127.0.0.1"]),
  feedback: {
    admit: feedback.admit,
    receive(mail) {
      process.send!({ began: true });
      return feedback.receive(mail);
    },
  },
  resolver: { resolve: async () => ({ status: "nxdomain", authentic: false }) },
  rates: { ...INBOUND_RATES, connections: all, messages: all },
  log: silentLog,
});
process.send!({ port: inbound.address.port });
