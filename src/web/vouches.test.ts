import { expect, test } from "vitest";
import type { Identity } from "../account/index.ts";
import { MovableClock } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { silentLog } from "../platform/log.ts";
import { createWeb } from "./app.ts";
import { committeeOverview, publicOverview } from "./fixtures/pool.fixture.ts";
import { NOW } from "./fixtures/seed.fixture.ts";
import { sessionsFixture } from "./fixtures/session.fixture.ts";
import { createUsedLinks, usedLinksMigration } from "./used-links.ts";

const did = "did:plc:ada";
const person = (name: string) => ({ role: "person", did: `did:plc:${name}` }) as const;

function setUp() {
  const { sessions, people, cookie } = sessionsFixture(NOW);
  people.put(did, "did:plc:manager", "manager", "ada", NOW);
  people.put(did, "did:plc:viewer", "viewer", "ada", NOW);
  const done: unknown[][] = [];
  const vouch = { id: 3, by: did, name: "Ada", did: "did:plc:ben", words: "<script>", at: NOW };
  const app = createWeb({
    queries: {
      publicOverview: async () => publicOverview,
      committeeOverview: async () => committeeOverview,
      member: async () => null,
      label: async () => null,
    },
    vouches: {
      view: () => ({
        did,
        domain: "ada.test",
        refused: null,
        vouches: [{ ...vouch, applicant: "Ben", end: null }],
      }),
      vouch: async (...all) => (done.push(all), { done: true }),
      withdraw: (...all) => (done.push(all), { refused: "Too late." }),
    },
    sessionKey: new Uint8Array(32).fill(9),
    usedLinks: createUsedLinks(new Database(":memory:", [usedLinksMigration])),
    sessions,
    people,
    clock: new MovableClock(NOW),
    publicUrl: "https://mail.example",
    log: silentLog,
  });
  const ask = (who: Identity | null, path = "", fields?: Record<string, string>, site = "same-origin") =>
    app.request(`/members/${did}/vouches${path}`, {
      headers: { cookie: cookie(who), "sec-fetch-site": site },
      ...(fields && { method: "POST", body: new URLSearchParams(fields) }),
    });
  return { ask, done };
}

const fields = { account: "ben.test", words: "My neighbour" };

test.each<[string, Identity | null, number, number]>([
  ["nobody", null, 403, 403],
  ["another", person("eve"), 404, 404],
  ["viewer", person("viewer"), 200, 403],
  ["manager", person("manager"), 200, 303],
  ["owner", person("ada"), 200, 303],
  ["committee", { role: "committee" }, 200, 403],
])("%s reads: %s, vouches: %s", async (_, who, reads, vouches) => {
  const { ask, done } = setUp();
  expect((await ask(who)).status).toBe(reads);
  expect((await ask(who, "", fields)).status).toBe(vouches);
  expect((await ask(who, "/3/withdraw", {})).status).toBe(vouches === 303 ? 409 : vouches);
  expect(done).toEqual(
    vouches === 303
      ? [
          [did, "ben.test", "My neighbour"],
          [did, 3],
        ]
      : [],
  );
});

test("no other page vouches, an empty form does nothing, and words are text", async () => {
  const { ask, done } = setUp();
  const owner = person("ada");
  expect((await ask(owner, "", fields, "cross-site")).status).toBe(403);
  expect((await ask(owner, "", { account: " " })).status).toBe(409);
  expect((await ask(owner, "", { account: "a", words: "x".repeat(9_000) })).status).toBe(413);
  expect(done).toEqual([]);
  const html = await (await ask(owner)).text();
  expect(html).toContain("&lt;script&gt;");
  expect(html).not.toContain("<script>\n");
});
