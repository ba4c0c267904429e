import { afterAll, beforeAll, expect, test } from "vitest";
import { join, type JoinOptions } from "../src/cli/join.ts";
import { openSandbox } from "./open-sandbox.ts";
import { runCommand } from "./run-command.ts";

const DOMAIN = "yarrow.test";
const HANDLE = "ben.pds.test";
const APPLY = { name: "Yarrow", contact: "ben@elsewhere.example", acceptRules: true, daily: "20" };

let opened: Awaited<ReturnType<typeof openSandbox>>;
let did: string;
let base: JoinOptions;
beforeAll(async () => {
  opened = await openSandbox();
  const { sandbox } = opened;
  const people = await (await fetch(sandbox.world.repos.url)).text();
  [, did = ""] = new RegExp(`${HANDLE}[^]*?(did:plc:[a-z2-7]{24})`).exec(people) ?? [];
  base = { coop: sandbox.urls.web, pds: sandbox.world.repos.url, identifier: HANDLE };
}, 60_000);
afterAll(() => opened.close());

const core = () => opened.sandbox.serve.core!;
const askWith = (password: string) => async () => password;
async function run(options: Partial<JoinOptions> = {}, domain = DOMAIN) {
  const ask = askWith(opened.sandbox.world.repos.appPassword(did));
  return runCommand(() => join(domain, { ...base, ...options }, ask));
}
async function publish(lines: string): Promise<void> {
  const url = new URL(`${opened.sandbox.urls.dns}/${DOMAIN}`);
  const answer = await fetch(url, {
    method: "POST",
    redirect: "manual",
    headers: { origin: url.origin },
    body: new URLSearchParams({ action: "paste", lines }),
  });
  expect(answer.status, await answer.text()).toBe(303);
}
/** The records that it asks for, as lines of a zone file. */
const toPublish = (text: string) =>
  [...text.matchAll(/^ {2}(\S+\. (?:TXT|CNAME) .+)$/gm)].map(([, line]) => line);

test("from an account to a credential without a browser, each call by its program", async () => {
  const first = await run();
  expect(first.code).toBe(1);
  expect(toPublish(first.text)).toEqual([`_email-attestation.${DOMAIN}. TXT "did=${did}"`]);
  expect(first.text).toContain("the name is not there");
  expect(core().members.get(did)).toBeUndefined();

  await publish(toPublish(first.text).join("\n"));
  await expect(run()).rejects.toThrow(/--name, --contact and --accept-rules/);
  await expect(run({ ...APPLY, daily: "many" })).rejects.toThrow(/--daily/);
  expect(core().members.get(did)).toBeUndefined();

  const applied = await run(APPLY);
  expect(applied).toMatchObject({ code: 1, text: expect.stringContaining("Applied at") });
  expect(applied.text).toContain(`Wrote at://${did}/community.email.attestation/${DOMAIN}`);
  expect(core().members.applications.open(did)).toMatchObject({ domains: [DOMAIN], daily: 20 });
  const lines = toPublish(applied.text);
  expect(lines.join("\n")).toContain("v=DKIM1");
  await publish(lines.join("\n"));
  const mailless = await run();
  expect(mailless).toMatchObject({ code: 1, text: expect.stringContaining("can receive no mail") });
  await publish([...lines, "@ MX 10 mx.post.test."].join("\n"));

  const answer = JSON.parse((await run({ credential: "pds", json: true })).text);
  expect(answer).toMatchObject({
    did,
    membership: "applicant",
    domains: [{ domain: DOMAIN, isAttested: true, verdict: "verified" }],
    application: { appliedAt: expect.stringMatching(/Z$/) },
    credential: { environment: expect.stringContaining("PDS_EMAIL_SMTP_URL=smtps://") },
    todo: [],
  });
  await opened.sandbox.settle();
  const again = await run({ credential: "pds" });
  expect(again).toMatchObject({ code: 0, text: expect.stringContaining("the committee decides") });
  expect(again.text).toContain("[x] check");
  expect(again.text).not.toContain("PDS_EMAIL_SMTP_URL");
  expect(core().members.credentialsOf(did)).toHaveLength(1);

  core().admission.approve(did, { tier: "new", note: "Welcome", by: "rosa" });
  const member = await run();
  expect(member).toMatchObject({ code: 0, text: expect.stringContaining("You are a member") });
  expect(member.text).toContain("Welcome");
}, 60_000);

test("what is wrong is said with what to do", async () => {
  await expect(runCommand(() => join(DOMAIN, base, askWith("wrong")))).rejects.toThrow(
    /Look at --identifier and the password/,
  );
  await expect(run({}, "localhost")).rejects.toThrow(/no domain name/);
  await expect(run({}, "alder.test")).rejects.toThrow(/belongs to a member already/);
  await expect(run({ coop: "http://coop.example" })).rejects.toThrow(/--coop must be an https address/);
  await expect(run({ coop: base.pds })).rejects.toThrow(/no cooperative that can be joined so/);
  await expect(run({ coop: "http://127.0.0.1:1" })).rejects.toThrow(/does not answer/);
});

test("without a token, with one for another method, and with what fits no lexicon", async () => {
  const ask = (method: string, init?: RequestInit) =>
    fetch(new URL(`/xrpc/community.email.${method}`, base.coop), init);
  const missing = await ask("getJoining");
  expect(missing.status).toBe(401);
  expect(await missing.json()).toMatchObject({
    error: "AuthMissing",
    message: expect.stringContaining("com.atproto.server.getServiceAuth"),
  });
  const token = async (lxm: string) => {
    const { url, appPassword } = opened.sandbox.world.repos;
    const session = await fetch(`${url}/xrpc/com.atproto.server.createSession`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ identifier: HANDLE, password: appPassword(did) }),
    });
    const { accessJwt } = (await session.json()) as { accessJwt: string };
    const query = new URLSearchParams({ aud: opened.sandbox.serve.labeler!.labels.did, lxm });
    const answer = await fetch(`${url}/xrpc/com.atproto.server.getServiceAuth?${query}`, {
      headers: { authorization: `Bearer ${accessJwt}` },
    });
    return `Bearer ${((await answer.json()) as { token: string }).token}`;
  };
  const authorization = await token("community.email.getJoining");
  const other = await ask("claimDomain", { method: "POST", headers: { authorization }, body: "{}" });
  expect(await other.json()).toMatchObject({ error: "BadJwtLexiconMethod" });
  expect((await ask("getJoining", { headers: { authorization } })).status).toBe(200);
  expect(await (await ask("getJoining", { headers: { authorization } })).json()).toMatchObject({
    error: "JwtReplayed",
  });
  for (const body of ["", "[]", '{"domain":7}', `{"domain":"${"a".repeat(300)}"}`]) {
    const bad = await ask("claimDomain", {
      method: "POST",
      headers: { authorization: await token("community.email.claimDomain") },
      body,
    });
    expect(bad.status, body).toBe(400);
    expect(await bad.json()).toMatchObject({ error: "InvalidRequest" });
  }
  const own = await ask("requestCheck", {
    method: "POST",
    headers: { authorization: await token("community.email.requestCheck") },
    body: JSON.stringify({ domain: "alder.test" }),
  });
  expect(await own.json()).toMatchObject({ error: "NotDone" });
  const long = await ask("claimDomain", { method: "POST", body: "x".repeat(40_000) });
  expect(long.status).toBe(413);
  expect((await ask("claimDomain")).status).toBe(405);
  expect(await (await ask("describeCooperative")).json()).toMatchObject({
    did: opened.sandbox.serve.labeler!.labels.did,
  });
});
