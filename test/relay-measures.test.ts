import { expect, test } from "vitest";
import type { DnsAnswer, DnsType, Resolver } from "../src/protocol/dns/index.ts";
import { client, member, told } from "./relay-harness.ts";
import { useRelay } from "./use-relay.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** `gmail.com` is behind a host of Gmail, the rest behind hosts of nobody known; all on loopback. */
const resolver: Resolver = {
  async resolve<T extends DnsType>(name: string, type: T): Promise<DnsAnswer<T>> {
    const ok = (record: object) =>
      ({ status: "ok", authentic: false, records: [{ ...record, ttl: 60 }] }) as unknown as DnsAnswer<T>;
    const exchange = name === "gmail.com" ? "aspmx.l.google.com" : `mx.${name}`;
    if (type === "MX") return ok({ preference: 10, exchange });
    if (type === "A") return ok({ address: "127.0.0.1" });
    return { status: "nodata", authentic: false };
  },
};

const two = [
  { address: "127.0.0.1", ehlo: "one.pool.test" },
  { address: "127.0.0.3", ehlo: "two.pool.test" },
];
const outside = { resolver, ca: "", observed: () => undefined, ruleOf: () => undefined };
const here = useRelay({ relay: { outside, outgoing: { addresses: two, resolver } } });

const mail = { from: "Alice <alice@member.test>", subject: "Hello", text: "Hi" };
const send = async (to: string) => {
  await client(here.bed).sendMail({ ...mail, to });
  await here.bed.relay.settle();
};
const after = async (ms: number) => {
  here.bed.clock.advance(ms);
  await here.bed.relay.settle();
};
const attemptsTo = async (address: string) => {
  const messages = await here.bed.spool.messages(member.did, { limit: 500 });
  const message = messages.find(({ recipients }) => recipients.some((r) => r.address === address))!;
  return here.bed.spool.attempts(message.id);
};
const recipient = async (address: string) => {
  const messages = await here.bed.spool.messages(member.did, { limit: 500 });
  return messages.flatMap(({ recipients }) => recipients).find((r) => r.address === address)!;
};
const actions = async () =>
  (await told(here.bed))
    .map(({ data }) => data.action_name)
    .filter((name) => !/^(recipient|message)_/.test(name));

test("a greylisted recipient is tried again from the same address, which says its own name", async () => {
  here.sink.replies.rcpt = { "bob@a.test": [451, "4.7.1 Greylisted, come again"] };
  await send("bob@a.test");
  for (let i = 0; i < 4; i++) await after(2 * HOUR);
  const attempts = await attemptsTo("bob@a.test");
  expect(attempts.length).toBeGreaterThanOrEqual(4);
  expect(new Set(attempts.map(({ egress }) => egress)).size).toBe(1);
  const [{ egress, transcript }] = attempts as [(typeof attempts)[0]];
  expect(transcript).toContain(`EHLO ${two.find(({ address }) => address === egress)!.ehlo}`);
});

test("a node that stands still sends nothing and loses nothing, and goes on by itself", async () => {
  here.bed.hooks.still = "core is not heard";
  await send("bob@a.test");
  for (let i = 0; i < 3; i++) await after(2 * HOUR);
  expect(here.sink.received).toEqual([]);
  expect(await attemptsTo("bob@a.test")).toEqual([]);
  here.bed.hooks.still = undefined;
  await after(2 * MINUTE);
  expect(await recipient("bob@a.test")).toMatchObject({ state: "delivered" });
});

test("a block pauses the provider on that address: the mail goes over the other one, and then waits without an attempt", async () => {
  here.sink.replies.rcpt = {
    "bob@a.test": [554, "5.7.1 Service unavailable; Client host [127.0.0.1] blocked using zen.spamhaus.org"],
  };
  await send("bob@a.test");
  await after(2 * MINUTE);
  const first = await attemptsTo("bob@a.test");
  expect(first.map(({ egress }) => egress).toSorted()).toEqual(["127.0.0.1", "127.0.0.3"]);
  expect(await actions()).toEqual(["provider_paused", "provider_paused"]);

  await after(10 * MINUTE);
  expect(await attemptsTo("bob@a.test")).toHaveLength(2);
  const waiting = await recipient("bob@a.test");
  expect(waiting).toMatchObject({ state: "queued", attempts: 2 });
  expect(waiting.nextAt).toBeGreaterThan(here.bed.clock.now());
  expect(waiting.waits).toMatch(/blocked using zen\.spamhaus\.org" \(general\/spamhaus\)$/);

  // It is of these hosts, not of all that are nobody's; and it survives a restart.
  await here.restart();
  await send("carol@a.test");
  expect(await attemptsTo("carol@a.test")).toEqual([]);
  await send("dave@b.test");
  expect((await recipient("dave@b.test")).state).toBe("delivered");

  here.sink.replies.rcpt = {};
  await after(waiting.nextAt - here.bed.clock.now() + HOUR);
  expect((await recipient("bob@a.test")).state).toBe("delivered");
  expect((await recipient("carol@a.test")).state).toBe("delivered");
});

test("a provider that dislikes a member's mail gets none of it for a while, and the member is told why", async () => {
  here.sink.replies.data = [
    550,
    "5.7.26 Your email has been blocked because the sender is unauthenticated. Gmail requires all senders to authenticate",
  ];
  await send("bob@gmail.com");
  expect(await actions()).toEqual(["member_held_at_provider"]);
  delete here.sink.replies.data;
  await here.restart();
  await send("carol@gmail.com");
  const waiting = await recipient("carol@gmail.com");
  expect(waiting).toMatchObject({ state: "queued", attempts: 0 });
  expect(waiting.waits).toMatch(/^gmail said "550 5\.7\.26 .*\(gmail\/unauthenticated\)$/);
  await send("dave@b.test");
  expect((await recipient("dave@b.test")).state).toBe("delivered");
  await after(31 * MINUTE);
  expect((await recipient("carol@gmail.com")).state).toBe("delivered");
});

test("what is over the day's allowance waits for the next day, with a reason and without an attempt", async () => {
  await here.restart({ outgoing: { addresses: [two[0]!], warm: new Set<string>(), resolver } });
  const { egress, clock } = here.bed;
  const families = new Set(["ipv4"] as const);
  const ask = { provider: "gmail", families, last: undefined, priority: 0 };
  while (egress.choose({ ...ask, now: clock.now() }).ok);
  const taken = egress.status(clock.now())[0]!.providers.find(({ provider }) => provider === "gmail")!;
  expect(taken.usedToday).toBeGreaterThan(0);
  await send("bob@gmail.com");
  const waiting = await recipient("bob@gmail.com");
  expect(waiting).toMatchObject({ state: "queued", attempts: 0 });
  expect(waiting.waits).toMatch(/new to gmail/);
  await after(waiting.nextAt - clock.now());
  expect((await recipient("bob@gmail.com")).state).toBe("delivered");
});

test("of what waits so for four hours the delay is told once, with the reason", async () => {
  await here.restart({ outgoing: { addresses: [two[0]!], resolver } });
  const { measures, clock, spool } = here.bed;
  measures.pause(two[0]!.address, "gmail", 24 * HOUR, { why: "gmail said no" }, clock.now());
  await client(here.bed).sendMail({ ...mail, to: ["bob@gmail.com", "eve@gmail.com"] });
  await here.bed.relay.settle();
  for (let look = 0; look < 3; look++) {
    clock.advance(3 * HOUR);
    await spool.requeue({ by: "ann", why: "look", filter: { did: member.did }, now: clock.now() });
    await here.bed.relay.settle();
  }
  expect(await recipient("bob@gmail.com")).toMatchObject({ state: "queued", attempts: 0 });
  expect(await spool.toldTo(member.did)).toMatchObject([
    {
      kind: "delayed",
      status: "4.4.5",
      text: expect.stringMatching(/(?=[^]*bob@)(?=[^]*eve@)[^]*gmail said no[^]*gmail said no/),
    },
  ]);
});

test("what came of mail is kept with the address; a mailbox that is not there is no sign against it", async () => {
  here.sink.replies.rcpt = {
    "no@gmail.com": [550, "5.1.1 The email account that you tried to reach does not exist"],
    "late@gmail.com": [421, "4.7.28 Gmail has detected an unusual rate of email originating from your IP"],
    "grey@gmail.com": [451, "4.7.1 Greylisted"],
  };
  for (const to of ["yes@gmail.com", "no@gmail.com", "grey@gmail.com", "late@gmail.com"]) await send(to);
  const sum = { delivered: 0, deferred: 0, blocked: 0, complaint: 0, bounced: 0 };
  for (const { providers } of here.bed.egress.status(here.bed.clock.now())) {
    const today = providers.find(({ provider }) => provider === "gmail")?.today;
    if (today) for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += today[key];
  }
  expect(sum).toEqual({ delivered: 1, deferred: 1, blocked: 0, complaint: 0, bounced: 1 });
  expect(await actions()).toContain("provider_slowed");
});
