import { setTimeout } from "node:timers/promises";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { expect, test, vi } from "vitest";
import { randomId } from "../../src/lib/ids.ts";
import type { Acceptance } from "../../src/spool/index.ts";
import { member, type Testbed } from "../relay-harness.ts";
import { useRelay } from "../use-relay.ts";

const here = useRelay();

const bob = {
  ...member,
  did: "did:plc:bob",
  handle: "b1",
  domains: [{ ...member.domains[0]!, name: "bob.test", returnPath: "bounce.bob.test" }],
  credentials: [{ ...member.credentials[0]!, id: "c2", username: "bob", domains: ["bob.test"] }],
};

const head = new TextEncoder().encode("DKIM-Signature: v=1; d=x\r\nSubject: x\r\n\r\n");

/** Mail of one recipient as it stands in the spool once it was taken. */
function mailOf(bed: Testbed, who: typeof member, to: string, priority: number): Acceptance {
  const now = bed.clock.now();
  const { name } = who.domains[0]!;
  const id = randomId(10);
  return {
    message: {
      id,
      did: who.did,
      credential: who.credentials[0]!.id,
      kind: "mail",
      sender: `x@${name}`,
      fromDomain: name,
      stream: priority === 2 ? "bulk" : "transactional",
      priority,
      template: null,
      receivedAt: now,
      size: head.length + 4,
      eightBit: false,
      smtpUtf8: false,
      ret: null,
      envid: null,
      ask: "usual",
      head,
      body: { bytes: new TextEncoder().encode("hi\r\n") },
    },
    recipients: [
      {
        id: randomId(10),
        address: to,
        domain: to.slice(to.indexOf("@") + 1),
        state: "queued",
        nextAt: now,
        firstTime: false,
        notify: null,
        orcpt: null,
      },
    ],
    events: [],
  };
}

async function fill(who: typeof member, n: number, to: (i: number) => string, priority: number) {
  const { bed } = here;
  const all = Array.from({ length: n }, (_, i) => bed.spool.accept(mailOf(bed, who, to(i), priority)));
  await Promise.all(all);
}

/** More than is ever in hand: of all, of a member, and of a destination however fast it is. */
const MANY = 3_000;

test.each([
  ["other mail", 1],
  ["login codes", 0],
])(
  "thousands of messages of one member (%s) delay another's login code to the same hosts by less than a hundred transactions",
  async (_name, priority) => {
    const { bed, sink } = here;
    await bed.book.apply(bob);
    await fill(member, MANY, (i) => `r${i}@big.test`, priority);
    bed.relay.wake();
    await expect.poll(() => sink.received.length, { timeout: 30_000 }).toBeGreaterThan(300);
    // The hosts stand still meanwhile: what is counted is transactions, however long a machine takes for the rest.
    const goOn = sink.hold();
    const leases = vi.spyOn(bed.spool, "lease");
    const code = mailOf(bed, bob, "code@big.test", 0);
    await bed.spool.accept(code);
    bed.relay.wake();
    const inHand = async () =>
      (await Promise.all(leases.mock.results.map(({ value }) => value as ReturnType<typeof bed.spool.lease>)))
        .flatMap(({ leased }) => leased)
        .some(({ id }) => id === code.recipients[0]!.id);
    await expect.poll(inHand, { timeout: 30_000 }).toBe(true);
    // Leased, and then placed: nothing else moves meanwhile.
    await setTimeout(500);
    const before = sink.received.length;
    goOn();
    const place = () => sink.received.findIndex(({ to }) => to === "code@big.test");
    await expect.poll(place, { timeout: 30_000 }).toBeGreaterThanOrEqual(0);
    expect(place() - before).toBeLessThan(100);
  },
  90_000,
);

test("a host that hangs, with a thousand messages, does not delay thousands to others", async () => {
  const { sink } = here;
  const hanging: Socket[] = [];
  const server = createServer((socket) => void hanging.push(socket)).listen(sink.port, "127.0.0.2");
  await once(server, "listening");
  try {
    await here.restart({ deadlines: { connect: 300_000, greeting: 300_000, allHosts: 300_000 } });
    await here.bed.book.apply(bob);
    await fill(member, 1_000, (i) => `r${i}@slow.d${i % 50}.test`, 0);
    await fill(member, MANY / 2, (i) => `r${i}@d${i % 100}.test`, 1);
    await fill(bob, MANY / 2, (i) => `r${i}@e${i % 100}.test`, 2);
    here.bed.relay.wake();
    await expect.poll(() => hanging.length).toBeGreaterThan(0);
    const arrived = () => {
      here.bed.clock.advance(100);
      return sink.received.length;
    };
    await expect.poll(arrived, { timeout: 200_000, interval: 100 }).toBe(MANY);
    // Nobody of the thousand has an answer yet: all the others came while their hosts hung.
    expect((await here.bed.spool.counts()).deferred ?? 0).toBe(0);
    expect(hanging.length).toBeLessThanOrEqual(20);
  } finally {
    for (const socket of hanging) socket.destroy();
    server.close();
  }
}, 240_000);
