import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DAY, HOUR, missing, openRules, type RulesSandbox } from "./rules-sandbox.ts";

const [alder, birch] = ["alder.test", "birch.test"] as const;
let here: RulesSandbox;
let receiver: Server;
const told: { headers: IncomingHttpHeaders; body: string }[] = [];

beforeAll(async () => {
  receiver = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += String(chunk)));
    request.on("end", () => {
      told.push({ headers: request.headers, body });
      response.writeHead(204).end();
    });
  }).listen(0, "127.0.0.1");
  await once(receiver, "listening");
  here = await openRules(alder, birch);
});
afterAll(async () => {
  await here.close();
  receiver.close();
});

/** Dead addresses, seven hours apart, so that no breaker speaks before a rule does; until the standing is another. */
async function bounceUntil(
  domain: string,
  wanted: string,
  most: number,
  company: (i: number) => string[] = () => [],
): Promise<number> {
  for (let i = 1; i <= most; i++) {
    here.clock.advance(7 * HOUR);
    const to = [...company(i), `bounce${here.clock.now()}@bigmail.test`];
    const replies = await here.send(domain, to);
    expect(replies.filter((reply) => !reply.startsWith("250"))).toEqual([]);
    await here.settle();
    if (here.standing(domain) === wanted) return i;
  }
  throw new Error(`${domain} is ${here.standing(domain)} after ${most} bounces`);
}

/** As a receiver checks it, by the specification of standard webhooks and not by our code. */
function isSigned(secret: string, { headers, body }: (typeof told)[0]): boolean {
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const signed = `${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.${body}`;
  return headers["webhook-signature"] === `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
}

test("BounceWarning: told by note, mail, receiver and page, with cause, values, remedy and date; 14 clean days later good, and nobody outside saw it", async () => {
  const did = here.didOf(alder);
  const port = (receiver.address() as AddressInfo).port;
  const { secret } = here.core.webhooks.set(did, `http://127.0.0.1:${port}/hooks`, "ada") as {
    secret: string;
  };
  const before = await here.publicLabels(alder);
  expect(before.length).toBeGreaterThan(0);

  const ms = await here.toReachRelay(
    alder,
    ({ standing }) => standing === "warned",
    () => bounceUntil(alder, "warned", 10),
  );
  expect(ms).toBeLessThan(1_000);

  const [change] = here.core.standings.changesOf(did);
  expect(change).toMatchObject({
    from: "good",
    to: "warned",
    rule: "BounceWarning",
    cause: "bounce-warning",
    evidence: { window: { hard: 7, distinct: 7 }, thresholds: { p_over_5: 0.99, distinct: 5 } },
    wayBack: { at: change!.at + 14 * DAY },
  });
  const date = new Date(change!.wayBack.at!).toISOString().slice(0, 10);
  expect(here.core.standings.notes.list(did)[0]).toMatchObject({ kind: "standing" });
  expect(here.core.standings.notes.list(did)[0]!.title).toContain("warned");

  await expect.poll(async () => (await here.settle(), here.received(`admin@${alder}`).length)).toBe(1);
  const letter = here.sandbox.world.mailbox.inbox.get(here.received(`admin@${alder}`)[0]!.id)!;
  const words = Buffer.from(letter.raw).toString().replace(/=\r\n/g, "").replace(/\s+/g, " ");
  const remedy = "Confirm addresses before you mail them";
  expect(missing(words, ["warned", "7 of the last 7", remedy, date, `/members/${did}`])).toEqual([]);
  expect(words).not.toMatch(/bounce\d+@bigmail/);

  await here.core.webhooks.deliverDue();
  expect(isSigned(secret, told[0]!)).toBe(true);
  expect(JSON.parse(told[0]!.body)).toMatchObject({
    type: "standing.changed",
    data: {
      did,
      from: "good",
      to: "warned",
      rule: "BounceWarning",
      wayBack: { at: new Date(change!.wayBack.at!).toISOString() },
    },
  });

  const page = await here.page(alder);
  expect(missing(page, ["BounceWarning", "7 of the last 7", remedy, "17 Jun 2026"])).toEqual([]);
  expect(page).not.toMatch(/bounce\d+@bigmail/);
  expect(await here.publicLabels(alder)).toEqual(before);

  await here.pass(13 * DAY);
  expect(here.standing(alder)).toBe("warned");
  await here.pass(DAY + HOUR);
  expect(here.standing(alder)).toBe("good");
  expect(here.core.standings.changesOf(did)[0]).toMatchObject({ from: "warned", to: "good", by: null });
  expect(here.relay.policyBook.byDid(did)!.standing).toBe("good");
  expect(await here.publicLabels(alder)).toEqual(before);
  expect(await here.page(alder)).toMatch(/14 days passed without a new cause/);
  expect(await here.send(alder, ["ada@bigmail.test"])).toEqual([expect.stringMatching(/^250/)]);
}, 30_000);

const bulk = { headers: { "List-Unsubscribe": "<https://birch.test/leave>" } };

test("BounceProbation: no bulk mail, a quarter of the limits; the remedy and 14 days make it warned", async () => {
  const did = here.didOf(birch);
  const ms = await here.toReachRelay(
    birch,
    ({ standing }) => standing === "probation",
    () => bounceUntil(birch, "probation", 20),
  );
  expect(ms).toBeLessThan(1_000);
  const [change] = here.core.standings.changesOf(did);
  expect(change).toMatchObject({ from: "warned", to: "probation", rule: "BounceProbation" });

  expect((await here.send(birch, ["ada@bigmail.test"], bulk))[0]).toMatch(
    new RegExp(`^550 5\\.7\\.1 .*/members/${did}.*\\[bulk-on-probation\\]`),
  );
  // A new member's 60 at once are 15 on probation, and those of the next ten minutes.
  const replies = await here.send(
    birch,
    Array.from({ length: 25 }, (_, i) => `user${i}@bigmail.test`),
  );
  const taken = replies.filter((reply) => reply.startsWith("250")).length;
  expect([taken, replies.at(-1)]).toEqual([17, expect.stringMatching(/^451 4\.7\.1 .*over-limit/)]);
  await here.settle();

  await here.pass(14 * DAY + HOUR);
  expect(here.standing(birch)).toBe("probation");
  expect(here.core.cases.list("open", 10, did)).toMatchObject([{ kind: "remedy" }]);
  expect(here.core.cases.remedy(did, "A captcha on the form.")).toEqual({ waits: false });
  await here.settle();
  expect([here.standing(birch), here.relay.policyBook.byDid(did)!.standing]).toEqual(["warned", "warned"]);
  expect(here.core.cases.list("open", 10, did)).toEqual([]);
  expect((await here.send(birch, ["ada@bigmail.test"], bulk))[0]).toMatch(/^250/);
}, 30_000);

test("a second cause within 30 days: refused with a link, held, off the lists; a person lifts it, and all of it comes back", async () => {
  const did = here.didOf(birch);
  const labels = await here.publicLabels(birch);
  expect([labels, await here.listed(birch)]).toEqual([expect.arrayContaining(["relay-member"]), "ok"]);
  let count = 0;
  const ms = await here.toReachRelay(
    birch,
    ({ standing }) => standing === "suspended",
    async () => (count = await bounceUntil(birch, "suspended", 20, (i) => [`defer${i}@post.test`])),
  );
  expect(ms).toBeLessThan(1_000);
  const last = `defer${count}`;
  const [change] = here.core.standings.changesOf(did);
  expect(change).toMatchObject({ from: "warned", to: "suspended", rule: "BounceProbation", by: null });

  // The last of those that the provider put off was on its way when the standing changed.
  const held = async () => (await here.relay.spool.counts()).held ?? 0;
  here.clock.advance(HOUR);
  await expect.poll(async () => (await here.settle(), await held())).toBeGreaterThan(0);
  expect((await here.send(birch, ["ada@bigmail.test"]))[0]).toMatch(
    new RegExp(`^550 5\\.7\\.1 .*/members/${did}.*\\[suspended\\]`),
  );
  expect([await here.publicLabels(birch), await here.listed(birch)]).toEqual([[], "nxdomain"]);
  expect([await here.publicLabels(alder), await here.listed(alder)]).toEqual([labels, "ok"]);

  const [one, ...more] = here.core.cases.list("open", 10, did);
  expect([one, more]).toMatchObject([{ kind: "suspended", dueAt: one!.openedAt + 2 * DAY }, []]);
  here.core.cases.decide(one!.id, { verdict: "lift", by: "rosa", reason: "A migration." });
  await here.settle();
  expect(here.standing(birch)).toBe("warned");
  expect([await here.publicLabels(birch), await here.listed(birch)]).toEqual([labels, "ok"]);
  here.clock.advance(HOUR);
  await expect.poll(async () => (await here.settle(), await held())).toBe(0);
  await here.pass(6 * HOUR, 2 * HOUR);
  expect(here.received(`${last}@post.test`)).toHaveLength(1);
  await here.pass(14 * DAY + HOUR);
  expect([here.standing(birch), await here.publicLabels(birch)]).toEqual(["good", labels]);
}, 30_000);
