import { expect, test } from "vitest";
import { committeeOverview } from "../fixtures/pool.fixture.ts";
import { WARNED } from "../fixtures/seed.fixture.ts";
import { readable, section } from "../fixtures/reading.fixture.ts";
import { renderPage, type Rendered } from "../render.tsx";
import type { Identity } from "../session.ts";

const committee: Identity = { role: "committee" };
const render = async (shown: Rendered, viewer: Identity) => String(await renderPage(shown, viewer));

test("the committee sees first what needs a person, the gravest first, and what to do", async () => {
  const html = await render({ page: "committee", view: committeeOverview }, committee);
  const needs = readable(section(html, "waiting"));
  const order = [
    "192.0.2.11 is on bl.spamcop.net",
    "Case 4, overdue",
    "These were test accounts.",
    "credential pds-main",
    "Newcomer",
    "Outlook.com, Hotmail",
  ];
  expect(order.map((words) => needs.indexOf(words))).toEqual(
    order.map((words) => needs.indexOf(words)).toSorted((a, b) => a - b),
  );
  for (const fact of [
    ...order,
    "131 wait",
    "part of their network is on our block list (S3150)",
    "Look at SNDS",
    "atmos case decide 4",
  ])
    expect(needs).toContain(fact);
  // What nobody can do anything about stands among the measures only.
  expect(needs).not.toContain("mx.small.test");
  expect(readable(section(html, "measures"))).toContain("slower, please");
  expect(html.indexOf('id="waiting"')).toBeLessThan(html.indexOf('id="standings"'));
});

test("with every address out of use the committee reads that no mail leaves", async () => {
  const egress = committeeOverview.egress!;
  const why = { reason: "listed" as const, why: "192.0.2.10 is on zen.spamhaus.org", since: 1, codes: false };
  const addresses = egress.addresses.map((one) => ({ ...one, out: why }));
  const view = { ...committeeOverview, egress: { ...egress, addresses } };
  const needs = readable(section(await render({ page: "committee", view }, committee), "waiting"));
  expect(needs).toContain("No mail leaves");
  expect(needs).toContain("new mail is answered 451");
});

test("where mail leaves from has a page: what is wrong, in words, each provider behind one line, and the plan", async () => {
  const view = committeeOverview.egress!;
  const short = section(await render({ page: "committee", view: committeeOverview }, committee), "egress");
  expect(readable(short)).toContain("1 of 3 addresses is out of use");
  expect(short).toContain('href="/committee/egress"');
  const html = await render({ page: "committee-egress", view, asked: 1 }, committee);
  for (const fact of [
    "192.0.2.11 is on bl.spamcop.net",
    "it refuses this resolver (127.255.255.254",
    "publish its AAAA record",
    "118 of 150",
    "Stepped back",
  ])
    expect(readable(html)).toContain(fact);
  expect(html).toMatch(/<details id="provider-\w+" class="fold"><summary>/);
  expect(html).toMatch(/day 1: [\d,]+ leave, [\d,]+ wait/);
  expect(html).not.toContain("style=");
});

test("the committee sees the causes and the queue", async () => {
  const html = await render({ page: "committee", view: committeeOverview }, committee);
  const text = readable(html);
  for (const fact of ["19 of 200 (9.5 %)", "99.6 %", "Rule: bounce_warning", "Decided by rosa", "11,482"]) {
    expect(text).toContain(fact);
  }
  const members = section(html, "members");
  const order = ["pds.nightbus.test", "pds.ferryman.test", "pds.basement-radio.test"];
  const places = order.map((domain) => members.indexOf(domain));
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  expect(places[0]).toBeGreaterThan(-1);
  expect(members).toContain(`href="/members/${committeeOverview.members[WARNED]!.did}"`);
  // Nobody has to look at who is well.
  expect(members).not.toContain("pds.larkspur.test");
});

test.each([
  [1, "pds.nightbus.test", "Page 1 of 3", ["?page=2"]],
  [2, undefined, "Page 2 of 3", ["?page=1", "?page=3"]],
  [99, undefined, "Page 3 of 3", ["?page=2"]],
])("all members are on pages: %i", async (asked, first, words, links) => {
  const [one] = committeeOverview.members;
  const more = Array.from({ length: 60 - committeeOverview.members.length }, (_, i) => ({
    ...one!,
    did: `did:plc:more${i}`,
    domain: `more${i}.test`,
  }));
  const view = { ...committeeOverview, members: [...committeeOverview.members, ...more] };
  const html = await render({ page: "committee-members", view, asked }, committee);
  if (first) expect(readable(html)).toContain(first);
  expect(readable(html)).toContain(words);
  expect([...html.matchAll(/href="\/committee\/members(\?page=\d+)"/g)].map(([, link]) => link)).toEqual(
    links,
  );
});

test("what the world says is one press away from the committee's page", async () => {
  const html = section(await render({ page: "committee", view: committeeOverview }, committee), "elsewhere");
  const ways = [...html.matchAll(/<dt><a href="([^"]+)">/g)].map(([, href]) => href);
  expect(ways).toEqual(["/committee/suppressions", "/committee/reports", "/committee/providers"]);
});
