import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTransport } from "nodemailer";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePorts, startSandbox, type Sandbox, type SeedOperator } from "../src/devnet/index.ts";
import { DAY_MS } from "../src/lib/clock.ts";
import { silentLog } from "../src/platform/log.ts";
import { accessLink } from "../src/web/session.ts";

const operators: SeedOperator[] = [
  { name: "Alder", domain: "alder.test", perDay: 10 },
  { name: "Nettle", domain: "nettle.test", perDay: 10 },
  { name: "Gorse", domain: "gorse.test", perDay: 10 },
];

let dir: string;
let ports: Awaited<ReturnType<typeof freePorts>>;
let sandbox: Sandbox;
const start = () =>
  startSandbox({
    dir,
    rulesDir: join(import.meta.dirname, "../rules"),
    log: silentLog,
    ports,
    operators,
    now: Date.UTC(2026, 5, 1, 12),
    days: 0,
  });

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "atmos-suppression-"));
  ports = await freePorts();
  sandbox = await start();
});
afterAll(async () => {
  await sandbox.close();
  rmSync(dir, { recursive: true });
});

const operator = (domain: string) => sandbox.operators.find((o) => o.domain === domain)!;
const core = () => sandbox.serve.core!;
const relay = () => sandbox.serve.relay!;
const didOf = (domain: string) => core().members.domain(domain)!.did;
const inbox = (mailbox: string) => sandbox.world.mailbox.inbox.list({ mailbox });
const rawOf = (mailbox: string) =>
  Buffer.from(sandbox.world.mailbox.inbox.get(inbox(mailbox)[0]!.id)!.raw).toString("latin1");
const bulk = { precedence: "bulk" };

async function send(from: string, to: string | string[], headers: Record<string, string> = {}) {
  const { username, secret } = operator(from);
  const transport = createTransport({
    host: "127.0.0.1",
    port: relay().addresses.tls[0]!.port,
    secure: true,
    auth: { user: username, pass: secret },
    tls: { ca: sandbox.world.authority.cert, servername: "relay.coop.test" },
  });
  try {
    const message = { from: `noreply@${from}`, to, subject: "Your code", text: "123456", headers };
    const sent = await transport.sendMail(message);
    await sandbox.settle();
    return sent.response;
  } catch (error) {
    const { response, rejectedErrors } = error as {
      response?: string;
      rejectedErrors?: { response: string }[];
    };
    return rejectedErrors?.[0]?.response ?? response ?? String(error);
  } finally {
    transport.close();
  }
}

async function page(path: string, domain: string, fields?: Record<string, string>) {
  const { web } = sandbox.urls;
  const identity = { role: "member" as const, did: didOf(domain) };
  const link = accessLink(web, sandbox.serve.sessionKey!, identity, Date.now() + 60_000);
  const opened = await fetch(new URL("/login", link), {
    method: "POST",
    redirect: "manual",
    headers: { origin: web },
    body: new URLSearchParams({ token: new URL(link).searchParams.get("token")! }),
  });
  const cookie = opened.headers.get("set-cookie")!.split(";")[0]!;
  return fetch(web + path, {
    redirect: "manual",
    headers: { cookie, origin: web },
    ...(fields && { method: "POST", body: new URLSearchParams(fields) }),
  });
}

const pathOf = (domain: string) => `/members/${didOf(domain)}/suppressions`;
const REFUSED = /^550 5\.1\.1 Not sent: there is no such mailbox/;

test("a bounce suppresses at RCPT with why, until when and where; the member releases it, and mail arrives", async () => {
  expect(await send("alder.test", "late@bigmail.test")).toMatch(/^250/);
  const refused = await send("alder.test", "late@bigmail.test");
  expect(refused).toMatch(REFUSED);
  expect(refused).toMatch(/since 2026-06-01, until 2026-06-15 or until it is released/);
  expect(refused).toContain(`Release it at ${sandbox.urls.web}${pathOf("alder.test")} [suppressed]`);
  expect(refused).not.toContain("late@");
  // Another member may write: one report binds no pool.
  expect(await send("gorse.test", "ada@bigmail.test")).toMatch(/^250/);

  const html = await (await page(pathOf("alder.test"), "alder.test")).text();
  expect(html).toContain("l…@bigmail.test");
  expect(html).not.toContain("late@bigmail.test");
  expect(html).toContain("No such mailbox");
  expect((await page(pathOf("alder.test"), "gorse.test")).status).toBe(404);

  const found = await page(`${pathOf("alder.test")}/search`, "alder.test", { address: "Late@bigmail.test" });
  const [, action] = /action="([^"]+\/release)"/.exec(await found.text()) ?? [];
  expect((await page(action!, "gorse.test", {})).status).toBe(404);
  const before = inbox("late@bigmail.test").length;
  expect((await page(action!, "alder.test", {})).status).toBe(303);
  await sandbox.settle();
  expect(await send("alder.test", "late@bigmail.test")).toMatch(/^250/);
  expect(inbox("late@bigmail.test")).toHaveLength(before + 1);
  expect((await page(action!, "alder.test", {})).status).toBe(409);
});

test("a complaint stops all streams of that member, and of nobody else", async () => {
  expect(await send("alder.test", "spam@bigmail.test")).toMatch(/^250/);
  expect(await send("alder.test", "spam@bigmail.test")).toMatch(
    /^550 5\.1\.1 Not sent: its owner reported your mail as spam; nothing goes there since .* until it is released/,
  );
  const from = core().evidence.complaints(didOf("alder.test"), sandbox.clock.now());
  expect(from.complaints).toBe(1);
  expect(await send("gorse.test", "spam@bigmail.test")).toMatch(/^250/);
});

test("an unknown user that two members met binds the pool; a member passes it, for itself alone", async () => {
  expect(await send("alder.test", "bounce1@bigmail.test")).toMatch(/^250/);
  expect(await send("nettle.test", "bounce1@bigmail.test")).toMatch(/^250/);
  const refused = await send("gorse.test", "bounce1@bigmail.test");
  expect(refused).toMatch(REFUSED);
  expect(refused).toContain("on the list of the whole pool");
  const { eligible } = core().evidence.bounces(didOf("gorse.test"), sandbox.clock.now());
  const [entry] = core().suppressions.list({ did: null, limit: 10 });
  expect(entry).toMatchObject({ reason: "bad-mailbox", domain: "bigmail.test" });
  const release = `${pathOf("gorse.test")}/${entry!.id}/release`;
  expect((await page(release, "gorse.test", {})).status).toBe(303);
  await sandbox.settle();
  expect(await send("gorse.test", "bounce1@bigmail.test")).toMatch(/^250/);
  // It was there to be refused: the refusal at RCPT before was no send.
  expect(core().evidence.bounces(didOf("gorse.test"), sandbox.clock.now()).eligible).toBe(eligible + 1);
  expect(core().suppressions.list({ did: null, limit: 10 })).toHaveLength(1);
  expect(await send("gorse.test", "bounce1@bigmail.test")).toMatch(REFUSED);
});

test("what waits when its recipient is suppressed ends so within a second, and the member is told why", async () => {
  expect(await send("nettle.test", "defer@bigmail.test")).toMatch(/^250/);
  const stateOf = async () =>
    (await relay().spool.list({ did: didOf("nettle.test"), recipient: "defer@bigmail.test" })).entries[0]!;
  expect((await stateOf()).state).toBe("deferred");
  const key = relay().keyOf("defer@bigmail.test");
  const counted = core().evidence.bounces(didOf("nettle.test"), sandbox.clock.now()).eligible;
  await core().suppressions.add(
    { key, domain: "bigmail.test" },
    { did: didOf("nettle.test"), streams: "all", reason: "manual", expiresAt: null, by: "rosa" },
  );
  await expect.poll(async () => (await stateOf()).state, { timeout: 1_000, interval: 20 }).toBe("suppressed");
  const [told] = await relay().spool.toldOf((await stateOf()).messageId);
  expect(told?.text.replaceAll(/\s+/g, " ")).toContain("it was put on the list by hand");
  await sandbox.settle();
  expect(core().evidence.bounces(didOf("nettle.test"), sandbox.clock.now()).eligible).toBe(counted);
});

test("one click: GET shows a button and changes nothing, POST unsubscribes from bulk mail alone", async () => {
  expect(await send("alder.test", "ada@bigmail.test", bulk)).toMatch(/^250/);
  const raw = rawOf("ada@bigmail.test");
  const [, url] = /^List-Unsubscribe:\s+<(http[^>]+\/u\/[\w-]+)>\r?$/m.exec(raw) ?? [];
  expect(raw).toMatch(/^List-Unsubscribe-Post: List-Unsubscribe=One-Click\r?$/m);
  expect(raw.replaceAll(/\s/g, "")).toMatch(/h=[^;]*list-unsubscribe:list-unsubscribe-post/i);

  const shown = await fetch(url!);
  expect(shown.status).toBe(200);
  expect(await shown.text()).toContain("alder.test");
  await sandbox.settle();
  expect(await send("alder.test", "ada@bigmail.test", bulk)).toMatch(/^250/);

  const post = (body: string, at = url!) =>
    fetch(at, {
      method: "POST",
      redirect: "manual",
      body,
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
  expect((await post("")).status).toBe(400);
  expect((await post("List-Unsubscribe=One-Click", `${url}x`)).status).toBe(404);
  await sandbox.settle();
  expect(await send("alder.test", "ada@bigmail.test", bulk)).toMatch(/^250/);
  for (const _ of [1, 2]) {
    const done = await post("List-Unsubscribe=One-Click");
    expect([done.status, done.headers.get("set-cookie")]).toEqual([200, null]);
  }
  await sandbox.settle();
  expect(await send("alder.test", "ada@bigmail.test", bulk)).toMatch(
    /^550 5\.1\.1 Not sent: its owner unsubscribed from your bulk mail/,
  );
  expect(await send("alder.test", "ada@bigmail.test")).toMatch(/^250/);
  expect(await send("nettle.test", "ada@bigmail.test", bulk)).toMatch(/^250/);
  expect(await send("alder.test", ["bob@bigmail.test", "eve@bigmail.test"], bulk)).toMatch(
    /^550 5\.5\.3 Bulk mail is one recipient a message.*\[one-each\]/,
  );
});

test("transactional mail never has the header, and a member's own stays as it is", async () => {
  expect(await send("alder.test", "cleo@bigmail.test")).toMatch(/^250/);
  const own = { "List-Unsubscribe": "<https://alder.test/stop?you>" };
  expect(await send("alder.test", "dora@bigmail.test", own)).toMatch(/^250/);
  expect(rawOf("cleo@bigmail.test")).not.toMatch(/^List-Unsubscribe/im);
  expect(rawOf("dora@bigmail.test").match(/^List-Unsubscribe.*$/gim)).toEqual([
    expect.stringContaining("<https://alder.test/stop?you>"),
  ]);
});

test("a restart keeps all of it; without core a relay node still refuses", async () => {
  await sandbox.close();
  sandbox = await start();
  expect(await send("alder.test", "spam@bigmail.test")).toMatch(/^550 5\.1\.1/);
  await core().close();
  expect(await send("alder.test", "spam@bigmail.test")).toMatch(/^550 5\.1\.1/);
  expect(await send("alder.test", "hugo@bigmail.test")).toMatch(/^250/);
});

test("an entry ends by itself", async () => {
  expect(await send("nettle.test", "bounce1@bigmail.test")).toMatch(/^550 5\.1\.1/);
  // With the month after the 90 days.
  sandbox.clock.advance(122 * DAY_MS);
  expect(relay().suppressions.check(didOf("nettle.test"), "bounce1@bigmail.test", undefined)).toBeUndefined();
});
