import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTransport } from "nodemailer";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createAuthority } from "../../src/devnet/certificates.ts";
import type { Envelope } from "../../src/event/index.ts";
import { createFeedback } from "../../src/feedback/index.ts";
import { delivered, openInbox, readingParts, tokenKey } from "../../src/feedback/node.fixture.ts";
import { silentLog } from "../../src/platform/log.ts";
import { makeReturnPath, makeToken } from "../../src/protocol/verp/index.ts";
import { startInbound, type Inbound } from "../../src/relay/inbound/index.ts";
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
const returnPathOf = (id: string) => makeReturnPath(makeToken(id, tokenKey), "bounce.pool.test");
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
  const { inbox, close } = openInbox(join(dir, "inbox.sqlite"));
  stack.defer(close);
  inbound = await startInbound({
    address: { host: "127.0.0.1", port: 0 },
    hostname: "relay.pool.test",
    tls: createAuthority().issue(["relay.pool.test", "127.0.0.1"]),
    feedback: createFeedback(readingParts(spool, inbox)),
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
  await delivered(spool, Object.fromEntries(SERVERS.map((name) => [ids[name], `nobody@${name}.test`])));
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
