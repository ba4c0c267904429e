import { expect, test } from "vitest";
import type { Identity } from "../account/index.ts";
import { MovableClock } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { silentLog } from "../platform/log.ts";
import { createWeb } from "./app.ts";
import { messages } from "./fixtures/member-messages.fixture.ts";
import { committeeOverview, publicOverview } from "./fixtures/pool.fixture.ts";
import { NOW } from "./fixtures/seed.fixture.ts";
import { sessionsFixture } from "./fixtures/session.fixture.ts";
import { createUsedLinks, usedLinksMigration } from "./used-links.ts";
import type { DeliveryView, LogFilter, MessageLog } from "./view.ts";

const did = "did:plc:ada";
const person = (name: string) => ({ role: "person", did: `did:plc:${name}` }) as const;
const [message] = messages;
const hostile = {
  ...message!,
  recipients: message!.recipients.map((one) => ({
    ...one,
    attempts: one.attempts.map((attempt) => ({
      ...attempt,
      text: "<script>alert(1)</script>",
      server: "<b>mx",
    })),
  })),
};
const frame = { asOf: NOW, did, domain: "ada.test", membership: "member" as const };
const log: MessageLog = {
  ...frame,
  domains: ["ada.test"],
  credentials: [{ id: "c1", name: "<img src=x>" }],
  providers: [{ id: "google", name: "Gmail" }],
  isKnown: true,
  messages: [hostile],
  next: 77,
  scanned: 20_000,
  isFull: false,
};

const took = {
  n: 40,
  half: { from: 0, to: 1 },
  most: { from: 60, to: 120 },
  slowest: { from: 300, to: 600 },
};
const delivery: DeliveryView = {
  ...frame,
  since: NOW - 30 * 86_400_000,
  providers: [
    {
      id: "google",
      name: "<b>Gmail",
      delivered: 38,
      deferred: 2,
      bounced: 1,
      took,
      days: [{ at: NOW, delivered: 38, deferred: 2, bounced: 1 }],
    },
  ],
  codes: {
    ...took,
    late: [{ message: "m1", provider: "Gmail", handedIn: NOW - 720_000, doneAt: null }],
    slow: [
      {
        isPools: false,
        provider: "Gmail",
        since: NOW - 60_000,
        until: null,
        known: 3,
        slow: 2,
        waiting: 1,
        longestMs: 720_000,
      },
    ],
  },
};

function setUp(view: Partial<MessageLog> = {}) {
  const { sessions, people, cookie } = sessionsFixture(NOW);
  people.put(did, "did:plc:viewer", "viewer", "ada", NOW);
  const asked: [string, LogFilter | null, number | undefined][] = [];
  const app = createWeb({
    queries: {
      publicOverview: async () => publicOverview,
      committeeOverview: async () => committeeOverview,
      member: async () => null,
      label: async () => null,
    },
    messages: {
      delivery: (of) => (of === did ? delivery : null),
      log: async (of, filter, before) => {
        asked.push([of, filter, before]);
        return { ...log, ...view };
      },
      show: async (of, id) =>
        of === did && id === "m1"
          ? { ...frame, message: hostile, sender: "a@ada.test", credential: "<i>pds", told: [] }
          : null,
    },
    sessionKey: new Uint8Array(32).fill(9),
    usedLinks: createUsedLinks(new Database(":memory:", [usedLinksMigration])),
    sessions,
    people,
    clock: new MovableClock(NOW),
    publicUrl: "https://mail.example",
    log: silentLog,
  });
  const ask = (who: Identity | null, path: string, fields?: Record<string, string>, site = "same-origin") =>
    app.request(`/members/${did}${path}`, {
      headers: { cookie: cookie(who), "sec-fetch-site": site },
      ...(fields && { method: "POST", body: new URLSearchParams(fields) }),
    });
  return { ask, asked };
}

test.each<[string, Identity | null, number]>([
  ["nobody", null, 403],
  ["another member", person("eve"), 404],
  ["a viewer", person("viewer"), 200],
  ["the owner", person("ada"), 200],
  ["the committee", { role: "committee" }, 200],
])("%s", async (_, who, status) => {
  const { ask, asked } = setUp();
  for (const path of ["/messages", "/messages/m1", "/trace", "/delivery"])
    expect((await ask(who, path)).status).toBe(status);
  expect((await ask(who, "/trace", { address: "eve@b.test" })).status).toBe(status);
  expect(asked.length > 0).toBe(status === 200);
});

test.each<[string, LogFilter, number | undefined]>([
  ["", {}, undefined],
  ["?to=%20GMAIL.com%20&from=", { recipientDomain: "gmail.com" }, undefined],
  [
    "?state=bounced&stream=bulk&credential=c1",
    { states: ["bounced"], stream: "bulk", credential: "c1" },
    undefined,
  ],
  ["?provider=google&before=77", { provider: "google" }, 77],
  [
    "?since=2026-01-02&until=2026-01-02",
    { since: Date.UTC(2026, 0, 2), until: Date.UTC(2026, 0, 3) },
    undefined,
  ],
  ["?state=nonsense&stream=9&since=yesterday&before=-1&x=y", {}, undefined],
  [`?to=${"x".repeat(300)}`, {}, undefined],
])("%s asks for %o", async (query, filter, before) => {
  const { ask, asked } = setUp();
  expect((await ask(person("ada"), `/messages${query}`)).status).toBe(200);
  expect(asked).toEqual([[did, filter, before]]);
});

test("an address is asked for by a form of ours alone, and nothing is looked for before", async () => {
  const { ask, asked } = setUp();
  await ask(person("ada"), "/trace?address=eve@b.test");
  expect((await ask(person("ada"), "/trace", { address: "eve@b.test" }, "cross-site")).status).toBe(403);
  expect((await ask(person("ada"), "/trace", { address: "x".repeat(9_000) })).status).toBe(413);
  await ask(person("ada"), "/trace", { address: " eve@b.test " });
  await ask(person("ada"), "/trace", { address: "eve@b.test", before: "77" });
  expect(asked.map(([, ...rest]) => rest)).toEqual([
    [null, undefined],
    [{ recipient: "eve@b.test" }, undefined],
    [{ recipient: "eve@b.test" }, 77],
  ]);
});

test("the next page keeps the filter, and says how far it has looked", async () => {
  const { ask } = setUp();
  const html = await (await ask(person("ada"), "/messages?state=bounced&to=b.test")).text();
  expect(html).toContain("20,000 messages were looked at so far");
  expect(html).toContain("/messages?to=b.test&amp;state=bounced&amp;before=77");
});

test.each(["/messages", "/messages/m1"])("what strangers said is text: %s", async (path) => {
  const { ask } = setUp();
  const html = await (await ask(person("ada"), path)).text();
  expect(html).toContain("&lt;script&gt;alert(1)");
  expect(html).not.toMatch(/<script>alert|<b>mx|<img src=x|<i>pds/);
});

test("how long mail took, each number with a way to what it counts", async () => {
  const { ask } = setUp();
  const html = await (await ask(person("ada"), "/delivery")).text();
  const text = html.replace(/<[^>]+>/g, " ").replace(/\s+/g, " ");
  expect(text).toContain("Half were taken within 1 s, 19 of 20 within 2 min");
  expect(text).toContain(
    "2 of 3 login codes for Gmail take longer than five minutes, 1 still waits; the longest 12 minutes",
  );
  expect(html).toContain("provider=google&amp;state=bounced");
  expect(html).toContain(`/members/${did}/messages/m1`);
  expect(html).not.toContain("<b>Gmail");
});

test("an id that is no message's is not there", async () => {
  const { ask } = setUp();
  for (const id of ["m2", "..%2f", "M1"])
    expect((await ask(person("ada"), `/messages/${id}`)).status).toBe(404);
});

test.each<[Partial<MessageLog>, RegExp]>([
  [{ messages: [], next: null }, /Nothing that you sent fits/],
  [{ messages: [], next: null, isKnown: false }, /No relay runs in this process/],
])("what is not found is said", async (view, words) => {
  const { ask } = setUp(view);
  expect(await (await ask(person("ada"), "/messages")).text()).toMatch(words);
});
