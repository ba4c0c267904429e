import { createTransport } from "nodemailer";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Sandbox } from "../src/devnet/index.ts";
import { accessLink } from "../src/web/index.ts";
import { openSandbox } from "./open-sandbox.ts";

let sandbox: Sandbox;
let close: () => Promise<void>;
let did: string;

beforeEach(async () => {
  ({ sandbox, close } = await openSandbox());
  did = core().members.domain("alder.test")!.did;
});
afterEach(async () => {
  await close();
});

const core = () => sandbox.serve.core!;
const relay = () => sandbox.serve.relay!;
const owner = () => sandbox.operators[0]!;

/** Sends one letter to each of so many strangers, and gives the replies. */
async function sendToStrangers(count: number, login: { username: string; secret: string }, text: string) {
  const transport = createTransport({
    host: "127.0.0.1",
    port: relay().addresses.tls[0]!.port,
    secure: true,
    pool: true,
    maxConnections: 1,
    maxMessages: 1_000,
    auth: { user: login.username, pass: login.secret },
    tls: { rejectUnauthorized: false },
  });
  const replies: string[] = [];
  for (let i = 0; i < count; i++) {
    const letter = { from: "noreply@alder.test", to: `stranger${i}@bigmail.test`, subject: "Prize", text };
    replies.push(
      await transport
        .sendMail(letter)
        .then((sent) => sent.response)
        .catch((error: { response?: string; message: string }) => error.response ?? error.message),
    );
  }
  transport.close();
  return replies;
}

/** The member's session, as a link opens it. */
async function memberCookie(): Promise<string> {
  const link = accessLink(
    sandbox.urls.web,
    sandbox.serve.sessionKey!,
    { role: "member", did },
    Date.now() + 60_000,
  );
  const opened = await fetch(new URL("/login", link), {
    method: "POST",
    redirect: "manual",
    headers: { origin: sandbox.urls.web },
    body: new URLSearchParams({ token: new URL(link).searchParams.get("token")! }),
  });
  return opened.headers.get("set-cookie")!.split(";")[0]!;
}

async function answerAsMember(id: number, answer: string): Promise<Response> {
  return fetch(`${sandbox.urls.web}/members/${did}/pauses/${id}`, {
    method: "POST",
    redirect: "manual",
    headers: {
      cookie: await memberCookie(),
      origin: sandbox.urls.web,
      "content-type": "application/x-www-form-urlencoded",
    },
    body: new URLSearchParams({ answer }),
  });
}

const counts = () => relay().spool.counts();
const held = async () => (await counts()).held ?? 0;
/** Of the member's mail: what the relay tells the member itself does not count. */
async function arrived() {
  const { entries } = await relay().spool.list({ states: ["delivered"] }, { limit: 500 });
  return entries.filter(({ kind }) => kind === "mail").length;
}

/** What the member was told, wherever its mail lives. */
const letters = () =>
  sandbox.world.mailbox.inbox.list({}).filter(({ mailbox }) => mailbox.endsWith("@alder.test")).length;

/** Until the breaker has stopped the operator's credential, and core knows. */
async function tripTheBreaker() {
  const replies = await sendToStrangers(56, owner(), "You have won, click http://prize.test/x");
  expect(replies.filter((reply) => reply.startsWith("250"))).toHaveLength(56);
  await sandbox.settle();
  const [pause] = core().pauses.open(did);
  expect(pause).toMatchObject({ cause: "content", by: null });
  expect(await held()).toBeGreaterThan(0);
  return pause!;
}

async function newLogin(answer: Response) {
  expect(answer.status).toBe(200);
  const html = await answer.text();
  const [, username, secret] =
    /smtps:\/\/([a-z0-9-]+):(atms_[a-z2-7]{47})@relay\.coop\.test/.exec(html) ?? [];
  return { username: username!, secret: secret! };
}

test("this was me: what was held leaves, the old credential is dead, the new one works", async () => {
  const pause = await tripTheBreaker();
  const waiting = await held();
  const login = await newLogin(await answerAsMember(pause.id, "this-was-me"));
  await sandbox.settle();
  expect(await held()).toBe(0);
  sandbox.clock.advance(2 * 3_600_000);
  await expect.poll(async () => (await sandbox.settle(), await arrived()), { timeout: 10_000 }).toBe(56);
  expect(waiting).toBeGreaterThanOrEqual(6);
  expect((await sendToStrangers(1, owner(), "again"))[0]).toMatch(/^535/);
  expect((await sendToStrangers(1, login, "again"))[0]).toMatch(/^250/);
  expect(
    core()
      .events.recentOf(did, 200)
      .map((event) => event.action),
  ).toEqual(expect.arrayContaining(["member_paused", "member_resumed"]));
  expect((await answerAsMember(pause.id, "this-was-me")).status).toBe(409);
}, 60_000);

test("this was not me: what was held is dropped and none of it ever leaves", async () => {
  const pause = await tripTheBreaker();
  const before = await arrived();
  const waiting = await held();
  const login = await newLogin(await answerAsMember(pause.id, "this-was-not-me"));
  await sandbox.settle();
  expect(await counts()).toMatchObject({ dropped: waiting });
  const told = core()
    .events.recentOf(did, 500)
    .map((event) => event.action);
  expect(told.filter((action) => action === "recipient_dropped")).toHaveLength(waiting);
  expect(await held()).toBe(0);
  sandbox.clock.advance(2 * 3_600_000);
  await sandbox.settle();
  expect(await arrived()).toBe(before);
  expect((await sendToStrangers(1, owner(), "again"))[0]).toMatch(/^535/);
  expect((await sendToStrangers(1, login, "again"))[0]).toMatch(/^250/);
}, 60_000);

test("this was not me: what was in delivery just then is dropped as well, nobody gets a notice, and the page says so", async () => {
  const pause = await tripTheBreaker();
  const { spool } = relay();
  const before = await arrived();
  const waiting = await held();
  const inDelivery = await spool.leaseHeld({ receivedUpTo: sandbox.clock.now(), dids: [], max: 2 });
  expect(inDelivery).toHaveLength(2);
  await answerAsMember(pause.id, "this-was-not-me");
  await sandbox.settle();
  expect(await counts()).toMatchObject({ dropped: waiting - 2, held: 2 });
  const now = sandbox.clock.now();
  const later = { state: "deferred" as const, nextAt: now, events: [] };
  await spool.record(
    inDelivery.map(({ id }) => ({ recipientId: id, ...later })),
    now,
  );
  await sandbox.settle();
  expect(await arrived()).toBe(before);
  sandbox.clock.advance(600_000);
  await expect.poll(async () => (await counts()).dropped).toBe(waiting);
  expect(await held()).toBe(0);

  const page = await fetch(`${sandbox.urls.web}/members/${did}`, {
    headers: { cookie: await memberCookie() },
  });
  expect(await page.text()).toMatch(
    /Not sent, dropped<\/span>[^]{0,200}by the member: It was not the member\./,
  );
  const lettersBefore = letters();
  sandbox.clock.advance(6 * 86_400_000);
  await sandbox.settle();
  expect([await arrived(), (await counts()).dropped, letters()]).toEqual([before, waiting, lettersBefore]);
}, 60_000);

test("this was not me: after an outage of days what came back is dropped, not given back with a notice", async () => {
  const pause = await tripTheBreaker();
  const { spool } = relay();
  const waiting = await held();
  const inDelivery = await spool.leaseHeld({ receivedUpTo: sandbox.clock.now(), dids: [], max: 2 });
  await answerAsMember(pause.id, "this-was-not-me");
  await sandbox.settle();
  const now = sandbox.clock.now();
  const later = { state: "deferred" as const, nextAt: now + 6 * 86_400_000, events: [] };
  await spool.record(
    inDelivery.map(({ id }) => ({ recipientId: id, ...later })),
    now,
  );
  await sandbox.settle();
  const lettersBefore = letters();
  sandbox.clock.advance(5 * 86_400_000 + 600_000);
  await expect.poll(async () => (await counts()).dropped ?? 0).toBe(waiting);
  await sandbox.settle();
  expect([await held(), letters()]).toEqual([0, lettersBefore]);
}, 60_000);

test("this was not me, of a credential that was revoked before the answer: nothing of it is kept", async () => {
  const pause = await tripTheBreaker();
  const waiting = await held();
  core().members.revokeCredential(did, pause.credential!, "the member");
  await sandbox.settle();
  expect((await answerAsMember(pause.id, "this-was-not-me")).status).toBe(303);
  await sandbox.settle();
  expect(relay().policyBook.byDid(did)!.credentials).toMatchObject([{ revoked: true, stolen: true }]);
  expect([(await counts()).dropped, await held()]).toEqual([waiting, 0]);
}, 60_000);

test("the committee ends it with a reason: what was held leaves by the same credential", async () => {
  const pause = await tripTheBreaker();
  expect(core().pauseDesk.answer(did, pause.id, "resumed", { who: "member", by: "x" }, "")).toMatchObject({
    error: "not-answered",
  });
  core().pauseDesk.resume(did, { credential: pause.credential, reason: "Known to us", by: "rosa" });
  await sandbox.settle();
  expect(await held()).toBe(0);
  expect((await sendToStrangers(1, owner(), "again"))[0]).toMatch(/^250/);
  expect(core().standings.notes.list(did)[0]).toMatchObject({
    title: "Sending goes on",
    body: "Known to us",
  });
}, 60_000);
