import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTransport } from "nodemailer";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createAuthority } from "../../src/devnet/certificates.ts";
import { eventMaker, type Envelope } from "../../src/event/index.ts";
import { createFeedback } from "../../src/feedback/index.ts";
import { createInbox, inboxMigration } from "../../src/inbox/index.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { snowflakes } from "../../src/lib/ids.ts";
import { Database } from "../../src/platform/database.ts";
import { silentLog } from "../../src/platform/log.ts";
import { makeReturnPath, makeToken } from "../../src/protocol/verp/index.ts";
import { startInbound, type Inbound } from "../../src/relay/inbound/index.ts";
import { builtInShaping } from "../../src/shaping/index.ts";
import { createSpool, type Spool } from "../../src/spool/index.ts";
import { startExim } from "./servers/exim.ts";
import { startOpenSmtpd } from "./servers/opensmtpd.ts";
import { startPostfix, type Postfix } from "./servers/postfix.ts";
import { until, type Address } from "./servers/process.ts";
import { swaks } from "./servers/swaks.ts";

/*
 * Postfix, Exim and OpenSMTPD take mail for a mailbox that is not there, and bounce it afterwards: their own reports come in on
 * our server and become events. swaks speaks to that server as any client does.
 */

const SERVERS = ["postfix", "exim", "opensmtpd"] as const;
const ids = { postfix: "aaaabbbbccccdddd", exim: "aaaabbbbcccceeee", opensmtpd: "aaaabbbbccccffff" };
const key = new Uint8Array(32).fill(3);
const returnPathOf = (id: string) => makeReturnPath(makeToken(id, key), "bounce.pool.test");
const returnPath = returnPathOf(ids.postfix);
const stack = new AsyncDisposableStack();
let spool: Spool;
let inbound: Inbound;
let postfix: Postfix;
let servers: Record<(typeof SERVERS)[number], Address>;

beforeAll(async () => {
  const dir = await mkdtemp(join(tmpdir(), "atmos-returned-"));
  stack.defer(() => rm(dir, { recursive: true }));
  spool = await createSpool({ path: join(dir, "spool.sqlite") });
  stack.defer(() => spool.close());
  const db = new Database(join(dir, "inbox.sqlite"), [inboxMigration]);
  stack.defer(() => db.close());
  inbound = await startInbound({
    address: { host: "127.0.0.1", port: 0 },
    hostname: "relay.pool.test",
    tls: createAuthority().issue(["relay.pool.test", "127.0.0.1"]),
    feedback: createFeedback({
      spool,
      tokenKey: key,
      recipientKey: (address) => address,
      poolDomains: ["pool.test"],
      isBounceName: () => false,
      feedbackId: { region: "eu", sender: "atmos" },
      memberByHandle: () => undefined,
      newEvent: eventMaker(
        () => Date.now(),
        snowflakes(() => Date.now()),
      ),
      inbox: createInbox({ db }),
      repliesTo: () => undefined,
      forward: async () => "loop",
      shaping: builtInShaping(),
      clock: systemClock,
      log: silentLog,
    }),
    resolver: { resolve: async () => ({ status: "nxdomain", authentic: false }) },
    log: silentLog,
  });
  stack.defer(() => inbound.close());
  postfix = stack.use(
    await startPostfix({
      hostname: "mx.postfix.test",
      domains: ["postfix.test"],
      known: ["reader"],
      relayTo: inbound.address,
      settings: { smtpd_reject_unlisted_recipient: "no", smtp_tls_security_level: "encrypt" },
    }),
  );
  const exim = stack.use(
    await startExim({
      hostname: "mx.exim.test",
      domains: ["exim.test"],
      bounced: ["nobody"],
      relayTo: inbound.address,
    }),
  );
  const opensmtpd = stack.use(
    await startOpenSmtpd({
      hostname: "mx.opensmtpd.test",
      domain: "opensmtpd.test",
      known: ["reader"],
      relayTo: inbound.address,
    }),
  );
  servers = { postfix, exim, opensmtpd };
  await spool.accept({
    message: {
      id: "mmmmmmmmmmmmmmmm",
      did: "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa",
      credential: "c1",
      kind: "mail",
      sender: "noreply@alder.test",
      fromDomain: "alder.test",
      stream: "transactional",
      priority: 0,
      template: null,
      receivedAt: Date.now(),
      size: 10,
      eightBit: false,
      smtpUtf8: false,
      ret: null,
      envid: null,
      ask: "usual",
      head: Buffer.from("a: b\r\n\r\n"),
      body: { bytes: Buffer.from("x") },
    },
    recipients: SERVERS.map((name) => ({
      id: ids[name],
      address: `nobody@${name}.test`,
      domain: `${name}.test`,
      state: "queued",
      nextAt: 0,
      firstTime: false,
      notify: null,
      orcpt: null,
    })),
    events: [],
  });
  for (const recipientId of Object.values(ids))
    await spool.record([{ recipientId, state: "delivered", nextAt: 0, events: [] }], 1);
});
afterAll(() => stack.disposeAsync());

test.each(SERVERS)("a bounce of %s after it took the mail is an event, by STARTTLS", async (name) => {
  const transport = createTransport({
    host: servers[name].host,
    port: servers[name].port,
    tls: { rejectUnauthorized: false },
  });
  const to = `nobody@${name}.test`;
  await transport.sendMail({
    envelope: { from: returnPathOf(ids[name]), to },
    from: "noreply@alder.test",
    to,
    subject: "code",
    text: "1",
  });
  const told = async () =>
    (await spool.outbox.read(10))
      .map((row) => (JSON.parse(row.envelope) as Envelope).data)
      .filter(({ data }) => data.recipient?.domain === `${name}.test`);
  await until("the bounce is an event", async () => (await told()).length > 0, 30_000);
  expect(await told()).toMatchObject([
    {
      action_name: "recipient_bounced",
      data: { late: true, smtp: { class: "bad-mailbox", fault: "recipient" } },
    },
  ]);
  await until("its queue is empty", async () => (await postfix.queue()).length === 0);
});

test.each([
  ["a stranger", "somebody@pool.test", /550 5\.1\.1/],
  ["postmaster", "postmaster@pool.test", /TLS started[^]*~> \.\n<~ +250 /],
  ["a return path, as a person would", returnPath, /550 5\.7\.1 This address takes delivery reports only/],
])("swaks to %s", async (_, to, said) => {
  const { stdout } = await swaks(to, inbound.address, "--tls", "--from", "ada@away.test");
  expect(stdout).toMatch(said);
});
