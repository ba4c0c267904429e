import { createTransport } from "nodemailer";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sendTest, type SendTestOptions } from "../src/cli/send-test.ts";
import { openSandbox } from "./open-sandbox.ts";
import { runCommand } from "./run-command.ts";

const DOMAIN = "alder.test";
let opened: Awaited<ReturnType<typeof openSandbox>>;
let did: string;
beforeAll(async () => {
  opened = await openSandbox();
  did = core().members.domain(DOMAIN)!.did;
}, 60_000);
afterAll(() => opened.close());

const core = () => opened.sandbox.serve.core!;
const relay = () => opened.sandbox.serve.relay!;
const sender = () => ({ ...relay().tests, now: Date.now() });

/** What came of a test, when it came. */
async function arrived(id: string) {
  await expect.poll(() => core().tests.one(did, id)?.arrivals.length, { timeout: 10_000 }).toBeGreaterThan(0);
  return core().tests.one(did, id)!.arrivals[0]!;
}

function make() {
  const made = core().tests.make(
    core().members.get(did)!,
    { by: "ada", ...sender() },
    { now: Date.now(), random: (n) => crypto.getRandomValues(new Uint8Array(n)) },
  );
  if ("error" in made) throw new Error(made.error);
  return made;
}

test("the pool sends one in the name of a domain, and everything vouches for it", async () => {
  const { id, address } = make();
  const sent = await relay().tests.send({ did, fromDomain: DOMAIN, to: address });
  expect(sent).toBeDefined();
  const { facts, verdicts, passed } = await arrived(id);
  expect(verdicts.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual([
    "route pass",
    "spf pass",
    "dkim pass",
    "dmarc pass",
    "tls pass",
    "time pass",
  ]);
  expect(passed).toBe(true);
  expect(facts).toMatchObject({ from: DOMAIN, message: sent!.message });
  expect(core().tests.passedAt(did)).not.toBeNull();
});

test("atmos send-test --watch says from a PDS's own settings what vouches for its mail", async () => {
  const { sandbox } = opened;
  const { username, secret, from } = sandbox.operators[0]!;
  const url = `smtps://${username}:${secret}@127.0.0.1:${relay().addresses.tls[0]!.port}`;
  const settings = { url, from, ca: sandbox.world.caFile, watch: true, coop: sandbox.urls.web };
  const run = (options: SendTestOptions, to?: string) => runCommand(() => sendTest(to, options));
  const { code, text } = await run(settings);
  expect(text).toMatch(/dkim +good +The signature of alder\.test is valid/);
  expect(code).toBe(0);
  const answer = JSON.parse((await run({ ...settings, json: true })).text) as {
    arrival: { message: string };
  };
  expect(answer).toMatchObject({ accepted: true, arrival: { passed: true, message: expect.any(String) } });

  await expect(run(settings, "eve@bigmail.test")).rejects.toThrow(/or --watch and no recipient/);
  await expect(run({ ...settings, watch: false })).rejects.toThrow(/Name a recipient/);
  await expect(run({ ...settings, coop: "mail.example.org" })).rejects.toThrow(/Name the cooperative's site/);
  await expect(run({ ...settings, coop: "http://mail.example.org" })).rejects.toThrow(/in clear/);
  await expect(run({ ...settings, coop: "http://127.0.0.1:9" })).rejects.toThrow(/does not answer/);
  await expect(run({ ...settings, coop: sandbox.urls.mail })).rejects.toThrow(
    /answered 404|no cooperative's site/,
  );
  const wrong = url.replace(/:[^:@]+@/, ":atms_wrong@");
  await expect(run({ ...settings, url: wrong })).rejects.toThrow(/./);
});

test("a record that is another's is named, with what to do", async () => {
  const { zones } = opened.sandbox.world;
  zones.set(`_dmarc.${DOMAIN}`, "TXT", { text: "v=DMARC1; p=reject" });
  for (const { selector } of core().members.keysOf(DOMAIN))
    zones.set(`${selector}._domainkey.${DOMAIN}`, "TXT", { text: "v=DKIM1; p=" });
  const { id, address } = make();
  await relay().tests.send({ did, fromDomain: DOMAIN, to: address });
  const { verdicts, passed } = await arrived(id);
  expect(passed).toBe(false);
  expect(verdicts.find(({ name }) => name === "dkim")).toMatchObject({
    outcome: "fail",
    remedy: expect.stringContaining(`._domainkey.${DOMAIN}`),
  });
});

test("what does not come through the pool is told so, and counts for nothing", async () => {
  const { id, address } = make();
  const { host, port } = relay().addresses.inbound;
  const transport = createTransport({
    host,
    port,
    name: "pds.alder.test",
    tls: { rejectUnauthorized: false },
  });
  const mail = { from: `pds@${DOMAIN}`, to: address, subject: "A test", text: "A test." };
  await transport.sendMail(mail);
  const { facts, verdicts } = await arrived(id);
  expect(facts).toMatchObject({ message: null, helo: "pds.alder.test", tls: expect.stringMatching(/^TLS/) });
  expect(verdicts[0]).toMatchObject({
    name: "route",
    outcome: "fail",
    remedy: expect.stringMatching(/credential/),
  });
  const another = address.replace(/-[a-z2-7]{8}-/, "-aaaaaaaa-");
  await expect(transport.sendMail({ ...mail, to: another })).rejects.toThrow(/550/);
  transport.close();
});

test("a member that is suspended may still see what the pool sends", async () => {
  await core().decide(did, "suspended", { by: "rosa", why: "A test of the test" });
  await opened.sandbox.settle();
  const { id, address } = make();
  expect(await relay().tests.send({ did, fromDomain: DOMAIN, to: address })).toBeDefined();
  await arrived(id);
  expect(await relay().tests.send({ did, fromDomain: "birch.test", to: address })).toBeUndefined();
});

test("by its own credential a program finds its member's tests alone, and makes twenty a day at most", async () => {
  const { sandbox } = opened;
  const { username, secret } = sandbox.operators[0]!;
  const ask = (method: string, path: string, pass = secret) =>
    fetch(new URL(`/v1/tests${path}`, sandbox.urls.web), {
      method,
      headers: { authorization: `Basic ${Buffer.from(`${username}:${pass}`).toString("base64")}` },
    });
  const made = (await (await ask("POST", "")).json()) as { id: string };
  expect(await (await ask("GET", `/${made.id}`)).json()).toMatchObject({ id: made.id, arrivals: [] });
  expect((await ask("GET", "/nosuchtest")).status).toBe(404);
  expect((await ask("GET", `/${made.id}`, "atms_wrong")).status).toBe(401);
  const answers = [];
  for (let i = 0; i < 20; i++) answers.push(await ask("POST", ""));
  expect(answers.at(-1)!.status).toBe(429);
  expect(await answers.at(-1)!.json()).toMatchObject({
    message: expect.stringMatching(/20 tests are the most of a day/),
  });
  expect(core().tests.of(did)).toHaveLength(20);
});
