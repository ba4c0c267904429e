import { describe, expect, test } from "vitest";
import { MovableClock } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { silentLog } from "../platform/log.ts";
import { createWeb } from "./app.ts";
import { warnedMember } from "./fixtures/member.fixture.ts";
import { committeeOverview, publicOverview } from "./fixtures/pool.fixture.ts";
import { didOf, NOW } from "./fixtures/seed.fixture.ts";
import { sessionsFixture } from "./fixtures/session.fixture.ts";
import type { Identity } from "./session.ts";
import type { ActionResult, WebActions } from "./view.ts";
import { createUsedLinks, usedLinksMigration } from "./used-links.ts";

const key = new Uint8Array(32).fill(9);
const { did } = warnedMember;
const own: Identity = { role: "member", did };
const stranger: Identity = { role: "member", did: didOf(3) };
const committee: Identity = { role: "committee" };
const manager = { role: "person", did: didOf(4) } as const;
const viewer = { role: "person", did: didOf(5) } as const;
const ours = { "sec-fetch-site": "same-origin" };

function setUp(result: ActionResult = { done: true, credentials: [] }) {
  const asked: unknown[][] = [];
  const say =
    (name: keyof WebActions) =>
    async (...args: unknown[]) => (asked.push([name, ...args]), result);
  const { sessions, people, cookie } = sessionsFixture(NOW);
  people.put(did, manager.did, "manager", "test", NOW);
  people.put(did, viewer.did, "viewer", "test", NOW);
  const app = createWeb({
    queries: {
      publicOverview: async () => publicOverview,
      committeeOverview: async () => committeeOverview,
      member: async () => warnedMember,
      label: async () => null,
    },
    actions: {
      answerPause: say("answerPause"),
      decideApplication: say("decideApplication"),
    },
    usedLinks: createUsedLinks(new Database(":memory:", [usedLinksMigration])),
    sessions,
    people,
    sessionKey: key,
    clock: new MovableClock(NOW),
    publicUrl: "http://127.0.0.1:8080",
    log: silentLog,
  });
  const post = (path: string, who: Identity | null, fields: Record<string, string>, headers: object = ours) =>
    app.request(`/members/${did}${path}`, {
      method: "POST",
      body: new URLSearchParams(fields),
      headers: {
        ...(who && { cookie: cookie(who, "atmos-session") }),
        ...headers,
      },
    });
  return { asked, post };
}

const pause = "/pauses/7";
const me = { answer: "this-was-me" };
const resumed = { answer: "resumed" };
const approve = { decision: "approve", application: "9", tier: "warming", words: " Welcome " };

describe("who may send which form", () => {
  test.each<[string, string, Identity | null, Record<string, string>, object, number]>([
    ["the member answers", pause, own, me, ours, 303],
    ["another member", pause, stranger, me, ours, 404],
    ["a manager of its people", pause, manager, me, ours, 303],
    ["a viewer of its people", pause, viewer, me, ours, 403],
    ["a person who is nobody here", pause, { role: "person", did: didOf(6) }, me, ours, 404],
    ["the member with its own account", pause, { role: "person", did }, me, ours, 303],
    ["nobody", pause, null, me, ours, 403],
    ["from another site", pause, own, me, { "sec-fetch-site": "cross-site" }, 403],
    ["from nowhere known", pause, own, me, {}, 403],
    ["the committee without a reason", pause, committee, resumed, ours, 409],
    ["the committee with one", pause, committee, { ...resumed, reason: "Asked" }, ours, 303],
    ["no answer", pause, own, {}, ours, 400],
    ["an answer that there is not", pause, own, { answer: "perhaps" }, ours, 400],
    ["no such pause", "/pauses/x", own, me, ours, 404],
    ["an applicant admits itself", "/application", own, approve, ours, 403],
    ["the committee admits", "/application", committee, approve, ours, 303],
    [
      "it declines without a reason",
      "/application",
      committee,
      { decision: "decline", application: "9" },
      ours,
      409,
    ],
    ["of no application", "/application", committee, { decision: "approve" }, ours, 400],
    ["words without end", "/application", committee, { ...approve, words: "x".repeat(2_001) }, ours, 400],
    ["a body without end", "/application", committee, { words: "x".repeat(20_000) }, ours, 413],
  ])("%s", async (_, path, who, fields, headers, status) => {
    const { asked, post } = setUp();
    const answer = await post(path, who, fields, headers);
    expect(answer.status).toBe(status);
    expect(asked).toHaveLength(status === 303 ? 1 : 0);
    if (status === 303) expect(answer.headers.get("location")).toBe(`/members/${did}`);
  });
});

test("what is done is named after who asked", async () => {
  const { asked, post } = setUp();
  await post(pause, own, me);
  await post("/application", committee, approve);
  expect(asked).toEqual([
    ["answerPause", did, 7, "this-was-me", { who: "member", by: "the member" }, "It was the member."],
    [
      "decideApplication",
      did,
      { application: 9, approve: true, tier: "warming", words: "Welcome", by: "the committee" },
    ],
  ]);
});

test("a new secret is on the answer itself, which nobody keeps", async () => {
  const shown = {
    name: "pds",
    username: "u",
    secret: "atms_x",
    lines: "PDS_EMAIL_SMTP_URL=smtps://u:atms_x@r",
  };
  const { post } = setUp({ done: true, credentials: [shown] });
  const answer = await post(pause, own, me);
  expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "no-store"]);
  const html = await answer.text();
  expect(html).toContain(shown.lines);
  expect(html).not.toContain("data-live");
});

test("what was not done is said", async () => {
  const { post } = setUp({ refused: "Nothing is paused there." });
  const answer = await post(pause, own, me);
  expect(answer.status).toBe(409);
  expect(await answer.text()).toContain("Nothing is paused there.");
});
