import { afterAll, beforeAll, expect, test } from "vitest";
import { sendTest } from "../src/cli/send-test.ts";
import { memberToken } from "../src/cli/token.ts";
import * as email from "../src/protocol/lexicon/community/email.ts";
import { unzip } from "../src/roles/unzip.fixture.ts";
import { openSandbox } from "./open-sandbox.ts";
import { runCommand } from "./run-command.ts";

const DOMAIN = "alder.test";
let opened: Awaited<ReturnType<typeof openSandbox>>;
let did: string;
beforeAll(async () => {
  opened = await openSandbox();
  did = opened.sandbox.serve.core!.members.domain(DOMAIN)!.did;
}, 60_000);
afterAll(() => opened.close());

async function token(options: Parameters<typeof memberToken>[1]) {
  const { env } = opened;
  return runCommand(() => memberToken(did, { env, by: "rosa", ...options }));
}

type Lexicons = Record<string, { $output: { schema: { parse(value: unknown): object } } }>;

/** Asks a method; what it answers is as its lexicon says. */
async function call(name: string, bearer: string, body?: object) {
  const url = `${opened.sandbox.urls.web.replace(/\/$/, "")}/xrpc/community.email.${name}`;
  const response = await fetch(url, {
    headers: { authorization: `Bearer ${bearer}` },
    ...(body && { method: "POST", body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as Record<string, unknown>;
  if (response.ok) (email as unknown as Lexicons)[name.split("?")[0]!]!.$output.schema.parse(answer);
  return { status: response.status, body: answer };
}

test("a token from the command line does what it may over HTTP, until it is revoked", async () => {
  expect((await token({ list: true })).text).toContain("has none");
  const made = await token({ name: "monitor", scope: ["read", "credentials"], json: true });
  const { secret, token: kept } = JSON.parse(made.text) as { secret: string; token: { id: string } };
  expect(kept).toMatchObject({ name: "monitor", scopes: ["read", "credentials"], madeBy: "rosa" });

  expect(await call("getStanding", secret)).toMatchObject({
    status: 200,
    body: { did, standing: "good", labels: expect.arrayContaining([expect.anything()]) },
  });
  expect((await call("getLimits", secret)).body["limits"]).toHaveLength(3);
  expect((await call("listDomains", secret)).body).toMatchObject({
    domains: [{ domain: DOMAIN, status: "active", attestation: expect.stringMatching(/^at:/) }],
  });
  expect(await call("listMessages", secret)).toMatchObject({ status: 403, body: { error: "ScopeMissing" } });
  const issued = await call("issueCredential", secret, { name: "blog", domains: [DOMAIN] });
  expect(issued.body["secret"]).toMatch(/^atms_/);
  const { credentials } = (await call("listCredentials", secret)).body;
  expect(credentials).toEqual(expect.arrayContaining([expect.objectContaining({ name: "blog" })]));

  const list = (await token({ list: true })).text;
  expect(list).toContain(`${kept.id}  monitor: read, credentials; last used`);
  expect(list).not.toContain(secret);
  expect((await token({ revoke: kept.id })).text).toContain("opens nothing any more");
  expect(await call("getStanding", secret)).toMatchObject({ status: 401, body: { error: "InvalidToken" } });
  await expect(token({ revoke: kept.id })).rejects.toThrow(/not in use/);
});

test.each([
  [{}, /--name monitor --scope read/],
  [{ name: "x" }, /--scope read/],
  [{ name: "x", scope: ["people"] }, /scope|option|expected/i],
  [{ name: "x", scope: ["read"], days: "1000" }, /1 to 366 days/],
  [{ name: "x", scope: ["read"], days: "soon" }, /./],
])("%j makes none", async (options, words) => {
  await expect(token(options)).rejects.toThrow(words);
  expect(JSON.parse((await token({ list: true, json: true })).text)).toMatchObject({
    tokens: [{ name: "monitor" }],
  });
});

test("what was sent is found, masked, with what became of it", async () => {
  const { sandbox } = opened;
  const [operator] = sandbox.operators;
  const { username, secret: password, from } = operator!;
  const url = `smtps://${username}:${password}@127.0.0.1:${sandbox.serve.relay!.addresses.tls[0]!.port}`;
  await runCommand(() => sendTest("berta@bigmail.test", { url, from, ca: sandbox.world.caFile }));
  await sandbox.settle();
  const made = await token({ name: "support", scope: ["read", "messages"], json: true });
  const { secret } = JSON.parse(made.text) as { secret: string };
  const recipients = [{ address: "b…@bigmail.test", state: "delivered", attempts: [{ code: 250 }] }];
  const { body: log } = await call(`listMessages?to=bigmail.test&from=${DOMAIN}`, secret);
  expect(log).toMatchObject({ isKnown: true, messages: [{ domain: DOMAIN, recipients }] });
  const [{ id }] = log["messages"] as [{ id: string }];
  const traced = await call("traceAddress", secret, { address: "Berta@bigmail.test" });
  expect(traced.body).toEqual(log);
  const { body: found } = await call(`getMessage?id=${id}`, secret);
  expect(found).toMatchObject({ message: { id, recipients } });
  expect(JSON.stringify([log, traced, found])).not.toMatch(/berta/i);
  expect((await call("getDelivery", secret)).body).toMatchObject({ providers: [{ delivered: 1 }] });
  expect((await call("traceAddress", secret, { address: "ada@bigmail.test" })).body["messages"]).toEqual([]);
});

/** A token for one call, as the account's own server makes it. */
async function serviceToken(name: string): Promise<string> {
  const { repos } = opened.sandbox.world;
  const aud = opened.sandbox.serve.labeler!.labels.did;
  const session = await fetch(`${repos.url}/xrpc/com.atproto.server.createSession`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ identifier: did, password: repos.appPassword(did) }),
  });
  const { accessJwt } = (await session.json()) as { accessJwt: string };
  const query = new URLSearchParams({ aud, lxm: `community.email.${name}` });
  const signed = await fetch(`${repos.url}/xrpc/com.atproto.server.getServiceAuth?${query}`, {
    headers: { authorization: `Bearer ${accessJwt}` },
  });
  return ((await signed.json()) as { token: string }).token;
}

test("an account acts for its member with a token that its own server signs", async () => {
  const jwt = await serviceToken("getSettings");
  expect(await call("getSettings", jwt)).toMatchObject({ status: 200, body: { bounces: { to: "nobody" } } });
  expect(await call("getSettings", jwt)).toMatchObject({ status: 401, body: { error: "JwtReplayed" } });
});

test("reports, providers' figures, a signed proof and what leaving does are read with one scope", async () => {
  const { secret } = JSON.parse((await token({ name: "reads", scope: ["read"], json: true })).text);
  expect((await call(`getReports?domain=${DOMAIN}`, secret)).body).toMatchObject({ domain: DOMAIN });
  expect(await call("getProviderData", secret)).toMatchObject({ status: 200 });
  expect((await call("getProof", secret)).body["proof"]).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
  expect((await call("getLeaving", secret)).body).toMatchObject({ name: DOMAIN, membership: "member" });
  expect(await call("leave", secret, { name: DOMAIN })).toMatchObject({
    status: 403,
    body: { error: "AccountNeeded" },
  });
  expect((await call("listMessages", secret)).body["error"]).toBe("ScopeMissing");
});

test("who does not exist is suppressed: found by the address, masked, and released", async () => {
  const { sandbox } = opened;
  const { username, secret: password, from } = sandbox.operators[0]!;
  const url = `smtps://${username}:${password}@127.0.0.1:${sandbox.serve.relay!.addresses.tls[0]!.port}`;
  const scope = ["messages", "suppressions"];
  const { secret } = JSON.parse((await token({ name: "cleaner", scope, json: true })).text);
  await runCommand(() => sendTest("bounce1@bigmail.test", { url, from, ca: sandbox.world.caFile }));
  await sandbox.settle();
  const find = () => call("findSuppressions", secret, { address: "bounce1@bigmail.test" });
  const { body: found } = await find();
  expect(found).toMatchObject({
    isKnown: true,
    suppressions: [{ address: "b…@bigmail.test", reason: "bad-mailbox", isPools: false }],
  });
  const { body: listed } = await call("listSuppressions", secret);
  expect(listed["suppressions"]).toEqual(found["suppressions"]);
  const [{ id }] = found["suppressions"] as [{ id: number }];
  expect(await call("releaseSuppression", secret, { id })).toMatchObject({ status: 200 });
  expect((await find()).body["suppressions"]).toEqual([]);
});

test("everything is taken along: by a program masked, by the owner whole", async () => {
  const { secret } = JSON.parse((await token({ name: "backup", scope: ["export"], json: true })).text);
  const messages = async (bearer: string) => {
    const url = `${opened.sandbox.urls.web.replace(/\/$/, "")}/xrpc/community.email.exportData`;
    const response = await fetch(url, { headers: { authorization: `Bearer ${bearer}` } });
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/zip"]);
    return (await unzip(Buffer.from(await response.arrayBuffer()))).get("messages.ndjson");
  };
  const masked = await messages(secret);
  expect(masked).toContain("b…@bigmail.test");
  expect(masked).not.toMatch(/berta/i);
  expect(await messages(await serviceToken("exportData"))).toContain("berta@bigmail.test");
});
