import { join } from "node:path";
import { createAuthority } from "../../src/devnet/certificates.ts";
import { createFeedback } from "../../src/feedback/index.ts";
import { openInbox, readingParts } from "../../src/feedback/node.fixture.ts";
import { silentLog } from "../../src/platform/log.ts";
import { startInbound } from "../../src/relay/inbound/index.ts";
import { INBOUND_RATES } from "../../src/relay/inbound/guard.ts";
import { createSpool } from "../../src/spool/index.ts";

/** Takes mail into the directory of its argument, says on which port, and that a mail is there, before it is recorded. */
const dir = process.argv[2]!;
const spool = await createSpool({ path: join(dir, "spool.sqlite") });
const { inbox } = openInbox(join(dir, "inbox.sqlite"));
const feedback = createFeedback(readingParts(spool, inbox));
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
