import { MovableClock, type Clock } from "../../src/lib/clock.ts";
import { Database } from "../../src/platform/database.ts";
import { silentLog } from "../../src/platform/log.ts";
import { sessionsFixture } from "../../src/web/fixtures/session.fixture.ts";
import { createUsedLinks, usedLinksMigration } from "../../src/web/used-links.ts";
import { createWeb, type MessagePages } from "../../src/web/index.ts";
import { MEMBER } from "./fill.ts";

/** The pages of the member's mail, asked by its owner who is logged in. */
export function messageWeb(messages: MessagePages, clock: Clock) {
  const now = clock.now();
  const { sessions, people, cookie } = sessionsFixture(now);
  const nothing = async () => {
    throw new Error("This page is not asked for.");
  };
  const app = createWeb({
    queries: { publicOverview: nothing, committeeOverview: nothing, member: nothing, label: nothing },
    messages,
    sessionKey: new Uint8Array(32).fill(9),
    usedLinks: createUsedLinks(new Database(":memory:", [usedLinksMigration])),
    sessions,
    people,
    clock: new MovableClock(now),
    publicUrl: "https://mail.example",
    log: silentLog,
  });
  const headers = { cookie: cookie({ role: "person", did: MEMBER }), "sec-fetch-site": "same-origin" };
  const at = `/members/${MEMBER}`;
  return {
    get: async (path: string) => app.request(`${at}${path}`, { headers }),
    post: async (path: string, fields: Record<string, string>) =>
      app.request(`${at}${path}`, { headers, method: "POST", body: new URLSearchParams(fields) }),
  };
}
