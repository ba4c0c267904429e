import { Hono } from "hono";
import { afterEach, expect, test } from "vitest";
import { createListeners } from "../lib/listeners.ts";
import { liveRoutes, type LiveBounds } from "./live.ts";

const open = new Set<AbortController>();
afterEach(() => {
  for (const one of open) one.abort();
  open.clear();
});

function setUp(bounds: Partial<LiveBounds> = {}) {
  const listeners = createListeners();
  const closing = new AbortController();
  let isAllowed = true;
  const app = new Hono();
  const routes = liveRoutes({
    news: listeners,
    closing: closing.signal,
    bounds: { restMs: 5, ...bounds },
    refuse: async (c) => (isAllowed ? null : c.text("no", 404)),
    listenerOf: (c) => c.req.query("who") ?? "ada",
  });
  app.route("/", routes);
  async function listen(who = "ada", did = "did:plc:a") {
    const away = new AbortController();
    open.add(away);
    const response = await app.request(`/members/${did}/live?who=${who}`, { signal: away.signal });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    /** Reads on until it holds, or to the end. */
    async function until(words: RegExp): Promise<string> {
      while (!words.test(text)) {
        const { done, value } = await reader.read();
        if (done) return `${text}[end]`;
        text += value;
      }
      return text;
    }
    return { response, until, leave: () => reader.cancel() };
  }
  return { listeners, closing, listen, refuseFromNow: () => void (isAllowed = false) };
}
const news = (n: number) => new RegExp(`(event: news\\ndata: \\n\\n[^]*){${n}}`);

test("news of this member are told, and of no other", async () => {
  const { listeners, listen } = setUp();
  const here = await listen();
  expect(here.response.headers.get("content-type")).toBe("text/event-stream");
  await here.until(/retry/);
  listeners.tell(["did:plc:b"]);
  listeners.tell(["did:plc:a"]);
  expect(await here.until(news(1))).toBe("retry: 5000\n\nevent: news\ndata: \n\n");
  listeners.tell(["did:plc:a"]);
  expect(await here.until(news(2))).toMatch(news(2));
});

test("many at once are one, and the last is not lost", async () => {
  const { listeners, listen } = setUp({ restMs: 30 });
  const here = await listen();
  await here.until(/retry/);
  for (let i = 0; i < 1_000; i++) listeners.tell(["did:plc:a"]);
  await here.until(news(1));
  for (let i = 0; i < 1_000; i++) listeners.tell(["did:plc:a"]);
  const text = await here.until(news(2));
  expect(text.match(/event: news/g)).toHaveLength(2);
});

test("whoever may not see the page any more hears nothing more", async () => {
  const { listen, refuseFromNow, listeners } = setUp({ heartbeatMs: 10 });
  const here = await listen();
  await here.until(/\n:\n/);
  refuseFromNow();
  expect(await here.until(/never/)).toContain("[end]");
  await expect.poll(listeners.size).toBe(0);
  expect((await listen()).response.status).toBe(404);
});

test("it ends after its time, and when the server ends", async () => {
  const short = setUp({ longestMs: 20, heartbeatMs: 5 });
  expect(await (await short.listen()).until(/never/)).toContain("[end]");
  const { closing, listen } = setUp();
  const here = await listen();
  await here.until(/retry/);
  closing.abort();
  expect(await here.until(/never/)).toBe("retry: 5000\n\n[end]");
  expect((await listen()).response.status).toBe(503);
});

test("so many of one, and so many in all; a place that is left is free", async () => {
  const { listen, listeners } = setUp({ mostOfOne: 2, most: 3 });
  const first = await listen();
  await listen();
  expect((await listen()).response.status).toBe(503);
  await listen("ben");
  const refused = await listen("cleo");
  expect([refused.response.status, refused.response.headers.get("retry-after")]).toEqual([503, "60"]);
  await first.leave();
  await expect.poll(async () => (await listen("cleo", "did:plc:c")).response.status).toBe(200);
  await expect.poll(listeners.size).toBeGreaterThan(0);
});
