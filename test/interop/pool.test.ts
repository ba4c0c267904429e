import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Consumer, Producer, stringDeserializers, stringSerializers } from "@platformatic/kafka";
import { createTransport } from "nodemailer";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exportSealingKey, openingKeyFrom } from "../../src/platform/seal.ts";
import { derive } from "../../src/roles/keys.ts";
import {
  POOL,
  POOL_HOST,
  listed,
  publishPoolKey,
  startCooperative,
  tellLogOnFailure,
} from "./cooperative.ts";
import type { Cooperative, Member } from "./cooperative.ts";
import { choosePorts, startProduct, type Product } from "./product.ts";
import { startKafka, type Kafka } from "./servers/kafka.ts";
import { until } from "./servers/process.ts";
import { startSink, type Sink } from "./sink.ts";
import { compose, openSubmission } from "./submission.ts";

/*
 * A core, a labeler and three relay nodes, each a process of its own, which meet at a real broker. The parts run in order: each
 * begins with the pool as the one before it left it.
 */

const MAILBOXES = "127.0.0.26";
const NODES = ["mx1", "mx2", "mx3"] as const;
const inboundOf = (i: number) => `127.0.0.${11 + i}`;
const stack = new AsyncDisposableStack();
let kafka: Kafka;
let coop: Cooperative;
let relays: Product[];
let sink: Sink;
let nettle: Member;
let sent = 0;

beforeAll(async () => {
  kafka = stack.use(await startKafka());
  const brokers = (node: string) => ({
    ATMOS_NODE_NAME: node,
    ATMOS_KAFKA_BROKERS: kafka.broker,
    ATMOS_KAFKA_TLS: "false",
  });
  const secret = randomBytes(32);
  const sealing = await exportSealingKey(await openingKeyFrom(derive(secret, "seal")));
  let labeler: Record<string, string> = {};
  coop = stack.use(
    await startCooperative(
      async ({ pdsUrl }) => {
        labeler = { ATMOS_ATTESTATION_HOSTS: pdsUrl };
        return {};
      },
      { env: { ATMOS_ROLES: "core", ATMOS_RELAY_SEALING_KEY: sealing, ...brokers("core1") } },
    ),
  );
  const { unbound, authority, deliveryPort, zones } = coop;
  const common = {
    ATMOS_POOL_DOMAIN: POOL,
    ATMOS_PUBLIC_URL: coop.publicUrl,
    ATMOS_DNS_SERVERS: `${unbound.host}:${unbound.port}`,
    ATMOS_PLC_URL: coop.pds.plcUrl,
  };
  const apart = async (host: string, env: Record<string, string>) =>
    stack.use(
      await startProduct(await choosePorts(), {
        inboundHost: host,
        deliveryPort,
        resolver: unbound.host,
        env: { ...common, ...env },
      }),
    );
  await apart("127.0.0.10", {
    ATMOS_ROLES: "labeler",
    ATMOS_LABELER_DID: coop.labelerDid,
    ATMOS_LABELER_KEY: coop.labelerKey,
    ...labeler,
    ...brokers("labeler1"),
  });
  const coreKey = await said(coop.product, "ATMOS_CORE_KEY");
  relays = [];
  for (const [i, node] of NODES.entries()) {
    const certificate = await authority.issue(`${node}.${POOL}`, POOL_HOST);
    const relay = await apart(inboundOf(i), {
      ATMOS_ROLES: "relay",
      ATMOS_POOL_HOSTNAME: `${node}.${POOL}`,
      ATMOS_POOL_DKIM_SELECTOR: `pool-${node}`,
      ATMOS_RELAY_SECRET: secret.toString("hex"),
      ATMOS_CORE_KEY: coreKey,
      ATMOS_TLS_CERT_FILE: certificate.certPath,
      ATMOS_TLS_KEY_FILE: certificate.keyPath,
      ...brokers(node),
    });
    await publishPoolKey(relay, zones);
    relays.push(relay);
  }
  sink = stack.use(
    await startSink({ host: MAILBOXES, port: deliveryPort }, await authority.issue("mx.bigmail.test")),
  );
  coop.receives("bigmail.test", MAILBOXES);
  nettle = await coop.join("nettle.test", { address: MAILBOXES });
}, 180_000);
afterAll(() => stack.disposeAsync());
tellLogOnFailure(
  () => coop && { log: () => [coop.product, ...relays].map((one) => one.log().slice(-3_000)).join("\n") },
);

/** A key that `atmos doctor` says others need. */
async function said(product: Product, setting: string): Promise<string> {
  const { answer } = await product.run("doctor", "--env", product.envFile);
  const texts = (answer["findings"] as { text: string }[]).map(({ text }) => text);
  return texts.join("\n").match(new RegExp(`${setting}=(\\S+)`))![1]!;
}

/** Its Message-ID, once it is taken. */
async function send(relay: Product, member = nettle): Promise<string> {
  const client = await openSubmission({ product: relay, authority: coop.authority }, member);
  const id = `code-${++sent}@${member.domain}`;
  const [from, to] = [`noreply@${member.domain}`, `reader${sent}@bigmail.test`];
  try {
    expect(await client.send(from, to, compose({ from, to, subject: "Your code", id }))).toMatch(/^250 /);
  } finally {
    client.destroy();
  }
  return id;
}

const arrived = (id: string) => until(`${id} to arrive`, () => sink.byMessageId(id).length > 0, 30_000);
/** A node knows of a member when its policy has come. */
const knows = (relay: Product, member: Member) =>
  until(
    "a log-in",
    () =>
      openSubmission({ product: relay, authority: coop.authority }, member).then(
        (c) => (c.destroy(), true),
        () => false,
      ),
    30_000,
  );

/** What core wrote down of a member, by action. */
function counted(member: Member): Record<string, number> {
  const db = new DatabaseSync(join(coop.product.dataDir, "core.sqlite"), { readOnly: true, timeout: 10_000 });
  try {
    const rows = db
      .prepare("SELECT action, count(*) AS n FROM event WHERE did = ? GROUP BY action")
      .all(member.did) as { action: string; n: number }[];
    return Object.fromEntries(rows.map(({ action, n }) => [action, n]));
  } finally {
    db.close();
  }
}
const countsAre = (wanted: Record<string, number>) =>
  until(
    `core to count ${JSON.stringify(wanted)}`,
    () => Object.entries(wanted).every(([action, n]) => counted(nettle)[action] === n),
    40_000,
  );

test("a member's mail leaves by each node with its signature, and core counts it", async () => {
  for (const relay of relays) {
    await knows(relay, nettle);
    const id = await send(relay);
    await arrived(id);
    expect(sink.byMessageId(id)[0]!.raw.toString("latin1")).toMatch(
      /DKIM-Signature:[^;]*;[^:]*d=nettle\.test/s,
    );
  }
  await countsAre({ message_accepted: 3, recipient_delivered: 3 });
  const { ok } = await relays[0]!.cli("bus", "doctor");
  expect(ok).toBe(true);
});

test("a bounce of what one node sent is handed to another, and counts once", async () => {
  const id = await send(relays[0]!);
  await arrived(id);
  await countsAre({ recipient_delivered: 4 });
  const [copy] = sink.byMessageId(id);
  const mail = createTransport({
    host: inboundOf(1),
    port: coop.deliveryPort,
    tls: { ca: coop.authority.cert, servername: `mx2.${POOL}` },
  });
  const raw = bounceFor(copy!.to);
  for (let i = 0; i < 2; i++) await mail.sendMail({ envelope: { from: "", to: copy!.from }, raw });
  mail.close();
  await countsAre({ recipient_bounced: 1 });
});

test("without the broker mail flows by every node, and core catches up", async () => {
  await kafka.down();
  const ids: string[] = [];
  for (const relay of relays) ids.push(await send(relay), await send(relay));
  for (const id of ids) await arrived(id);
  const { code, answer } = await relays[0]!.run("bus", "doctor", "--env", relays[0]!.envFile);
  expect(code).toBe(1);
  const findings = answer["findings"] as { about: string; status: string; text: string }[];
  expect(findings).toContainEqual(expect.objectContaining({ about: "brokers", status: "fail" }));
  expect(findings.find(({ about }) => about === "outbox")?.text).toMatch(/^[1-9]\d* messages wait here/);
  await kafka.up();
  await countsAre({ message_accepted: 10, recipient_delivered: 10, recipient_bounced: 1 });
});

test("a node that is killed with mail in hand sends it once it is back, and nothing is counted twice", async () => {
  const relay = relays[2]!;
  const ids = [await send(relay), await send(relay), await send(relay)];
  await relay.kill();
  const id = await send(relays[0]!);
  await arrived(id);
  await relay.start();
  for (const one of ids) await arrived(one);
  await countsAre({ message_accepted: 14, recipient_delivered: 14, recipient_bounced: 1 });
});

test("a member sends no more over three nodes than its tier allows, and hears so", async () => {
  const alder = await coop.join("alder.test", { address: MAILBOXES });
  for (const relay of relays) await knows(relay, alder);
  const clients = await Promise.all(
    relays.map((relay) => openSubmission({ product: relay, authority: coop.authority }, alder)),
  );
  const refusals: string[] = [];
  let taken = 0;
  for (let i = 0; i < 150 && refusals.length < 6; i++) {
    const [from, to] = ["noreply@alder.test", "reader@bigmail.test"];
    const id = `many-${i}@alder.test`;
    try {
      await clients[i % 3]!.send(from, to, compose({ from, to, subject: "Your code", id }));
      taken++;
    } catch (error) {
      refusals.push(String(error));
      await clients[i % 3]!.say("RSET");
    }
  }
  clients.forEach((client) => client.destroy());
  // Sixty at once, and what comes in ten minutes; a single node takes as many.
  expect(taken).toBeGreaterThanOrEqual(60);
  expect(taken).toBeLessThanOrEqual(75);
  expect(refusals.join("\n")).toMatch(/451 4\.7\.1 Over the limit of 60 recipients .*\[over-limit\]/);
}, 90_000);

test("commands on the host of a node show its queue, and say where to ask for the rest", async () => {
  const { entries } = await relays[0]!.cli("queue", "list", "--state", "delivered");
  expect((entries as unknown[]).length).toBeGreaterThan(3);
  const { code, stderr } = await relays[0]!.run("member", "list", "--env", relays[0]!.envFile);
  expect([code, stderr]).toEqual([1, expect.stringContaining("ask on the host of the core")]);
});

test("a node is drained and taken back, and core sees how each is", async () => {
  const nodes = async () => {
    const { answer } = await coop.product.run("node", "list", "--env", coop.product.envFile);
    return answer["nodes"] as { node: string; state: string; isAway: boolean }[];
  };
  await until(
    "all to serve",
    async () => (await nodes()).filter(({ state }) => state === "serving").length === 3,
    30_000,
  );
  await coop.product.cli("node", "drain", "mx2", "--by", "Rosa");
  await until("a refusal", () => fails(send(relays[1]!), /451 4\.3\.2 .*\[draining\]/), 10_000);
  await arrived(await send(relays[0]!));
  await until(
    "its status",
    async () => (await nodes()).some(({ node, state }) => node === "mx2" && state === "draining"),
    30_000,
  );
  await coop.product.cli("node", "resume", "mx2", "--by", "Rosa");
  await until("an acceptance", async () => !(await fails(send(relays[1]!), /draining/)), 10_000);
}, 90_000);

/** Rejects with something that matches. */
const fails = (work: Promise<unknown>, pattern: RegExp) =>
  work.then(
    () => false,
    (error: unknown) => pattern.test(String(error)),
  );

test("a member that is suspended is refused by every node within seconds", async () => {
  const began = Date.now();
  await coop.product.cli(
    "member",
    "standing",
    nettle.did,
    "suspended",
    "--by",
    "Rosa",
    "--why",
    "A test of the pool",
  );
  for (const relay of relays)
    await until(
      "a refusal",
      () =>
        send(relay).then(
          () => false,
          (error: unknown) => /550 5\.7\.1/.test(String(error)),
        ),
      10_000,
    );
  expect(Date.now() - began).toBeLessThan(10_000);
  expect((await listed(coop.product, nettle.did))?.standing).toBe("suspended");
});

test("who may write to the broker cannot bring it back, nor read what core says", async () => {
  const policy = {
    did: nettle.did,
    handle: "x",
    version: Date.now() * 2,
    membership: "member",
    standing: "good",
  };
  const bogus = [
    { ...policy, tier: "trusted", joinedAt: 0, reason: null, domains: [], credentials: [] },
    { did: nettle.did, version: policy.version, box: "AAAA", signature: "AAAA" },
  ];
  const producer = new Producer({
    clientId: "intruder",
    bootstrapBrokers: [kafka.broker],
    serializers: stringSerializers,
  });
  const messages = bogus.map((value) => ({ topic: "policy", key: nettle.did, value: JSON.stringify(value) }));
  await producer.send({ messages, acks: -1 });
  await producer.close();
  for (const relay of relays) {
    const refusals = () => relay.log().split("a policy is not believed").length - 1;
    await until("two refusals in the log", () => refusals() === 2, 20_000);
    await expect(send(relay)).rejects.toThrow(/550 5\.7\.1/);
  }
  const consumer = new Consumer({
    clientId: "reader",
    groupId: "reader",
    bootstrapBrokers: [kafka.broker],
    deserializers: stringDeserializers,
  });
  const stream = await consumer.consume({ topics: ["policy"], mode: "earliest" });
  const seen: string[] = [];
  for await (const { value } of stream) {
    seen.push(value ?? "");
    if (value?.includes("AAAA")) break;
  }
  await consumer.close(true);
  expect(seen.length).toBeGreaterThan(3);
  const byCore = seen.filter((value) => !bogus.some((one) => JSON.stringify(one) === value)).join();
  expect(byCore).toContain(nettle.did);
  expect(byCore).not.toMatch(/credentials|standing|suspended|nettle\.test/);
});

const bounceFor = (address: string) =>
  [
    "From: MAILER-DAEMON@mx.bigmail.test",
    "Subject: Undelivered",
    'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
    "MIME-Version: 1.0",
    "",
    "--b",
    "Content-Type: message/delivery-status",
    "",
    "Reporting-MTA: dns; mx.bigmail.test",
    "",
    `Final-Recipient: rfc822; ${address}`,
    "Action: failed",
    "Status: 5.1.1",
    "Diagnostic-Code: smtp; 550 5.1.1 User unknown",
    "",
    "--b--",
    "",
  ].join("\r\n");
