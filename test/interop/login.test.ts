import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startCooperative, tellLogOnFailure, type Cooperative, type Member } from "./cooperative.ts";
import { startChromium, type Chromium } from "./servers/chromium.ts";
import { consentAtPds } from "./servers/consent.ts";

const HOST = "mail.coop.internal";
const PASSWORD = "pass-word-1";
const ARTIFACTS = join(import.meta.dirname, ".artifacts");

let coop: Cooperative;
let chromium: Chromium;
let alder: Member;
let birch: Member;
let newcomer: string;

beforeAll(async () => {
  await mkdir(ARTIFACTS, { recursive: true });
  coop = await startCooperative(undefined, { publicHost: HOST });
  chromium = await startChromium({ hosts: [HOST] });
  alder = await coop.join("alder.test", { address: "127.0.0.26" });
  birch = await coop.join("birch.test", { address: "127.0.0.26" });
  newcomer = (await coop.pds.createAccount("ada.test", "ada@ada.test", PASSWORD)).did;
  for (const [handle, did] of [
    ["alder.test", alder.did],
    ["ada.test", newcomer],
  ] as const)
    coop.zones.set(`_atproto.${handle}`, "TXT", { text: `did=${did}` });
});
afterAll(async () => {
  await chromium?.stop();
  await coop?.stop();
});
tellLogOnFailure(() => coop?.product);

/** From our form over the account's own server and back to us. With scripts the second press may come by itself. */
async function logIn(
  page: Page,
  handle: string,
  { path = "/login", decision = "Authorize" as "Authorize" | "Deny access" } = {},
): Promise<void> {
  await page.goto(`${coop.publicUrl}${path}`);
  const way = page.getByRole("link", { name: "Log in with your account" });
  if (await way.isVisible()) await way.click();
  await page.getByLabel("Your handle").fill(handle);
  await page.getByRole("button", { name: "Go on" }).click();
  await page
    .getByRole("link", { name: "Go on" })
    .click()
    .catch(() => undefined);
  await page.waitForURL((url) => url.origin === coop.pds.pdsUrl);
  await consentAtPds(page, { password: PASSWORD, decision });
  await page.waitForLoadState();
}

/** A browser of its own, in which our pages break no policy of theirs. `scripts`: false takes ours away. */
async function browse(act: (page: Page, context: BrowserContext) => Promise<void>, { scripts = true } = {}) {
  const complaints: string[] = [];
  await chromium.visit(coop.publicUrl, {}, async (page, context) => {
    page.on("console", (message) => {
      const isOurs = message.location().url.startsWith(coop.publicUrl);
      const isStatus = message.text().startsWith("Failed to load resource: the server responded with");
      if (isOurs && !isStatus && message.type() === "error") complaints.push(message.text());
    });
    if (!scripts) await page.route(`${coop.publicUrl}/assets/*.js*`, (route) => route.fulfill({ body: "" }));
    await act(page, context);
  });
  expect(complaints).toEqual([]);
}

test("a member logs in at its own PDS and is on the page that it asked for; nothing of it stays with us", async () => {
  const path = `/members/${alder.did}`;
  await browse(async (page, context) => {
    await logIn(page, "alder.test", { path });
    expect(new URL(page.url()).pathname).toBe(path);
    await page.screenshot({ path: join(ARTIFACTS, "login-member.png"), fullPage: true });
    const cookies = await context.cookies(coop.publicUrl);
    expect(cookies).toMatchObject([
      { name: "__Host-atmos-session", secure: true, httpOnly: true, sameSite: "Lax", path: "/" },
    ]);
    const other = await page.goto(`${coop.publicUrl}/members/${birch.did}`);
    expect(other?.status()).toBe(404);
  });
  expect(coop.pds.grants()).toBe(0);
  expect(pendingLogins()).toBe(0);
});

test("a newcomer logs in without any script of ours, sees nothing of others, and logs out again", async () => {
  await browse(
    async (page) => {
      await logIn(page, "ada.test");
      expect(page.url().startsWith(coop.publicUrl)).toBe(true);
      await page.goto(`${coop.publicUrl}/me`);
      expect(await page.innerText("main")).toContain(newcomer);
      expect((await page.goto(`${coop.publicUrl}/members/${alder.did}`))?.status()).toBe(404);
      expect((await page.goto(`${coop.publicUrl}/committee`))?.status()).toBe(403);
      await page.getByRole("button", { name: "Log out" }).click();
      await page.goto(`${coop.publicUrl}/me`);
      expect(new URL(page.url()).pathname).toBe("/login");
    },
    { scripts: false },
  );
  expect(coop.pds.grants()).toBe(0);
});

test("whoever says no at its PDS is told so, and is not logged in", async () => {
  await browse(async (page, context) => {
    await logIn(page, "ada.test", { decision: "Deny access" });
    expect(await page.innerText("main")).toContain("not logged in");
    expect((await context.cookies(coop.publicUrl)).map(({ name }) => name)).not.toContain(
      "__Host-atmos-session",
    );
  });
  expect(coop.pds.grants()).toBe(0);
});

test("a newcomer joins: its record is written into its repository after agreeing to it, and nothing more may be written", async () => {
  const domain = "ada.test";
  coop.zones.set(`_email-attestation.${domain}`, "TXT", { text: `did=${newcomer}` });
  coop.zones.set(domain, "MX", { preference: 10, exchange: "mx.bigmail.test" });
  await browse(async (page) => {
    await logIn(page, domain, { path: "/join" });
    await page.getByRole("textbox", { name: "Domain" }).fill(domain);
    await page.getByRole("button", { name: "Go on" }).click();
    expect(await page.innerText("#domain")).toContain("_email-attestation.ada.test");
    await page.getByLabel("What you are called").fill("Ada");
    await page.getByLabel("Where people reach you").fill("ada@elsewhere.example");
    await page.getByRole("checkbox").check();
    await page.getByRole("button", { name: "Apply", exact: true }).click();
    await page.getByText("All of them as lines of a zone file").click();
    for (const line of (await page.innerText("#records .fold code")).split("\n")) publish(line);
    await page.getByRole("button", { name: "Write it", exact: true }).click();
    await page
      .getByRole("link", { name: "Go on" })
      .click()
      .catch(() => undefined);
    await page.waitForURL((url) => url.origin === coop.pds.pdsUrl);
    await consentAtPds(page, { password: PASSWORD, decision: "Authorize" });
    await page.waitForURL(`${coop.publicUrl}/join`);
    expect(await page.innerText("#attestation")).toContain(
      `at://${newcomer}/community.email.attestation/${domain}`,
    );
    await page.screenshot({ path: join(ARTIFACTS, "join.png"), fullPage: true });
    await page.getByRole("button", { name: "Make one" }).click();
    expect(await page.innerText("main")).toContain("PDS_EMAIL_SMTP_URL=smtps://");
  });
  const query = new URLSearchParams({ repo: newcomer, collection: "community.email.attestation" });
  const listed = await fetch(`${coop.pds.pdsUrl}/xrpc/com.atproto.repo.listRecords?${query}`);
  expect(await listed.json()).toMatchObject({
    records: [
      {
        value: {
          domain,
          dkim: [{ algorithm: "rsa" }, { algorithm: "ed25519" }],
          relay: { did: coop.labelerDid },
        },
      },
    ],
  });
  expect(coop.pds.grants()).toBe(0);
  expect(pendingLogins()).toBe(0);
});

/** Publishes a line of a zone file. */
function publish(line: string): void {
  const [, name = "", type = "", data = ""] = /^(\S+?)\. (TXT|CNAME) (.+)$/.exec(line) ?? [];
  if (type === "CNAME") coop.zones.set(name, "CNAME", { target: data.replace(/\.$/, "") });
  else
    coop.zones.set(name, "TXT", { text: [...data.matchAll(/"([^"]*)"/g)].map(([, text]) => text).join("") });
}

function pendingLogins(): number {
  const db = new DatabaseSync(join(coop.product.dataDir, "core.sqlite"), { readOnly: true, timeout: 5_000 });
  const row = db.prepare("SELECT count(*) AS count FROM oauth_pending").get();
  db.close();
  return Number(row?.["count"]);
}
