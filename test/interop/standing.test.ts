import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listed, startCooperative, tellLogOnFailure } from "./cooperative.ts";
import type { Cooperative, Member } from "./cooperative.ts";
import { startChromium, type Chromium } from "./servers/chromium.ts";
import { startPostfix, type Postfix } from "./servers/postfix.ts";
import { until } from "./servers/process.ts";
import { compose, openSubmission } from "./submission.ts";

const MAILBOXES = "127.0.0.26";
const ARTIFACTS = join(import.meta.dirname, ".artifacts");
const DELIVERED = 2;
/** With these numbers the rule is sure before; more would mean that it is not. */
const MOST_BOUNCES = 12;
const FIRST_CONTACT_BOUNCES = 5;
const DAY_MS = 86_400_000;

let coop: Cooperative;
let provider: Postfix;
let nettle: Member;
let alder: Member;
let chromium: Chromium;
let bounced = 0;
/** Two when midnight passed meanwhile. */
let wayBackDates: string[] = [];

beforeAll(async () => {
  await mkdir(ARTIFACTS, { recursive: true });
  coop = await startCooperative();
  provider = await startPostfix({
    hostname: "mx.bigmail.test",
    host: MAILBOXES,
    port: coop.deliveryPort,
    domains: ["bigmail.test", "nettle.test", "alder.test"],
    known: ["ada", "bob", "noreply"],
    tls: await coop.authority.issue("mx.bigmail.test"),
  });
  coop.receives("bigmail.test", MAILBOXES);
  nettle = await coop.join("nettle.test", { address: MAILBOXES });
  alder = await coop.join("alder.test", { address: MAILBOXES });
  await coop.product.cli("member", "bounces", nettle.did, "--sender");
  chromium = await startChromium();
});
afterAll(async () => {
  await chromium?.stop();
  await provider?.stop();
  await coop?.stop();
});
tellLogOnFailure(() => coop?.product);

async function send(member: Member, to: string): Promise<void> {
  const client = await openSubmission(coop, member);
  const from = `noreply@${member.domain}`;
  const id = `${to.split("@")[0]}@${member.domain}`;
  expect(await client.send(from, to, compose({ from, to, subject: "Your code", id }))).toMatch(
    /^250 2\.0\.0 /,
  );
  await client.quit();
}

/** Five bounces at first-time recipients stop the credential at once; a person who knows better says yes. */
async function sayYes({ did }: Member): Promise<void> {
  await until("the breaker's pause and its end", async () => {
    const answer = coop.product.cli("member", "resume", did, "--reason", "This is a test of the rules");
    return answer.then(
      () => true,
      () => false,
    );
  });
}

const standingOf = async (member: Member) => (await listed(coop.product, member.did))?.standing;

/** The address that a command printed: opens a session when it is visited. */
/** As a person does: previews that only look use nothing up. */
async function openLink(page: Page, link: string): Promise<void> {
  await page.goto(link);
  await page.getByRole("button", { name: "Open" }).click();
  await page.waitForURL((url) => !String(url).startsWith(link));
}

const linkFor = async (...whom: string[]) => String((await coop.product.cli("link", ...whom))["url"]);

const memberUrl = (member: Member) => `${coop.product.url}/members/${member.did}`;

/** As the pages write dates: `12 Mar 2026`. */
const dateOf = (at: number) =>
  new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" })
    .format(at)
    .replace("Sept", "Sep");

test("bounces at a real Postfix move the member to warned, and the other one stays as it was", async () => {
  const started = Date.now();
  for (const name of ["ada", "bob"]) await send(nettle, `${name}@bigmail.test`);
  await send(alder, "ada@bigmail.test");
  await until("three deliveries", async () => (await provider.messages()).length === DELIVERED + 1);
  while ((await standingOf(nettle)) === "good") {
    expect(bounced).toBeLessThan(MOST_BOUNCES);
    await send(nettle, `gone${++bounced}@bigmail.test`);
    await until("the refusal", async () => (await provider.log()).includes(`to=<gone${bounced}@`));
    await until("the notice to the sender", async () => {
      const notices = (await provider.messages()).filter((m) =>
        m.includes(`Final-Recipient: rfc822; gone${bounced}@`),
      );
      return notices.length === 1;
    });
    if (bounced % FIRST_CONTACT_BOUNCES === 0) await sayYes(nettle);
  }
  wayBackDates = [started, Date.now()].map((at) => dateOf(at + 14 * DAY_MS));
  expect(await provider.log()).toMatch(/reject: RCPT from .*: 550 5\.1\.1 <gone1@bigmail\.test>/);
  expect(await standingOf(nettle)).toBe("warned");
  expect(await standingOf(alder)).toBe("good");
  expect(bounced).toBeGreaterThanOrEqual(5);
});

describe("the member's page in Chromium, as the committee sees it", () => {
  const views = [
    { width: 1280, dark: false },
    { width: 1280, dark: true },
    { width: 360, dark: false },
    { width: 360, dark: true },
  ];
  test.each(views)("at $width px, dark: $dark", async ({ width, dark }) => {
    const link = await linkFor("--committee");
    const errors: string[] = [];
    const seen = await chromium.visit(coop.product.url, { width, dark }, async (page) => {
      page.on("pageerror", (error) => errors.push(String(error)));
      page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
      await openLink(page, link);
      const committee = await page.innerText("body");
      const response = await page.goto(memberUrl(nettle));
      await page.screenshot({
        path: join(ARTIFACTS, `member-${width}-${dark ? "dark" : "light"}.png`),
        fullPage: true,
      });
      return {
        committee,
        status: response?.status(),
        scroll: Number(await page.evaluate("document.documentElement.scrollWidth")),
        text: await unfolded(page),
        background: String(await page.evaluate("getComputedStyle(document.body).backgroundColor")),
      };
    });
    expect(errors).toEqual([]);
    expect(seen.committee).toContain("nettle.test");
    expect(seen.status).toBe(200);
    expect(seen.scroll).toBeLessThanOrEqual(width);
    const [red = 0] = /\d+/.exec(seen.background)?.map(Number) ?? [];
    expect(red > 127).toBe(!dark);

    const text = seen.text.replaceAll("\u00a0", " ").replaceAll(/\s+/g, " ");
    expect(text).toMatch(/\bWarned\b/);
    // Evidence: the sentence of the rule, and the values beside what the rule asks.
    expect(text).toContain(`${bounced} of the last ${bounced + DELIVERED} recipients do not exist`);
    expect(text).toMatch(/9\d\.\d %|above 99\.9 %/);
    // Rule, remedy, way back.
    expect(text).toContain("BounceWarning");
    expect(text).toContain("Confirm addresses before you mail them");
    expect(text).toMatch(/way back/i);
    expect(wayBackDates.some((date) => text.includes(`Expected on ${date}`))).toBe(true);
    // What the receiving server said, without the recipient's name.
    expect(text).toContain("550 5.1.1");
    expect(text).not.toContain("gone1@bigmail.test");
  });
});

describe("who may look", () => {
  /** Opens the link, if there is one, as a person does, and then each page. */
  const look = (link: string | undefined, ...urls: string[]) =>
    chromium.visit(coop.product.url, { width: 360 }, async (page) => {
      if (link !== undefined) await openLink(page, link);
      const seen: { status: number | undefined; text: string }[] = [];
      for (const url of urls) {
        const response = await page.goto(url);
        seen.push({ status: response?.status(), text: await page.innerText("body") });
      }
      return seen;
    });

  test("a member sees its own page, and another's is refused", async () => {
    const committee = `${coop.product.url}/committee`;
    const [own, forbidden] = await look(await linkFor(nettle.did), memberUrl(nettle), committee);
    expect(own?.text).toContain("Confirm addresses before you mail them");
    expect(forbidden?.status).toBe(403);
    const [other] = await look(await linkFor(alder.did), memberUrl(nettle));
    expect(other?.status).toBe(404);
    expect(other?.text).not.toMatch(/BounceWarning|warned/i);
  });

  test("without a session it is refused, and the public page says nothing of it", async () => {
    const [page, home] = await look(undefined, memberUrl(nettle), coop.product.url);
    expect(page?.status).toBe(403);
    expect(home?.status).toBe(200);
    expect(home?.text).toContain("nettle.test");
    expect(home?.text).not.toMatch(/warned|BounceWarning/i);
  });
});

/** The words of the page, what is folded included. */
async function unfolded(page: Page): Promise<string> {
  await page.evaluate("for (const folded of document.querySelectorAll('details')) folded.open = true");
  return page.innerText("main");
}
