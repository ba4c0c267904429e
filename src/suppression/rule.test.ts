import { describe, expect, test } from "vitest";
import { DAY_MS } from "../lib/clock.ts";
import { bindsPool, suppressionFor, type Feedback, type Sighting, type SuppressionHistory } from "./rule.ts";

const NOW = Date.UTC(2026, 0, 100);
const ADA = "did:plc:ada";
const BEN = "did:plc:ben";

const bounce = (kind: string, more: Partial<Feedback> = {}): Feedback => ({
  what: "bounced",
  did: ADA,
  at: NOW,
  sentAt: NOW - 1_000,
  class: kind,
  permanent: true,
  late: false,
  ...more,
});
const seen = (daysAgo: number, more: Partial<Sighting> = {}): Sighting => ({
  did: ADA,
  at: NOW - daysAgo * DAY_MS,
  class: "bad-mailbox",
  late: false,
  ...more,
});
const history = (...sightings: Sighting[]): SuppressionHistory => ({ sightings });
/** `member all bad-mailbox 14`: scope, streams, reason, days. */
const words = (fact: Feedback, before: SuppressionHistory) =>
  suppressionFor(fact, before).suppress.map(({ scope, streams, reason, expiresAt }) =>
    [scope, streams, reason, expiresAt === null ? "for good" : (expiresAt - NOW) / DAY_MS].join(" "),
  );

describe("bounces", () => {
  test.each<[string, Feedback, SuppressionHistory, string[]]>([
    ["the first", bounce("bad-mailbox"), history(), ["member all bad-mailbox 14"]],
    ["the same hour again", bounce("bad-mailbox"), history(seen(0.04)), ["member all bad-mailbox 14"]],
    [
      "the second, after its time: for this member alone, who is no two",
      bounce("bad-mailbox"),
      history(seen(20), seen(40)),
      ["member all bad-mailbox 365"],
    ],
    [
      "the second, of which one was another member's",
      bounce("bad-mailbox"),
      history(seen(20), seen(30, { did: BEN })),
      ["member all bad-mailbox 90", "pool all bad-mailbox 90"],
    ],
    ["the third", bounce("bad-mailbox"), history(seen(200), seen(100)), ["member all bad-mailbox 365"]],
    [
      "of two members",
      bounce("bad-mailbox"),
      history(seen(0.01, { did: BEN })),
      ["member all bad-mailbox 14", "pool all bad-mailbox 90"],
    ],
    [
      "of two members, long ago",
      bounce("bad-mailbox"),
      history(seen(91, { did: BEN })),
      ["member all bad-mailbox 14"],
    ],
    [
      "a report never binds the pool",
      bounce("bad-mailbox", { late: true }),
      history(seen(1, { did: BEN })),
      ["member all bad-mailbox 14"],
    ],
    [
      "nor does it confirm another",
      bounce("bad-mailbox"),
      history(seen(1, { did: BEN, late: true })),
      ["member all bad-mailbox 14"],
    ],
    ["inactive", bounce("inactive"), history(), ["member all inactive 14"]],
    [
      "inactive with two members: never the pool",
      bounce("inactive"),
      history(seen(1, { did: BEN, class: "inactive" })),
      ["member all inactive 14"],
    ],
    ["no such domain", bounce("bad-domain"), history(), ["member all bad-domain 7"]],
    ["for now only", bounce("bad-mailbox", { permanent: false }), history(), []],
    ...["mailbox-full", "policy", "spam", "blocked", "content", "authentication", "unknown", "too-large"].map(
      (kind): [string, Feedback, SuppressionHistory, string[]] => [kind, bounce(kind), history(), []],
    ),
    ["while the provider refuses valid users", bounce("bad-mailbox"), { ...history(), incident: true }, []],
    [
      "of mail from before the release",
      bounce("bad-mailbox", { sentAt: NOW - 5_000 }),
      { ...history(), releasedAt: NOW - 4_000 },
      [],
    ],
    [
      "of mail from after the release",
      bounce("bad-mailbox"),
      { ...history(seen(2)), releasedAt: NOW - 4_000, poolReleasedAt: NOW - 4_000 },
      ["member all bad-mailbox 90"],
    ],
  ])("%s", (_name, fact, before, expected) => expect(words(fact, before)).toEqual(expected));
});

test.each<[string, Feedback["what"], SuppressionHistory, string[]]>([
  [
    "a complaint: everything, until it is released",
    "complained",
    history(),
    ["member all complaint for good"],
  ],
  ["a complaint about mail from before the release", "complained", { ...history(), releasedAt: NOW }, []],
  ["unsubscribed: bulk alone", "unsubscribed", history(), ["member bulk unsubscribe for good"]],
  [
    "unsubscribed after a release",
    "unsubscribed",
    { ...history(), releasedAt: NOW - 1 },
    ["member bulk unsubscribe for good"],
  ],
  ["unsubscribed before a release, told late", "unsubscribed", { ...history(), releasedAt: NOW }, []],
  ["delivered", "delivered", history(seen(20)), []],
])("%s", (_name, what, before, expected) =>
  expect(words({ what, did: ADA, at: NOW, sentAt: NOW - 1_000 }, before)).toEqual(expected),
);

test("a delivery lifts what bounces brought, and nothing that a person wants", () => {
  const { lift } = suppressionFor({ what: "delivered", did: ADA, at: NOW, sentAt: NOW }, history());
  expect(lift).toEqual(["bad-mailbox", "inactive", "bad-domain"]);
});

test.each<[string, Sighting[], boolean]>([
  ["of two members", [seen(1), seen(2, { did: BEN })], true],
  ["of one, days apart", [seen(1), seen(9)], false],
  ["of one, and a report about another's", [seen(1), seen(2, { did: BEN, late: true })], false],
])("refusals %s bind the pool: or not", (_, sightings, binds) => expect(bindsPool(sightings)).toBe(binds));
