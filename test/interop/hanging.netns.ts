import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { randomId } from "../../src/lib/ids.ts";
import { createSpool, type Acceptance } from "../../src/spool/index.ts";
import { startScriptedSink, type Certificates, type ScriptedSink } from "../scripted-sink.ts";
import { startCooperative, tellLogOnFailure, type Cooperative, type Member } from "./cooperative.ts";
import { complete, until } from "./servers/process.ts";
import { startSink, type Sink } from "./sink.ts";
import { compose, openSubmission } from "./submission.ts";

/*
 * Ten thousand messages to hosts that take them, beside two thousand to a host that takes connections and says nothing and
 * to one whose packets are lost. `namespaces.test.ts` runs it in a network of its own.
 */

const FAST = "10.9.0.20";
const SILENT = "10.9.0.21";
/** Behind an interface at whose other end nobody answers: each SYN is lost. */
const LOST = "10.9.9.1";
const DOMAINS = 100;
const BASELINE = 2_000;
const QUEUED = 10_000;
const HANGING = 1_000;

const stack = new AsyncDisposableStack();
let coop: Cooperative;
let fast: Sink;
let silent: ScriptedSink;
/** One has all that is queued; the other wants to log in. */
let loud: Member;
let quiet: Member;

const ip = (...args: string[]) => complete("ip", args);

function publish(domain: string, address: string): void {
  coop.zones.set(domain, "MX", { preference: 10, exchange: `mx.${domain}` });
  coop.zones.set(`mx.${domain}`, "A", { address });
}

beforeAll(async () => {
  for (const address of [FAST, SILENT, "10.9.0.1"]) await ip("addr", "add", `${address}/32`, "dev", "lo");
  await ip("link", "add", "lost0", "type", "veth", "peer", "name", "lost1");
  for (const name of ["lost0", "lost1"]) await ip("link", "set", name, "up");
  await ip("route", "add", `${LOST}/32`, "dev", "lost0", "src", "10.9.0.1");
  await ip("neigh", "add", LOST, "lladdr", "02:00:00:00:00:99", "dev", "lost0");
  coop = stack.use(await startCooperative());
  const port = coop.deliveryPort;
  const certificate = await coop.authority.issue("mx.fast.test");
  fast = stack.use(await startSink({ host: FAST, port }, certificate));
  const certificates: Certificates = {
    trusted: certificate,
    stranger: certificate,
    "other-name": certificate,
    expired: certificate,
  };
  silent = await startScriptedSink({ banner: "silence" }, certificates, { host: SILENT, port });
  stack.defer(() => silent.close());
  for (let i = 0; i < DOMAINS; i++) publish(`d${i}.test`, FAST);
  publish("silent.test", SILENT);
  publish("lost.test", LOST);
  loud = await coop.join("loud.test", { address: FAST, tier: "trusted" });
  quiet = await coop.join("quiet.test", { address: FAST, tier: "trusted" });
}, 120_000);
afterAll(() => stack.disposeAsync());
tellLogOnFailure(() => coop?.product);

/** Mail of the loud member as it stands in the spool when it has been taken. */
function queued(name: string, to: string, receivedAt: number): Acceptance {
  const head = Buffer.from(
    `DKIM-Signature: v=1; d=x\r\nFrom: x@loud.test\r\nMessage-ID: <${name}>\r\nSubject: x\r\n\r\n`,
  );
  return {
    message: {
      id: randomId(10),
      did: loud.did,
      credential: null,
      kind: "mail",
      sender: "x@loud.test",
      fromDomain: "loud.test",
      stream: "transactional",
      priority: 1,
      template: null,
      receivedAt,
      size: head.length + 4,
      eightBit: false,
      smtpUtf8: false,
      ret: null,
      envid: null,
      ask: "usual",
      head,
      body: { bytes: Buffer.from("hi\r\n") },
    },
    recipients: [
      {
        id: randomId(10),
        address: to,
        domain: to.slice(to.indexOf("@") + 1),
        state: "queued",
        nextAt: receivedAt,
        firstTime: false,
        notify: null,
        orcpt: null,
      },
    ],
    events: [],
  };
}

/** Puts mail into the spool while the product does not run, and starts it. */
async function startWith(name: string, recipients: readonly string[]): Promise<void> {
  await coop.product.terminate();
  const spool = await createSpool({ path: join(coop.product.dataDir, "spool.sqlite") });
  const now = Date.now();
  await Promise.all(recipients.map((to, i) => spool.accept(queued(`${name}${i}`, to, now + i))));
  await spool.close();
  await coop.product.start();
}

const toOthers = (count: number) => Array.from({ length: count }, (_, i) => `r${i}@d${i % DOMAINS}.test`);

/** From the first to the last of so many, ms for each thousand. */
async function drained(name: string, count: number): Promise<number> {
  const own = () => fast.copies.filter(({ messageId }) => messageId.startsWith(name));
  await until(`${count} messages`, () => fast.copies.length >= count && own().length >= count, 200_000);
  const times = own().map(({ at }) => at);
  expect(new Set(own().map(({ messageId }) => messageId)).size).toBe(count);
  return ((Math.max(...times) - Math.min(...times)) * 1_000) / count;
}

test("hosts that never answer delay nobody else: neither ten thousand messages nor a login code", async () => {
  await startWith("before", toOthers(BASELINE));
  const alone = await drained("before", BASELINE);

  const bad = Array.from({ length: HANGING }, (_, i) => [`r${i}@silent.test`, `r${i}@lost.test`]).flat();
  await startWith("beside", [...bad, ...toOthers(QUEUED)]);
  const arrived = () => fast.copies.filter(({ messageId }) => messageId.startsWith("beside")).length;
  await until("a connection that hangs", () => silent.connections() > 0);

  // Login codes of another member, while all of that is in the queue: how many others arrived between its 250 and it.
  const client = await openSubmission(coop, quiet);
  const overtaken: number[] = [];
  for (let i = 0; i < 8; i++) {
    await until("the next thousand", () => arrived() >= 500 + i * 1_000, 60_000);
    const [from, to] = ["noreply@quiet.test", `code${i}@d${i}.test`];
    await client.send(from, to, compose({ from, to, subject: "Your code", id: `code${i}@quiet.test` }));
    const before = fast.copies.length;
    await until("the code", () => fast.byMessageId(`code${i}@quiet.test`).length > 0);
    const at = fast.copies.findIndex(({ messageId }) => messageId === `code${i}@quiet.test`);
    overtaken.push(Math.max(0, at - before));
  }
  client.destroy();
  const beside = await drained("beside", QUEUED);
  process.stdout.write(
    `ms for a thousand: ${Math.round(alone)} alone, ${Math.round(beside)} beside hosts that hang; ` +
      `others before each login code: ${overtaken.join(" ")}; connections that hang: ${silent.connections()}\n`,
  );
  expect(beside).toBeLessThan(2 * alone);
  // In its turn each would have had thousands before it; some come between the 250 and the next lease.
  expect(Math.max(...overtaken)).toBeLessThan(1_000);
  expect(fast.copies.filter(({ to }) => /@(?:silent|lost)\.test$/.test(to))).toEqual([]);
  // What hangs has its own few places.
  expect(silent.connections()).toBeLessThanOrEqual(40);
}, 350_000);
