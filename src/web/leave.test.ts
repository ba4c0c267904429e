import { describe, expect, test } from "vitest";
import type { Identity } from "../account/index.ts";
import { MovableClock } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { silentLog } from "../platform/log.ts";
import { createWeb } from "./app.ts";
import { committeeOverview, publicOverview } from "./fixtures/pool.fixture.ts";
import { NOW } from "./fixtures/seed.fixture.ts";
import { sessionsFixture } from "./fixtures/session.fixture.ts";
import { createUsedLinks, usedLinksMigration } from "./used-links.ts";
import type { MemberLeaveView } from "./view-leave.ts";

const did = "did:plc:ada";
const person = (name: string) => ({ role: "person", did: `did:plc:${name}` }) as const;
const WHO: Record<string, Identity | null> = {
  nobody: null,
  "by link": { role: "member", did },
  owner: person("ada"),
  manager: person("manager"),
  viewer: person("viewer"),
  other: person("eve"),
  committee: { role: "committee" },
};

function setUp(view: Partial<MemberLeaveView> = {}) {
  const { sessions, people, cookie } = sessionsFixture(NOW);
  people.put(did, "did:plc:manager", "manager", "ada", NOW);
  people.put(did, "did:plc:viewer", "viewer", "ada", NOW);
  const done: string[] = [];
  const app = createWeb({
    queries: {
      publicOverview: async () => publicOverview,
      committeeOverview: async () => committeeOverview,
      member: async () => null,
      label: async () => null,
    },
    leaving: {
      view: async (asked) => ({
        did: asked,
        domain: "ada.test",
        membership: "member",
        leftAt: null,
        deletedAt: null,
        consequences: [{ what: "Domains", outcome: "<b>free</b>" }],
        kept: [{ what: "DID", why: "so", howLong: "for good" }],
        ...view,
      }),
      leave: async (_, by, reason) => (done.push(`left by ${by}: ${reason}`), { done: true }),
      forget: async (_, by) => (done.push(`deleted by ${by}`), { done: true }),
    },
    sessionKey: new Uint8Array(32).fill(9),
    usedLinks: createUsedLinks(new Database(":memory:", [usedLinksMigration])),
    sessions,
    people,
    clock: new MovableClock(NOW),
    publicUrl: "https://mail.example",
    log: silentLog,
  });
  const get = (path: string, who: string) =>
    app.request(`/members/${did}/${path}`, { headers: { cookie: cookie(WHO[who]!) } });
  const post = (path: string, who: string, fields: Record<string, string>, site = "same-origin") =>
    app.request(`/members/${did}/${path}`, {
      method: "POST",
      headers: { cookie: cookie(WHO[who]!), "sec-fetch-site": site },
      body: new URLSearchParams(fields),
    });
  return { get, post, done };
}

describe("who may", () => {
  test.each([
    ["nobody", 403, 403, 403],
    ["other", 404, 404, 404],
    ["viewer", 200, 403, 403],
    ["manager", 200, 403, 403],
    ["committee", 200, 200, 403],
    ["owner", 200, 200, 303],
    ["by link", 200, 200, 303],
  ])("%s: look %i, last step %i, leave %i", async (who, look, step, leave) => {
    const { get, post, done } = setUp();
    expect((await get("leave", who)).status).toBe(look);
    expect((await get("leave/confirm", who)).status).toBe(step);
    expect((await post("leave/confirm", who, { name: "ada.test" })).status).toBe(leave);
    expect((await post("leave/deletion", who, { name: "ada.test" })).status).toBe(leave);
    expect(done).toHaveLength(leave === 303 ? 2 : 0);
  });
});

test("it is two steps: what happens is shown without anything being done, then the name is typed", async () => {
  const { get, post, done } = setUp();
  const first = await (await get("leave", "owner")).text();
  expect(first).toContain("&lt;b&gt;free&lt;/b&gt;");
  expect(first).toContain(`/members/${did}/leave/confirm`);
  expect(first).not.toContain('<form method="post" action="/members');
  expect(await (await get("leave/confirm", "owner")).text()).toContain("Type ada.test");
  for (const fields of [{}, { name: "" }, { name: "ben.test" }] as Record<string, string>[])
    expect((await post("leave/confirm", "owner", fields)).status).toBe(400);
  expect((await post("leave/confirm", "owner", { name: "ada.test" }, "cross-site")).status).toBe(403);
  expect(done).toEqual([]);
  const answer = await post("leave/confirm", "owner", { name: " Ada.test ", reason: "Moved" });
  expect([answer.status, answer.headers.get("location")]).toEqual([303, `/members/${did}/leave`]);
  expect(done).toEqual(["left by did:plc:ada: Moved"]);
});

test("after leaving, deletion is offered to the owner, once", async () => {
  const left = { membership: "left", leftAt: NOW } as const;
  expect(await (await setUp(left).get("leave", "owner")).text()).toContain("leave/deletion");
  expect(await (await setUp(left).get("leave", "viewer")).text()).not.toContain("leave/deletion");
  const gone = setUp({ ...left, deletedAt: NOW });
  expect(await (await gone.get("leave", "owner")).text()).not.toContain("leave/deletion");
  expect(await (await gone.get("leave/deletion", "owner")).text()).not.toContain("Delete for good");
});
