import { createTransport } from "nodemailer";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { memberApplications, memberApply, memberApprove, memberDecline } from "../src/cli/applications.ts";
import { memberCredential, memberCredentials, memberEnv, memberRevoke } from "../src/cli/credentials.ts";
import { domainRotate } from "../src/cli/domain.ts";
import {
  memberAdd,
  memberBounces,
  memberDomain,
  memberLeave,
  memberList,
  memberPause,
  memberResume,
  memberShow,
} from "../src/cli/member.ts";
import { personAdd, personList, personRemove } from "../src/cli/person.ts";
import type { Sandbox } from "../src/devnet/index.ts";
import { openSandbox } from "./open-sandbox.ts";

let env: string;
let sandbox: Sandbox;
let close: () => Promise<void>;

beforeAll(async () => {
  ({ env, sandbox, close } = await openSandbox());
});
afterAll(async () => {
  await close();
});
afterEach(() => vi.restoreAllMocks());

async function run(command: () => Promise<number>, exit = 0): Promise<string> {
  let text = "";
  vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  expect(await command()).toBe(exit);
  vi.restoreAllMocks();
  return text;
}
const json = async <T>(command: () => Promise<number>) => JSON.parse(await run(command)) as T;

const core = () => sandbox.serve.core!;
const account = async (handle: string) => (await sandbox.world.repos.createAccount({ handle })).did;
const actions = (did: string) =>
  core()
    .events.recentOf(did, 50)
    .map((event) => event.action);

/** What a submission through the block of a PDS is answered, with the port of this sandbox. */
async function submit(url: string, from: string): Promise<string> {
  const { host, pathname, protocol, username, password, port } = new URL(url);
  expect([host, pathname]).toEqual([`relay.coop.test:${port}`, ""]);
  const transport = createTransport({
    host: "127.0.0.1",
    port: Number(port),
    secure: protocol === "smtps:",
    requireTLS: true,
    auth: { user: username, pass: password },
    tls: { rejectUnauthorized: false },
  });
  try {
    return (await transport.sendMail({ from, to: "ada@bigmail.test", subject: "x", text: "x" })).response;
  } catch (error) {
    return (error as { response?: string; message: string }).response ?? (error as Error).message;
  } finally {
    transport.close();
  }
}

type Block = Record<"PDS_EMAIL_SMTP_URL" | "PDS_EMAIL_FROM_ADDRESS", string>;
const readBlock = (text: string) =>
  Object.fromEntries(
    text
      .trim()
      .split("\n")
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  ) as Block;

describe("applications", () => {
  const form = { name: "Willow", contact: "ada@willow.test", domain: ["Willow.test"], daily: "40" };

  test("an applicant sends nothing until a person has approved it; what it said is kept", async () => {
    const did = await account("willow.test");
    await run(() =>
      memberApply(did, { env, ...form, purpose: "sign-ups", pds: "willow.test", words: "Hello", by: "ada" }),
    );
    await expect(memberApply(did, { env, ...form })).rejects.toThrow(/has applied already/);
    expect(await run(() => memberApplications({ env }))).toMatch(
      /open +Willow.*\n.*entered by ada\)\n +contact +ada@willow\.test\n +domains +willow\.test\n +expects +40 messages a day/,
    );
    await run(() => memberDomain(did, "willow.test", { env }));
    core().members.setDomainStatus("willow.test", "active");
    const block = readBlock(await run(() => memberEnv(did, { env })));
    await sandbox.settle();
    expect(sandbox.serve.relay!.policyBook.byDid(did)).toMatchObject({ membership: "applicant" });
    expect(core().publicStandingOf(did)).toMatchObject({ member: false, ended: false });
    expect(await submit(block.PDS_EMAIL_SMTP_URL, block.PDS_EMAIL_FROM_ADDRESS)).toMatch(
      /^5\d\d .*\[applicant\]$/,
    );

    await run(() => memberApprove(did, { env, tier: "warming", note: "Welcome", by: "bob" }));
    await expect(memberApprove(did, { env })).rejects.toThrow(/no application that waits/);
    await sandbox.settle();
    expect(sandbox.serve.relay!.policyBook.byDid(did)).toMatchObject({
      membership: "member",
      tier: "warming",
    });
    expect(core().publicStandingOf(did)).toMatchObject({ member: true });
    expect(actions(did)).toContain("member_joined");
    expect(await submit(block.PDS_EMAIL_SMTP_URL, block.PDS_EMAIL_FROM_ADDRESS)).toMatch(/^250 /);
    const shown = await run(() => memberShow(did, { env }));
    expect(shown).toMatch(/approved .* by bob, tier warming\n +Welcome/);
    expect(shown).toContain("Hello");
  });

  test("a declined one is told why, may apply again, and holds no domain", async () => {
    const did = await account("elm.test");
    await run(() => memberApply(did, { env, ...form, name: "Elm", domain: ["elm.test"] }));
    await run(() => memberDomain(did, "elm.test", { env }));
    await run(() => memberDecline(did, { env, reason: "Not an operator", by: "bob" }));
    expect(core().members.domainsOf(did)).toEqual([]);
    expect(core().standings.notes.list(did)[0]).toMatchObject({ body: "Not an operator" });
    expect(core().publicStandingOf(did)).toMatchObject({ member: false, ended: false });
    expect(await run(() => memberList({ env }))).toMatch(new RegExp(`left +new +${did}`));
    await run(() => memberApply(did, { env, ...form, name: "Elm", domain: ["elm.test"] }));
    expect(await run(() => memberApplications({ env, state: "declined" }))).toContain("Not an operator");
  });

  test("who leaves sends no more, and its domain is free", async () => {
    const did = await account("rowan.test");
    await run(() => memberAdd(did, { env, name: "Rowan" }));
    await run(() => memberDomain(did, "rowan.test", { env }));
    const block = readBlock(await run(() => memberEnv(did, { env })));
    await run(() => memberLeave(did, { env, reason: "moved", by: "ada" }));
    await expect(memberLeave(did, { env })).rejects.toThrow(/has left/);
    await sandbox.settle();
    expect(sandbox.serve.relay!.policyBook.byDid(did)).toMatchObject({ membership: "left", domains: [] });
    expect(core().publicStandingOf(did)).toMatchObject({ member: false, ended: true });
    expect(await submit(block.PDS_EMAIL_SMTP_URL, block.PDS_EMAIL_FROM_ADDRESS)).toMatch(/^5\d\d /);
    expect(actions(did)).toContain("member_left");
    const other = await account("other-rowan.test");
    await run(() => memberAdd(other, { env }));
    await run(() => memberDomain(other, "rowan.test", { env }));
    expect(core().members.domain("rowan.test")?.did).toBe(other);
  });
});

describe("credentials", () => {
  let did: string;
  beforeAll(async () => {
    did = core().members.domain("alder.test")!.did;
  });
  const made = (options: object = {}) =>
    json<{ id: string; secret: string; username: string; lines: string }>(() =>
      memberCredential(did, ["alder.test"], { env, json: true, ...options }),
    );

  test("are several, each with a name, streams and caps, and known by their last use", async () => {
    const blog = await made({ name: "ghost blog", stream: ["bulk"], hourly: "10", daily: "20" });
    await sandbox.settle();
    const policy = sandbox.serve.relay!.policyBook.byUsername(blog.username)!;
    expect(policy.credential).toMatchObject({ streams: ["bulk"], hourly: 10, daily: 20, revoked: false });
    const now = sandbox.clock.now();
    const use = (address: string, minutes: number) =>
      core().credentialUsed({ credential: blog.id, did, at: now + minutes * 60_000, address });
    const anew = () => actions(did).filter((action) => action === "credential_used_anew").length;
    use("203.0.113.7", 1);
    use("203.0.113.9", 2);
    expect(anew()).toBe(0);
    use("198.51.100.1", 3);
    use("198.51.100.1", 3);
    core().credentialUsed("nonsense");
    expect(anew()).toBe(1);
    const list = await run(() => memberCredentials(did, { env }));
    expect(list).toMatch(
      /"ghost blog".*; bulk; at most 10 an hour, 20 a day; last used .* from 198\.51\.100\.1/,
    );
    await run(() => memberRevoke(did, blog.id, { env, by: "ada" }));
    await expect(memberRevoke(did, blog.id, { env })).rejects.toThrow(/No such credential is in use/);
    expect(await run(() => memberCredentials(did, { env }))).toMatch(/revoked \S+ by ada/);
    await expect(memberRevoke(await account("mallow.test"), blog.id, { env })).rejects.toThrow(/No such/);
  });

  test("one that was revoked long ago is refused as before, and relay nodes forget it", async () => {
    const one = await made();
    const url = one.lines.split("\n")[0]!.slice("PDS_EMAIL_SMTP_URL=".length);
    const known = () =>
      sandbox.serve.relay!.policyBook.byDid(did)!.credentials.some(({ id }) => id === one.id);
    await run(() => memberRevoke(did, one.id, { env, by: "ada" }));
    await sandbox.settle();
    expect([known(), await submit(url, "noreply@alder.test")]).toEqual([
      true,
      expect.stringMatching(/^535 5\.7\.8 .*\[revoked\]$/),
    ]);
    sandbox.clock.advance(7 * 86_400_000 + 1);
    await made();
    await sandbox.settle();
    expect([known(), await submit(url, "noreply@alder.test")]).toEqual([
      false,
      expect.stringMatching(/^535 5\.7\.8 .*\[revoked\]$/),
    ]);
    expect(await run(() => memberCredentials(did, { env }))).toMatch(new RegExp(`${one.id} .*revoked`));
  });

  test("a submission is a use, as the relay saw it", async () => {
    const one = await made();
    await sandbox.settle();
    await submit(one.lines.split("\n")[0]!.slice("PDS_EMAIL_SMTP_URL=".length), "noreply@alder.test");
    await sandbox.settle();
    const seen = () =>
      core()
        .members.credentialsOf(did)
        .find(({ id }) => id === one.id)?.lastUsed;
    expect(seen()).toMatchObject({ address: "127.0.0.1" });
  });

  test("the block for an existing one needs its own secret, on standard input", async () => {
    const one = await made();
    const other = await made();
    const withSecret = (secret: string) => {
      vi.stubEnv("CREDENTIAL_SECRET", secret);
      return memberEnv(did, { env, credential: one.id, starttls: true });
    };
    const block = readBlock(await run(() => withSecret(one.secret)));
    expect(block.PDS_EMAIL_SMTP_URL).toMatch(
      new RegExp(`^smtp://${one.username}:${one.secret}@relay.coop.test:\\d+\\?requireTLS=true$`),
    );
    await expect(withSecret(other.secret)).rejects.toThrow(/not the secret/);
    await expect(withSecret(one.secret.slice(0, -1))).rejects.toThrow(/no whole secret/);
    vi.unstubAllEnvs();
  });

  test("a port that is not listened on is refused before a credential is made", async () => {
    const before = core().members.credentialsOf(did).length;
    await expect(memberEnv(did, { env, port: "25" })).rejects.toThrow(/not one of implicit TLS/);
    expect(core().members.credentialsOf(did)).toHaveLength(before);
  });
});

describe("a person's pause", () => {
  test("stops one credential, and ends with what was held leaving", async () => {
    const did = core().members.domain("alder.test")!.did;
    const credential = core()
      .members.credentialsOf(did)
      .find((one) => one.revoked === null);
    await run(() => memberPause(did, { env, credential: credential!.id, reason: "Looks stolen", by: "ada" }));
    await sandbox.settle();
    const held = () =>
      sandbox.serve.relay!.policyBook.byDid(did)!.credentials.find((c) => c.id === credential!.id)!.paused;
    expect(held()).toBe(true);
    const shown = await run(() => memberShow(did, { env }));
    expect(shown).toContain("Looks stolen");
    expect(shown).toMatch(/paused \d{4}-\d\d-\d\d \d\d:\d\d UTC by ada/);
    expect(await run(() => memberList({ env }))).toMatch(new RegExp(`paused +new +${did}`));
    await run(() => memberResume(did, { env, reason: "It was the owner", by: "bob" }));
    await expect(memberResume(did, { env, reason: "again" })).rejects.toThrow(/Nothing of .* is paused/);
    await sandbox.settle();
    expect(held()).toBeUndefined();
    expect(actions(did)).toEqual(expect.arrayContaining(["member_paused", "member_resumed"]));
  });
});

describe("atmos domain rotate", () => {
  const domain = "alder.test";
  const zones = () => sandbox.world.zones;
  const signing = () => {
    const { did } = core().members.domain(domain)!;
    const { domains } = sandbox.serve.relay!.policyBook.byDid(did)!;
    return domains
      .find((one) => one.name === domain)!
      .keys.map((key) => key.selector)
      .sort();
  };

  beforeEach(async () => sandbox.settle());

  test("makes a pair, waits for the DNS, and can be called off until it signs", async () => {
    const before = signing();
    const text = await run(() => domainRotate(domain, { env }));
    expect(text).toContain("1. Publish these records");
    await expect(domainRotate(domain, { env })).rejects.toThrow(/--status/);
    expect(await run(() => domainRotate(domain, { env, now: true }), 1)).toContain("The old keys sign on");
    expect(signing()).toEqual(before);
    await run(() => domainRotate(domain, { env, cancel: true }));
    await expect(domainRotate(domain, { env, cancel: true })).rejects.toThrow(/no next pair/);
    await expect(domainRotate("nobody.test", { env })).rejects.toThrow(/No member holds/);
  });

  test("the new pair signs once it is seen; the old one is kept, and then destroyed", async () => {
    const before = signing();
    type Answer = { publish: { name: string; value: string }[]; keep: object[]; remove: string[] };
    const { publish } = await json<Answer>(() => domainRotate(domain, { env, json: true }));
    for (const { name, value } of publish) zones().set(name, "TXT", { text: value });
    await run(() => domainRotate(domain, { env, now: true }));
    await sandbox.settle();
    const next = publish.map(({ name }) => name.split(".")[0]).sort();
    expect(signing()).toEqual(next);
    const [attestation] = sandbox.serve.labeler!.attestations.byDomain(domain);
    const checks = await sandbox.serve.labeler!.attestations.checkNow(attestation!.uri);
    // The record still names the old pair, which stays published: nothing falls.
    expect(checks!.find((one) => one.check === "dkim")).toMatchObject({ findings: [] });
    await sandbox.settle();
    expect(core().members.domain(domain)?.status).toBe("active");
    expect(await run(() => domainRotate(domain, { env, status: true }))).toContain("Keep atms");
    const sealed = () =>
      core()
        .members.allKeysOf(domain)
        .filter((key) => key.sealed !== "");
    expect(sealed()).toHaveLength(4);

    sandbox.clock.advance(15 * 86_400_000);
    core().members.followRotation(domain, { selectors: [], seen: undefined });
    expect(
      sealed()
        .map((key) => key.selector)
        .sort(),
    ).toEqual(next);
    const { remove } = await json<Answer>(() => domainRotate(domain, { env, status: true, json: true }));
    expect(remove.map((name) => name.split(".")[0]).sort()).toEqual(before);
  });
});

test("where a member is told of its mail is chosen by command, must be its own, and is with the relay nodes", async () => {
  const { did } = core().members.domain("alder.test")!;
  const atRelay = () => sandbox.serve.relay!.policyBook.byDid(did)?.bounces;
  expect(await run(() => memberBounces(did, { env }))).toMatch(/are not mailed/);
  core().members.setDomainStatus("alder.test", "active");
  expect(await run(() => memberBounces(did, { env, to: "ops@Alder.test" }))).toContain("ops@alder.test");
  await sandbox.settle();
  expect(atRelay()).toEqual({ to: "address", address: "ops@alder.test" });
  await expect(memberBounces(did, { env, to: "victim@bigmail.test" })).rejects.toThrow(
    /not known to be the member's/,
  );
  expect(await run(() => memberShow(did, { env }))).toContain("notices about its mail go to ops@alder.test");
  expect(await run(() => memberBounces(did, { env, sender: true }))).toMatch(
    /go to the sender of each message/,
  );
  await sandbox.settle();
  expect(atRelay()).toEqual({ to: "sender" });
  await run(() => memberBounces(did, { env, none: true }));
  await sandbox.settle();
  expect(atRelay()).toBeUndefined();
});

test("people act for a member in a role until they are removed, or it leaves", async () => {
  const did = await account("people.test");
  await expect(personList(did, { env })).rejects.toThrow(/is not a member/);
  await run(() => memberAdd(did, { env, name: "People" }));
  expect(await run(() => personList(did, { env }))).toContain("Nobody else");
  const add = (who: string, role: string) => run(() => personAdd(did, who, { env, role, by: "rosa" }));
  await add("@Ada.pds.test", "viewer");
  const ada = core().people.of(did)[0]!.person;
  await add(ada, "manager");
  expect(await json(() => personList(did, { env, json: true }))).toMatchObject({
    people: [{ person: ada, role: "manager", addedBy: "rosa", addedAt: expect.stringMatching(/Z$/) }],
  });
  await expect(add(did, "viewer")).rejects.toThrow(/always its owner/);
  await expect(add("nobody-at-all.pds.test", "viewer")).rejects.toThrow(/Nobody has the handle|looked up/);
  await run(() => personRemove(did, ada, { env }));
  await expect(personRemove(did, ada, { env })).rejects.toThrow(/not among the people/);
  await add(ada, "owner");
  await run(() => memberLeave(did, { env, reason: "Enough." }));
  expect(core().people.of(did)).toEqual([]);
});
