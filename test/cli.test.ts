import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { CheckResult, Requirement } from "../src/attestation/index.ts";
import { check } from "../src/cli/check.ts";
import { doctor } from "../src/cli/doctor/index.ts";
import { link } from "../src/cli/link.ts";
import { memberCredential, memberRevoke } from "../src/cli/credentials.ts";
import { memberAdd, memberDomain, memberList, memberStanding } from "../src/cli/member.ts";
import { sendTest } from "../src/cli/send-test.ts";
import type { Sandbox } from "../src/devnet/index.ts";
import { createSmtpConnect } from "../src/platform/smtp-connect.ts";
import { probeSmtp } from "../src/protocol/smtp-probe/index.ts";
import { openSandbox } from "./open-sandbox.ts";

let dir: string;
let env: string;
let sandbox: Sandbox;
let close: () => Promise<void>;

beforeAll(async () => {
  ({ dir, env, sandbox, close } = await openSandbox({
    operators: [
      { name: "Alder", domain: "alder.test", perDay: 10 },
      { name: "Gorse", domain: "gorse.test", perDay: 10, trait: "broken-dmarc" },
    ],
  }));
});
afterAll(async () => {
  await close();
});
afterEach(() => vi.restoreAllMocks());

/** Runs a command and gives its exit code and what it printed. */
async function run(command: () => Promise<number>): Promise<{ code: number; text: string }> {
  let text = "";
  vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  const code = await command();
  vi.restoreAllMocks();
  return { code, text };
}

async function json<T>(command: () => Promise<number>): Promise<{ code: number; answer: T }> {
  const { code, text } = await run(command);
  return { code, answer: JSON.parse(text) as T };
}

describe("atmos doctor", () => {
  type Answer = { ok: boolean; findings: { probe: string; status: string; remedy?: string }[] };

  test("finds nothing wrong with a whole installation", async () => {
    const { code, answer } = await json<Answer>(() => doctor({ env, json: true }));
    expect(answer.findings.filter((f) => f.status === "fail")).toEqual([]);
    expect(code).toBe(0);
    expect(answer.findings.map((f) => f.probe)).toEqual(
      expect.arrayContaining([
        "dns",
        "pool SPF",
        "bounces",
        "pool DKIM",
        "certificate",
        "labeler key",
        "http",
        "inbound",
        "zone",
      ]),
    );
  });

  test("names what is broken, and the record that mends it", async () => {
    sandbox.world.zones.set("_spf.coop.test", "TXT");
    sandbox.world.zones.set("pool1._domainkey.coop.test", "TXT", { text: "v=DKIM1; k=rsa; p=AAAA" });
    const { code, text } = await run(() => doctor({ env }));
    sandbox.world.zones.set("_spf.coop.test", "TXT", { text: "v=spf1 ip4:127.0.0.1 -all" });
    sandbox.world.zones.set("pool1._domainkey.coop.test", "TXT", { text: sandbox.serve.relay!.poolKey.txt });
    expect(code).toBe(1);
    expect(text).toMatch(
      /FAIL pool SPF: _spf\.coop\.test has no SPF record\n +-> Publish: _spf\.coop\.test\. TXT "v=spf1/,
    );
    expect(text).toMatch(
      /FAIL pool DKIM: .* names another key\n +-> Publish: pool1\._domainkey\.coop\.test\. TXT "v=DKIM1; k=rsa; p=/,
    );
    expect(text).toContain("2 things are wrong.");
  });

  test("says what it cannot read", async () => {
    const { code, answer } = await json<Answer>(() => doctor({ env: join(dir, "missing.env"), json: true }));
    expect(code).toBe(1);
    expect(answer.findings).toMatchObject([{ probe: "configuration", status: "fail" }]);
  });
});

describe("atmos check", () => {
  const dns = () => `127.0.0.1:${sandbox.config.DNS_SERVERS[0]!.split(":")[1]}`;
  test("a sound domain", async () => {
    const did = sandbox.serve.core!.members.domain("alder.test")!.did;
    const { code, answer } = await json<{ summary: string }>(() =>
      check("Alder.test", { resolver: dns(), allowPrivate: true, did, pool: "coop.test", json: true }),
    );
    expect([code, answer.summary]).toEqual([0, "verified"]);
  });
  test("a broken one, with what was seen", async () => {
    const { code, text } = await run(() => check("gorse.test", { resolver: dns() }));
    expect(code).toBe(1);
    expect(text).toMatch(/FAIL dmarc/);
    expect(text).toContain("v=DMARC1 p=none");
  });
  test("no answer from the DNS is not a verdict", async () => {
    sandbox.world.zones.fail("alder.test", true);
    const { code, text } = await run(() => check("alder.test", { resolver: dns() }));
    sandbox.world.zones.fail("alder.test", false);
    expect(code).toBe(1);
    expect(text).toContain("not known");
  });
  test("selectors, the mail servers themselves, and what providers ask", async () => {
    const smtpPort = String(sandbox.serve.relay!.addresses.inbound.port);
    const { answer } = await json<{ checks: CheckResult[]; requirements: Requirement[] }>(() =>
      check("alder.test", {
        dns: dns(),
        selector: ["nowhere"],
        transport: true,
        allowPrivate: true,
        smtpPort,
        json: true,
      }),
    );
    const codes = (name: string) =>
      answer.checks.find((c) => c.check === name)?.findings.map((finding) => finding.code);
    expect(codes("dkim")).toEqual(["dkim-missing"]);
    // The sandbox's own authority is not one of the system's.
    expect(codes("starttls")).toEqual(["starttls-certificate"]);
    const session = await probeSmtp(
      {
        ...sandbox.serve.relay!.addresses.inbound,
        address: sandbox.serve.relay!.addresses.inbound.host,
        host: "mx.coop.test",
      },
      "checker.test",
      createSmtpConnect({ allowPrivate: true, ca: readFileSync(sandbox.world.caFile, "utf8") }),
    );
    expect(session).toMatchObject({ status: "secured", session: { named: true } });
    expect(session).not.toHaveProperty("session.untrusted");
    const asked = answer.requirements.filter((row) => row.provider === "gmail").map((row) => row.status);
    expect(asked).toEqual(expect.arrayContaining(["pass", "fail"]));
  });
  test("what is no domain, and what no resolver", async () => {
    await expect(check("alder.test", { resolver: "nine" })).rejects.toThrow(/write IP:PORT/);
    await expect(check("not a domain", {})).rejects.toThrow(/is not a domain name/);
  });
});

describe("atmos send-test", () => {
  const options = () => {
    const [operator] = sandbox.operators;
    const url = `smtps://${operator!.username}:${operator!.secret}@127.0.0.1:${sandbox.serve.relay!.addresses.tls[0]!.port}`;
    return { url, from: operator!.from, ca: sandbox.world.caFile };
  };
  test("sends, and repeats the server's words", async () => {
    const { code, text } = await run(() => sendTest("ada@bigmail.test", options()));
    expect(code).toBe(0);
    expect(text).toMatch(/Accepted: 250 2\.0\.0 Queued/);
    await sandbox.settle();
    expect(sandbox.world.mailbox.inbox.list({ mailbox: "ada@bigmail.test" })).toHaveLength(1);
  });
  test.each<[string, (o: ReturnType<typeof options>) => ReturnType<typeof options>, RegExp]>([
    ["a wrong secret", (o) => ({ ...o, url: o.url.replace(/atms_\w+/, "wrong") }), /User or secret is wrong/],
    [
      "the wrong TLS mode",
      (o) => ({ ...o, url: o.url.replace(/\d+$/, String(sandbox.serve.relay!.addresses.starttls[0]!.port)) }),
      /Use smtp:\/\//,
    ],
    ["an authority that is not trusted", ({ url, from }) => ({ url, from }) as never, /--ca FILE/],
    ["nobody listening", (o) => ({ ...o, url: o.url.replace(/\d+$/, "1") }), /Nothing listens/],
    ["somebody else's sender", (o) => ({ ...o, from: "x@gorse.test" }), /refused for good/],
  ])("%s is explained", async (_, change, why) => {
    const { code, text } = await run(() => sendTest("ada@bigmail.test", change(options())));
    expect(code).toBe(1);
    expect(text).toMatch(why);
  });
});

test("atmos member and link: from joining to a decision", async () => {
  const { did } = await sandbox.world.repos.createAccount({ handle: "willow.test" });
  expect((await run(() => memberAdd(did, { env, name: "Willow" }))).code).toBe(0);
  await expect(memberAdd(did, { env })).rejects.toThrow(/is a member already/);
  await expect(memberDomain(did, "alder.test", { env })).rejects.toThrow(/belongs to a member already/);
  const { text: records } = await run(() => memberDomain(did, "Willow.test", { env }));
  expect(records).toContain(`_email-attestation.willow.test. TXT "did=${did}"`);
  const { answer } = await json<{ id: string; environment: Record<string, string> }>(() =>
    memberCredential(did, ["willow.test"], { env, json: true }),
  );
  expect(answer.environment["PDS_EMAIL_SMTP_URL"]).toMatch(
    /^smtps:\/\/[a-z0-9-]+:atms_[a-z2-7]+@relay\.coop\.test:\d+$/,
  );
  expect(answer.environment["PDS_EMAIL_FROM_ADDRESS"]).toBe("noreply@willow.test");
  await expect(memberCredential(did, ["alder.test"], { env })).rejects.toThrow(/does not hold "alder.test"/);
  expect((await run(() => memberRevoke(did, answer.id, { env }))).code).toBe(0);
  await expect(memberRevoke(did, answer.id, { env })).rejects.toThrow(/No such credential/);
  const decision = { env, by: "rosa.test", why: "A test" };
  expect((await run(() => memberStanding(did, "suspended", decision))).text).toMatch(/good -> suspended/);
  await expect(memberStanding(did, "wonderful", decision)).rejects.toThrow(/standing/);
  await expect(memberStanding(did, "good", { ...decision, by: " " })).rejects.toThrow(/by is empty/);
  await expect(memberStanding(did, "good", { ...decision, why: "" })).rejects.toThrow(/why is empty/);
  const { standings, events } = sandbox.serve.core!;
  expect(standings.changesOf(did)).toMatchObject([{ by: "rosa.test", description: "A test" }]);
  expect(standings.notes.list(did)[0]).toMatchObject({
    body: expect.stringContaining("A test\n\nDecided by rosa.test."),
  });
  const told = events.recentOf(did, 20).find((event) => event.action === "standing_changed");
  expect(told?.envelope.data.data.detail).toMatchObject({ by: "rosa.test", why: "A test" });
  expect((await run(() => memberList({ env }))).text).toMatch(
    new RegExp(`suspended +new +${did} +willow.test \\(held\\)`),
  );

  const url = new URL((await run(() => link(did, { env }))).text.trim());
  expect(await (await fetch(url)).text()).toContain(did);
  const press = () =>
    fetch(new URL("/login", url), {
      method: "POST",
      redirect: "manual",
      headers: { origin: url.origin },
      body: new URLSearchParams({ token: url.searchParams.get("token")! }),
    });
  expect((await press()).headers.get("location")).toBe(`/members/${did}`);
  expect((await press()).status).toBe(403);
  await expect(link(undefined, { env })).rejects.toThrow(/--committee/);
  await expect(link("willow.test", { env })).rejects.toThrow(/willow\.test is no DID/);
  for (const by of [" ", "x".repeat(101)])
    await expect(link(undefined, { env, committee: true, by })).rejects.toThrow(/--by/);
});

test("the API takes no request without a token of the committee", async () => {
  for (const authorization of ["", "Bearer x", `Bearer ${"a".repeat(5000)}`]) {
    const response = await fetch(`${sandbox.urls.web}/api/members`, { headers: { authorization } });
    expect(response.status).toBe(401);
  }
});
