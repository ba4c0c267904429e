import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBrowser } from "../browser.ts";
import { openSandbox } from "../open-sandbox.ts";
import { startChromium, type Chromium } from "./servers/chromium.ts";

/** Pictures of every page, for people to look at. */
const SHOTS = join(import.meta.dirname, ".artifacts/pages");
const HEAVIEST = 100_000;
/** Octets of the page and all that it brings, as they came, from the cache too. */
const WEIGHT = `[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)`;

type Who = "nobody" | "newcomer" | "member" | "committee";
const HANDLES = { newcomer: "ada.pds.test", member: "alder.test", committee: "dora.pds.test" };

/** What strangers and members may write wherever they are asked for words. */
const FOREIGN = '"><x-evil onclick=1>&amp;';

/** DID is that of the member, MESSAGE one of its messages; whoever may see the page looks at it. */
const REPORT = "a".repeat(26);
const SIGNED = "From: ada@alder.test\nDKIM-Signature: v=1; d=alder.test; s=one; b=AAAA\n";

const PAGES: readonly (readonly [path: string, who: Who])[] = [
  ["/", "nobody"],
  ["/rules", "nobody"],
  ["/allowlist", "nobody"],
  ["/allowlist/entry?of=alder.test", "nobody"],
  ["/allowlist/entry?of=coop.test", "nobody"],
  ["/allowlist/settings/rspamd", "nobody"],
  ["/allowlist/mail", "nobody"],
  ["/allowlist/report/REPORT", "nobody"],
  ["/allowlist/report/none", "nobody"],
  ["/check", "nobody"],
  ["/check?domain=alder.test", "nobody"],
  ["/check?domain=not%20a%20name", "nobody"],
  ["/labels/alder.test", "nobody"],
  ["/login", "nobody"],
  ["/members/DID", "nobody"],
  ["/nothing-here", "nobody"],
  ["/join", "newcomer"],
  ["/me", "newcomer"],
  ["/me", "member"],
  ["/members/DID", "member"],
  ["/members/DID/domains", "member"],
  ["/members/DID/credentials", "member"],
  ["/members/DID/messages", "member"],
  ["/members/DID/messages?state=deferred&to=bigmail.test", "member"],
  ["/members/DID/messages/MESSAGE", "member"],
  ["/members/DID/trace", "member"],
  ["/members/DID/delivery", "member"],
  ["/members/DID/suppressions", "member"],
  ["/members/DID/providers", "member"],
  ["/members/DID/webhooks", "member"],
  ["/members/DID/tokens", "member"],
  ["/members/DID/test", "member"],
  ["/members/DID/settings", "member"],
  ["/members/DID/vouches", "member"],
  ["/members/DID/export", "member"],
  ["/members/DID/leave", "member"],
  ["/members/DID/reports/alder.test", "member"],
  ["/committee", "committee"],
  ["/committee/members", "committee"],
  ["/committee/egress", "committee"],
  ["/committee/inbox", "committee"],
  ["/committee/inbox?folder=abuse", "committee"],
  ["/committee/inbox/1", "committee"],
  ["/committee/suppressions", "committee"],
  ["/committee/reports", "committee"],
  ["/members/DID", "committee"],
];

let opened: Awaited<ReturnType<typeof openSandbox>>;
let chromium: Chromium;
let did: string;
let message: string;
const cookies = new Map<Who, Record<string, string>>([["nobody", {}]]);

beforeAll(async () => {
  await mkdir(SHOTS, { recursive: true });
  const now = Date.now();
  opened = await openSandbox({
    now,
    days: 5,
    operators: [
      { name: `Alder ${FOREIGN}`, domain: "alder.test", perDay: 40 },
      { name: "Birch", domain: "birch.test", perDay: 15 },
    ],
  });
  const { sandbox } = opened;
  await sandbox.play(now);
  await sandbox.settle();
  did = sandbox.serve.core!.members.domain("alder.test")!.did;
  sandbox.serve.core!.members.createCredential(did, ["alder.test"], { name: FOREIGN.slice(0, 20) });
  message = (await sandbox.serve.relay!.spool.messages(did, { limit: 1 }))[0]!.id;
  await fetch(new URL("/allowlist/report", sandbox.urls.web), {
    method: "POST",
    headers: { "sec-fetch-site": "same-origin" },
    body: new URLSearchParams({ reference: REPORT, kind: "phishing", words: FOREIGN, header: SIGNED }),
  });
  for (const [who, handle] of Object.entries(HANDLES)) {
    const { jar, logIn } = openBrowser(sandbox.urls.web);
    expect((await logIn(handle)).status).toBe(303);
    cookies.set(who as Who, Object.fromEntries(jar));
  }
  chromium = await startChromium();
});
afterAll(async () => {
  await chromium?.stop();
  await opened?.close();
});

const addressOf = (path: string) =>
  new URL(
    path.replace("DID", did).replace("MESSAGE", message).replace("REPORT", REPORT),
    opened.sandbox.urls.web,
  ).href;
const pictureOf = (path: string, ...rest: string[]) =>
  join(SHOTS, `${[path.replaceAll(/[^\w.-]+/g, "-"), ...rest].join("_")}.png`);

/** Opens the page as somebody, and gives what the browser complained about: refused by the policy, or thrown. */
async function look<T>(
  [path, who]: readonly [string, Who],
  how: { width: number; dark?: boolean },
  act: (page: Page) => Promise<T>,
): Promise<{ complaints: string[]; result: T }> {
  const complaints: string[] = [];
  const result = await chromium.visit(
    addressOf(path),
    { ...how, cookies: cookies.get(who)! },
    async (page) => {
      page.on("pageerror", (error) => complaints.push(String(error)));
      page.on("console", (message) => {
        const isStatus = message.text().startsWith("Failed to load resource: the server responded with");
        if (message.type() === "error" && !isStatus) complaints.push(message.text());
      });
      await page.goto(addressOf(path), { waitUntil: "load" });
      return act(page);
    },
  );
  return { complaints, result };
}

type Violation = { id: string; impact: string | null; nodes: { html: string; failureSummary: string }[] };

/** What axe finds that keeps somebody out, in a line each. */
async function faultsOf(page: Page): Promise<string[]> {
  if (!(await page.evaluate<boolean>("'axe' in window"))) await page.evaluate(axe.source);
  const found = (await page.evaluate(
    "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations)",
  )) as Violation[];
  return found
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
}

const LOOKS = [390, 1280].flatMap((width) => [false, true].map((dark) => ({ width, dark })));
const STICKS_OUT = "document.documentElement.scrollWidth > document.documentElement.clientWidth";

test.each(PAGES)(
  "%s for %s: on a phone and a desk, light and dark, axe finds nothing serious, nothing breaks the policy or sticks out, and it weighs less than 100 kB",
  async (path, who) => {
    const { complaints, result } = await look([path, who], { width: 1280 }, async (page) => {
      await page.waitForLoadState("networkidle");
      const weight = await page.evaluate<number>(WEIGHT);
      const seen: object[] = [];
      for (const { width, dark } of LOOKS) {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme: dark ? "dark" : "light" });
        const picture = pictureOf(path, who, String(width), dark ? "dark" : "light");
        await page.screenshot({ path: picture, fullPage: true });
        const sticksOut = await page.evaluate<boolean>(STICKS_OUT);
        const foreign = await page.locator("x-evil").count();
        seen.push({ width, dark, sticksOut, foreign, faults: await faultsOf(page) });
      }
      return { weight, seen };
    });
    expect(complaints).toEqual([]);
    expect(result.seen).toEqual(LOOKS.map((how) => ({ ...how, sticksOut: false, foreign: 0, faults: [] })));
    // Fonts and all.
    expect(result.weight).toBeGreaterThan(1_000);
    expect(result.weight).toBeLessThan(HEAVIEST);
  },
);

/** What has the focus: its words, and whether one can see that it has. */
const FOCUSED = `(() => {
  const at = document.activeElement;
  const style = getComputedStyle(at);
  const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  return { tag: at.tagName, text: (at.textContent || at.name || "").trim(), seen };
})()`;

test.each<readonly [string, Who]>([
  ["/", "nobody"],
  ["/rules", "nobody"],
  ["/check", "nobody"],
  ["/members/DID", "member"],
])(
  "%s for %s: with the keyboard alone, past the head, and to everything that can be pressed",
  async (...at) => {
    const { result } = await look(at, { width: 1280 }, async (page) => {
      const pressable = Number(
        await page.evaluate(
          "[...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')].filter((one) => one.checkVisibility() && !one.disabled).length",
        ),
      );
      const reached: { tag: string; text: string; seen: boolean }[] = [];
      for (let i = 0; i < pressable; i++) {
        await page.keyboard.press("Tab");
        reached.push((await page.evaluate(FOCUSED)) as (typeof reached)[number]);
      }
      return reached;
    });
    expect(result[0]).toMatchObject({ tag: "A", text: "Skip to the content" });
    expect(result.filter(({ seen }) => !seen)).toEqual([]);
    expect(result.filter(({ tag }) => tag === "BODY")).toEqual([]);
  },
);

test("a header is pasted, its mail reported, and what becomes of it seen", async () => {
  const { complaints, result } = await look(["/allowlist/mail", "nobody"], { width: 390 }, async (page) => {
    await page.fill("#header", SIGNED);
    await page.getByRole("button", { name: "Read it" }).click();
    const faults = await faultsOf(page);
    await page.screenshot({ path: pictureOf("/allowlist/mail", "pasted"), fullPage: true });
    await page.selectOption("#kind", "spam");
    await page.getByRole("button", { name: "Report it" }).click();
    return { faults, at: new URL(page.url()).pathname, said: await page.innerText("main") };
  });
  expect(complaints).toEqual([]);
  expect(result.faults).toEqual([]);
  expect(result.at).toMatch(/^\/allowlist\/report\/[a-z2-7]{26}$/);
  expect(result.said).toMatch(/waits for a person/);
});

test("what a member wrote is text", async () => {
  for (const at of [
    ["/committee/inbox/1", "committee"],
    ["/members/DID/credentials", "member"],
    ["/members/DID", "committee"],
  ] as const) {
    const { result } = await look(at, { width: 1280 }, (page) => page.innerText("main"));
    expect(result).toContain('"><x-evil');
  }
});

test("an address is traced by a form, without scripts, and stands in no address", async () => {
  const to = (await opened.sandbox.serve.relay!.spool.message(message))!.recipients[0]!.address;
  const how = { width: 390, javascript: false, cookies: cookies.get("member")! };
  const url = addressOf("/members/DID/trace");
  await chromium.visit(url, how, async (page) => {
    await page.goto(url);
    await page.getByLabel("Address").fill(to);
    await page.getByRole("button", { name: "Trace" }).click();
    expect(page.url()).toBe(url);
    expect(await page.innerText("main")).toContain(message);
    await page.screenshot({ path: pictureOf("/members/DID/traced", "member", "390"), fullPage: true });
  });
});

test("an open page hears of a new message without asking, in the reader's time, and lets the server end", async () => {
  const { sandbox } = opened;
  const { username, secret } = sandbox.operators[0]!;
  const url = addressOf("/members/DID");
  const how = { cookies: cookies.get("member")!, zone: "Asia/Kathmandu" };
  await chromium.visit(url, how, async (page) => {
    const asked: string[] = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    await page.goto(url);
    await expect.poll(() => asked.some((path) => path.endsWith("/live"))).toBe(true);
    const time = page.locator("main time[datetime*=T]").first();
    expect(await time.textContent()).toContain("GMT+5:45");
    expect(await time.getAttribute("title")).toContain("UTC");
    const before = asked.length;
    const response = await fetch(`${sandbox.urls.web}/v1/messages`, {
      method: "POST",
      headers: {
        authorization: `Basic ${Buffer.from(`${username}:${secret}`).toString("base64")}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({
        from: "noreply@alder.test",
        to: ["late@bigmail.test"],
        subject: "x",
        text: "x",
      }),
    });
    const { id } = (await response.json()) as { id: string };
    await page.getByText(id).first().waitFor({ timeout: 4_000 });
    expect(asked.slice(before)).toContain(new URL(url).pathname);
  });
});

test("the address of a check shows the same domain to somebody else, without scripts too", async () => {
  const url = await look(["/check", "nobody"], { width: 390 }, async (page) => {
    await page.getByLabel("Domain").fill("alder.test");
    await page.getByRole("button", { name: "Check" }).click();
    await page.waitForURL(/domain=/);
    return page.url();
  });
  await chromium.visit(url.result, { javascript: false }, async (page) => {
    await page.goto(url.result);
    expect(await page.innerText("main")).toContain("Looked at on");
    expect(await page.innerText("main")).toContain(url.result);
    await page.getByRole("button", { name: "Look again" }).click();
    expect(page.url()).toBe(url.result);
  });
});

test("every way on the public pages leads somewhere", async () => {
  const paths = new Set<string>();
  for (const path of ["/", "/rules", "/check?domain=alder.test", "/labels/alder.test"]) {
    const { result } = await look([path, "nobody"], { width: 1280 }, (page) =>
      page.evaluate(
        "[...document.querySelectorAll('a[href]')].map((a) => [a.pathname + a.search, a.hash === '' || a.pathname !== location.pathname || document.getElementById(decodeURIComponent(a.hash.slice(1))) !== null])",
      ),
    );
    const ways = result as [string, boolean][];
    expect(ways.filter(([, arrives]) => !arrives)).toEqual([]);
    for (const [way] of ways) paths.add(way);
  }
  const dead: string[] = [];
  for (const path of paths) {
    const { status } = await fetch(new URL(path, opened.sandbox.urls.web));
    if (status !== 200) dead.push(`${path}: ${status}`);
  }
  expect(dead).toEqual([]);
});
