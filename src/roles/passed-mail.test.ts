import { afterEach, beforeEach, expect, test } from "vitest";
import type { Incoming, Received } from "../feedback/index.ts";
import { busMigration, createEmbeddedBus, type Bus } from "../platform/bus/index.ts";
import { Database } from "../platform/database.ts";
import { silentLog } from "../platform/log.ts";
import { createMetrics } from "../platform/metrics.ts";
import { followPassedMail, passOnTo, PASSED_MAIL_TOPIC } from "./passed-mail.ts";

let db: Database;
let bus: Bus;
beforeEach(() => {
  db = new Database(":memory:", [busMigration]);
  bus = createEmbeddedBus(db, silentLog, { retryMs: [0, 0] });
});
afterEach(async () => {
  await bus.close();
  db.close();
});

const bounce: Incoming = {
  to: "b+token@bounce.coop.test",
  raw: Buffer.from([0x41, 0xff, 0x0d, 0x0a, 0x00, 0xe9]),
  mailFrom: "",
  from: "mx.bigmail.test",
  ip: "192.0.2.1",
  tls: null,
  authentication: {
    spf: { result: "pass", domain: "bigmail.test" },
    dkim: [{ domain: "bigmail.test", selector: "s", result: "pass" }],
    dmarc: { result: "pass", domain: "bigmail.test", policy: "none" },
    arc: { result: "none" },
    results: "spf=pass",
  },
};

/** A node of this name; what it was given, each answered by the next of `answers`. */
function node(name: string, answers: Received[] = []) {
  const seen: [Incoming, boolean][] = [];
  followPassedMail({
    bus,
    node: name,
    async receive(mail, passed) {
      seen.push([mail, passed]);
      return answers.shift() ?? { outcome: "ignored", why: "its message is not here" };
    },
    log: silentLog,
    metrics: createMetrics(),
    againMs: 1,
  });
  return seen;
}
const early: Received = { outcome: "too-early", recipientId: "r" };

test("every other node is given it, octet for octet, and the one that passed it on is not", async () => {
  const [mx1, mx2, mx3] = ["mx1", "mx2", "mx3"].map((name) => node(name)) as [Seen, Seen, Seen];
  await passOnTo(bus, "mx1")(bounce);
  await bus.settle();
  expect(mx1).toEqual([]);
  expect(mx2).toEqual([[bounce, true]]);
  expect(mx3).toEqual([[bounce, true]]);
});
type Seen = ReturnType<typeof node>;

test.each([
  ["a delivery that is written down a moment later", [early, { outcome: "bounced", recipientId: "r" }], 2],
  ["one that never is", [early, early, early, early, early], 4],
] as [string, Received[], number][])("waits for %s", async (_, answers, times) => {
  const seen = node("mx2", answers);
  await passOnTo(bus, "mx1")(bounce);
  await bus.settle();
  expect(seen).toHaveLength(times);
});

test("what cannot be read is left out, and what follows is taken", async () => {
  const seen = node("mx2");
  await bus.publish(PASSED_MAIL_TOPIC, [{ key: "k", value: { by: "mx1", mail: { to: 7 } } }]);
  await passOnTo(bus, "mx1")(bounce);
  await bus.settle();
  expect(seen).toHaveLength(1);
});
