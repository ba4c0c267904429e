import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createInbox, inboxMigration, type Inbox } from "../inbox/index.ts";
import { MovableClock } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { silentLog } from "../platform/log.ts";
import { createWeb } from "./app.ts";
import { publicOverview } from "./fixtures/pool.fixture.ts";
import { NOW } from "./fixtures/seed.fixture.ts";
import { sessionsFixture } from "./fixtures/session.fixture.ts";
import type { Identity } from "./session.ts";
import { createUsedLinks, usedLinksMigration } from "./used-links.ts";
import type { WebQueries } from "./view.ts";

const key = new Uint8Array(32).fill(9);
const rosa: Identity = { role: "committee", by: "rosa" };
const ours = { "sec-fetch-site": "same-origin" };
let db: Database;
let inbox: Inbox;
let app: ReturnType<typeof createWeb>;

const letter = [
  "From: Ada <ada@away.test>",
  "Subject: <script>alert(1)</script>",
  "Message-ID: <1@away.test>",
  "Content-Type: text/html",
  "",
  '<p>Stop <a href="https://evil.test">this</a> &lt;img src=x onerror=alert(2)&gt;</p><img src="https://evil.test/x.png">',
  "",
].join("\r\n");

beforeEach(async () => {
  db = new Database(":memory:", [inboxMigration, usedLinksMigration]);
  inbox = createInbox({ db });
  await inbox.keep({
    raw: Buffer.from(letter),
    folder: "inbox",
    kind: "message",
    to: "abuse@pool.test",
    mailFrom: "ada@away.test",
    why: "Mail to abuse",
    authentication: "spf=pass",
    forward: null,
    at: NOW,
  });
  app = createWeb({
    queries: { publicOverview: async () => publicOverview } as WebQueries,
    inbox: {
      list: (folder, before) => ({
        folder,
        entries: inbox.list({ folder }, { before }),
        next: null,
        counts: inbox.counts(),
      }),
      show: (id) => inbox.show(id),
      act: (id, what) => inbox.act(id, { ...what, at: NOW }) !== undefined,
      answer: (id, what) => inbox.answer(id, { ...what, at: NOW }) !== undefined,
    },
    sessionKey: key,
    usedLinks: createUsedLinks(db),
    sessions: logins.sessions,
    people: logins.people,
    clock: new MovableClock(NOW),
    publicUrl: "https://mail.example",
    log: silentLog,
  });
});
afterEach(() => db.close());

const logins = sessionsFixture(NOW);
const cookie = (identity: Identity | null) => logins.cookie(identity);
const get = (path: string, identity: Identity | null = rosa) =>
  app.request(path, { headers: { cookie: cookie(identity) } });
const post = (
  fields: Record<string, string>,
  headers: Record<string, string> = ours,
  identity: Identity | null = rosa,
) =>
  app.request("/committee/inbox/1", {
    method: "POST",
    headers: { ...headers, cookie: cookie(identity) },
    body: new URLSearchParams(fields),
  });

const member: Identity = { role: "member", did: "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa" };

describe("who may see it", () => {
  test.each<[string, Identity | null, number]>([
    ["/committee/inbox", rosa, 200],
    ["/committee/inbox?folder=spam", rosa, 200],
    ["/committee/inbox?folder=nonsense&before=x", rosa, 200],
    ["/committee/inbox", member, 403],
    ["/committee/inbox", null, 403],
    ["/committee/inbox/1", rosa, 200],
    ["/committee/inbox/1", member, 403],
    ["/committee/inbox/1", null, 403],
    ["/committee/inbox/99", rosa, 404],
  ])("%s", async (path, identity, status) => expect((await get(path, identity)).status).toBe(status));
});

test("a mail is shown as text: nothing of it is a tag, a link or an image", async () => {
  for (const path of ["/committee/inbox", "/committee/inbox/1"]) {
    const html = await (await get(path)).text();
    expect(html).not.toMatch(/<script>alert|<img|href="https:\/\/evil/);
    expect(html).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
  }
  const html = await (await get("/committee/inbox/1")).text();
  expect(html).toContain("mailto:ada%40away.test?subject=Re%3A%20%3Cscript%3E");
});

test("what is decided is recorded with who decided it", async () => {
  expect((await post({ action: "assign", to: "paul", note: "" })).status).toBe(303);
  expect((await post({ action: "done", note: "answered" })).status).toBe(303);
  expect(await inbox.show(1)).toMatchObject({
    state: "done",
    assigned: "paul",
    traces: [
      { by: "rosa", what: "assigned to paul" },
      { by: "rosa", what: "done", note: "answered" },
    ],
  });
});

test("whoever reported abuse is answered on the page of the report; other mail has no such answer", async () => {
  const text = await (await get("/committee/inbox/1")).text();
  expect(text).not.toContain("Answer the report");
  expect((await post({ action: "answer", outcome: "acted" })).status).toBe(404);
  await inbox.keep({
    raw: Buffer.from("Subject: Abuse reported\r\n\r\nIt asks for a password"),
    folder: "abuse",
    kind: "abuse-report",
    to: "abuse@pool.test",
    mailFrom: "",
    why: "Reported on the page",
    authentication: "none",
    forward: null,
    at: NOW,
    abuse: {
      reference: "a".repeat(26),
      kind: "phishing",
      domains: ["alder.test"],
      message: { id: "aaaabbbbccccdddd", did: "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa" },
    },
  });
  const page = await (await get("/committee/inbox/2")).text();
  expect(page).toContain('href="/allowlist/entry?of=alder.test"');
  expect(page).toContain("/members/did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/messages/aaaabbbbccccdddd");
  const answer = (outcome: string) =>
    app.request("/committee/inbox/2", {
      method: "POST",
      headers: { ...ours, cookie: cookie(rosa) },
      body: new URLSearchParams({ action: "answer", outcome, words: "Thank you" }),
    });
  expect((await answer("burnt")).status).toBe(400);
  expect((await answer("acted")).status).toBe(303);
  expect(inbox.abuseStatus("a".repeat(26))).toMatchObject({ state: "done", answer: { outcome: "acted" } });
});

test.each<[string, () => Response | Promise<Response>, number]>([
  [
    "from another page",
    () => post({ action: "done" }, { "sec-fetch-site": "cross-site", origin: "https://evil.test" }),
    403,
  ],
  ["of a member", () => post({ action: "done" }, ours, member), 403],
  ["of nobody", () => post({ action: "done" }, ours, null), 403],
  ["of nonsense", () => post({ action: "burn" }), 400],
  ["of a book", () => post({ action: "done", note: "x".repeat(9_000) }), 413],
])("a form %s changes nothing", async (_, send, status) => {
  expect((await send()).status).toBe(status);
  expect(await inbox.show(1)).toMatchObject({ state: "open", traces: [] });
});
