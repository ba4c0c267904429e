import { createTransport } from "nodemailer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { consent, openBrowser } from "./browser.ts";
import { readable } from "../src/web/fixtures/reading.fixture.ts";
import { openSandbox } from "./open-sandbox.ts";

let opened: Awaited<ReturnType<typeof openSandbox>>;
beforeAll(async () => void (opened = await openSandbox()), 60_000);
afterAll(() => opened.close());

const unescaped = (html: string) =>
  html.replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&lt;", "<").replaceAll("&amp;", "&");
const core = () => opened.sandbox.serve.core!;

/** What somebody pastes at the host of its DNS. */
async function publish(zone: string, lines: string): Promise<void> {
  const url = new URL(`${opened.sandbox.urls.dns}/${zone}`);
  const answer = await fetch(url, {
    method: "POST",
    redirect: "manual",
    headers: { origin: url.origin },
    body: new URLSearchParams({ action: "paste", lines }),
  });
  expect(answer.status, await answer.text()).toBe(303);
}

/** The lines of a zone file that the page gives. */
function zoneLinesOf(page: string): string {
  const [, lines = ""] = /takes a zone file<\/p><pre[^>]*><code>([^<]*)<\/code>/.exec(page) ?? [];
  return unescaped(lines);
}

async function walkTo(handle: string, domain: string) {
  const visitor = openBrowser(opened.sandbox.urls.web);
  const { ask, post, logIn } = visitor;
  const page = async (path = "/join") => unescaped(await (await ask(path)).text());
  expect((await ask("/join")).headers.get("location")).toBe("/login?next=%2Fjoin");
  expect((await logIn(handle, "/join")).headers.get("location")).toBe("/join");
  const claimed = await page(`/join?domain=${domain}`);
  const [, did = ""] = /did=(did:plc:[a-z2-7]+)/.exec(claimed) ?? [];
  const [, rules = ""] = /\(version <code>([a-z0-9]+)/.exec(await page(`/join?domain=${domain}`)) ?? [];
  return { ...visitor, page, did, claimed, rules, ask, post };
}

const form = (domain: string, rules: string) => ({
  domain,
  name: "Willow",
  contact: "ada@elsewhere.example",
  daily: "20",
  pds: "pds.willow.test",
  purpose: "Login codes",
  words: "",
  rules,
});

test("from an account to the first mail", async () => {
  const domain = "willow.test";
  const { ask, post, page, begin: _, did, claimed } = await walkTo("ada.pds.test", domain);
  expect(claimed).toContain("There is no name _email-attestation.willow.test in the DNS");
  expect(claimed).toContain("when its record is seen, the form is here");
  expect(core().members.get(did)).toBeUndefined();

  await publish(domain, `_email-attestation TXT "did=${did}"`);
  const proved = await page(`/join?domain=${domain}`);
  const [, rules = ""] = /name="rules" value="([a-z0-9]+)"/.exec(proved) ?? [];
  expect((await post("/join/application", form(domain, rules))).headers.get("location")).toBe("/join");
  expect(core().members.get(did)).toMatchObject({ membership: "applicant", name: "Willow" });
  expect(core().members.applications.open(did)).toMatchObject({
    domains: [domain],
    daily: 20,
    words: expect.stringContaining(rules),
  });

  const lines = zoneLinesOf(await page());
  expect(lines).toContain("v=DKIM1");
  await publish(domain, lines);
  expect(await page()).toContain("All 6 records are published");

  // Agreement at the person's own server to one record, and nothing else.
  const onward = await (await post("/join/attestation", { domain })).text();
  const url = new URL(unescaped(/href="([^"]+)"[^>]*data-onward/.exec(onward)?.[1] ?? ""));
  const asked = await (await fetch(url)).text();
  expect(asked).toContain("community.email.attestation");
  expect((await ask(await consent(url, "ada.pds.test"))).headers.get("location")).toBe("/join");
  expect(await page()).toContain(`at://${did}/community.email.attestation/willow.test`);

  // What receivers would mind is said, with what mends it.
  expect(await page()).toContain("can receive no mail");
  await publish(domain, "@ MX 10 mx.post.test.");
  const again = await (await post("/join/attestation", { domain })).text();
  const more = new URL(unescaped(/href="([^"]+)"[^>]*data-onward/.exec(again)?.[1] ?? ""));
  await ask(await consent(more, "ada.pds.test"));
  await opened.sandbox.settle();
  expect(await page()).not.toContain("can receive no mail");

  const shown = unescaped(await (await post("/join/credential", { name: "pds" })).text());
  const smtp = new URL(/PDS_EMAIL_SMTP_URL=([^\s<]+)/.exec(shown)?.[1] ?? "");
  expect(await page()).not.toContain(smtp.password);

  const send = (to = "eve@bigmail.test") =>
    createTransport({
      host: "127.0.0.1",
      port: opened.sandbox.serve.relay!.addresses.tls[0]!.port,
      secure: true,
      auth: { user: smtp.username, pass: smtp.password },
      tls: { rejectUnauthorized: false },
    }).sendMail({
      from: `noreply@${domain}`,
      to,
      subject: "Your code",
      text: "It is 123456.",
    });
  await expect(send()).rejects.toThrow("[applicant]");

  // With the credential, before anybody has decided: a test to the cooperative itself, and what it is worth.
  const tests = `/members/${did}/test`;
  expect((await post(tests, {})).headers.get("location")).toBe(tests);
  const [, address = ""] = /(test-[a-z2-7-]+@bounce\.[a-z.]+)/.exec(await page(tests)) ?? [];
  await expect(send(address.replace(/-[a-z2-7]{8}/, "-aaaaaaaa"))).rejects.toThrow("[applicant]");
  expect((await send(address)).response).toMatch(/^250/);
  await expect.poll(() => page(tests), { timeout: 10_000 }).toContain("Arrived, and right");
  expect(readable(await page(tests))).toMatch(/DKIM Good The signature of willow\.test is valid/);
  expect(await page()).toContain("One arrived, and was right");

  const committee = openBrowser(opened.sandbox.urls.web);
  await committee.logIn("dora.pds.test");
  const application = String(core().members.applications.open(did)!.id);
  const decided = await committee.post(`/members/${did}/application`, {
    decision: "approve",
    application,
    tier: "new",
    words: "Welcome",
  });
  expect(decided.status).toBe(303);
  await opened.sandbox.settle();
  expect(await page()).toContain("You are a member");
  expect((await send()).response).toMatch(/^250/);
  await opened.sandbox.settle();
  const [sent] = await opened.sandbox.serve.relay!.spool.messages(did, { limit: 1 });
  expect(sent).toMatchObject({ fromDomain: domain, recipients: [{ state: "delivered" }] });
  const labels = await ask(`/labels/${domain}`);
  expect(unescaped(await labels.text())).toContain("verified-mail-operator");
  expect((await ask(`/members/${did}`)).status).toBe(200);
});

describe("what is refused", () => {
  test("a domain that does not name the account, of a member, or that is none", async () => {
    const { post, page, rules, did } = await walkTo("ben.pds.test", "yarrow.test");
    const version = rules || /name="rules" value="([a-z0-9]+)"/.exec(await page())?.[1] || "x";
    const refused = await post("/join/application", form("yarrow.test", version));
    expect(refused.status).toBe(409);
    expect(core().members.get(did)).toBeUndefined();
    expect(await page("/join?domain=alder.test")).toContain("belongs to a member already");
    expect(await page("/join?domain=localhost")).toContain("That is no domain name");
  });

  test("a proof of another account, and what is already there is kept", async () => {
    const { page } = await walkTo("cleo.pds.test", "zinnia.test");
    await publish("zinnia.test", `_email-attestation TXT "did=did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"`);
    const seen = await page("/join?domain=zinnia.test");
    expect(seen).toContain("Another value");
    expect(seen).toContain("did=did:plc:aaaaaaaaaaaaaaaaaaaaaaaa");
  });

  test("an application under rules that it did not read, and forms from elsewhere", async () => {
    const { post, did } = await walkTo("ben.pds.test", "yarrow.test");
    await publish("yarrow.test", `_email-attestation TXT "did=${did}"`);
    const stale = await post("/join/application", form("yarrow.test", "abcdef"));
    expect(await stale.text()).toContain("The rules have changed");
    const none = await post("/join/application", { ...form("yarrow.test", ""), contact: "" });
    expect([none.status, await none.text()]).toEqual([400, expect.stringContaining("Accept the rules")]);
    const foreign = await post("/join/application", form("yarrow.test", "x"), {
      "sec-fetch-site": "cross-site",
    });
    expect(foreign.status).toBe(403);
    const early = await post("/join/credential", { name: "pds" });
    expect(early.status).toBe(409);
    const others = await post("/join/attestation", { domain: "alder.test" });
    expect(await others.text()).toContain("not yours");
    expect(core().members.get(did)).toBeUndefined();
  });
});
