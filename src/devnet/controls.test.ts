import { expect, test } from "vitest";
import { controls } from "./controls.tsx";

const HOUR_MS = 3_600_000;

function byHand() {
  const done: unknown[] = [];
  let now = Date.UTC(2026, 5, 1, 12);
  const app = controls({
    now: () => now,
    async advance(ms) {
      now += ms;
    },
    hosts: () => [{ mx: "mx.bigmail.test", domains: ["bigmail.test"], erring: false }],
    err: (...args) => done.push(["err", ...args]),
    complain: (id) => id === 7 && done.push(["complain", id]) > 0,
    home: { text: "Sandbox", href: "/" },
    nav: [],
  });
  const post = (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
    app.request(path, { method: "POST", body: new URLSearchParams(fields), headers });
  return { app, done, post, now: () => now };
}

test("the clock is moved on by hours, and told", async () => {
  const { app, post, now } = byHand();
  const before = now();
  const reply = await post("/clock", { hours: "1.5" });
  expect([reply.status, await reply.text()]).toEqual([
    303,
    "The clock stands at 2026-06-01T13:30:00.000Z.\n",
  ]);
  expect(now() - before).toBe(1.5 * HOUR_MS);
  const page = await (await app.request("/by-hand")).text();
  expect(page).toContain('datetime="2026-06-01T13:30:00.000Z"');
});

test.each(["", "0", "-1", "1441", "Infinity", "soon"])("not by %j hours", async (hours) => {
  const { post, now } = byHand();
  const before = now();
  const reply = await post("/clock", { hours });
  expect([reply.status, await reply.text()]).toEqual([400, expect.stringContaining("hours is a number")]);
  expect(now()).toBe(before);
});

test("a host errs and errs no more; one that is not there does neither", async () => {
  const { done, post } = byHand();
  expect((await post("/hosts", { mx: "mx.bigmail.test", refuses: "everybody" })).status).toBe(303);
  expect((await post("/hosts", { mx: "mx.bigmail.test", refuses: "nobody" })).status).toBe(303);
  expect((await post("/hosts", { mx: "mx.else.test", refuses: "nobody" })).status).toBe(400);
  expect(done).toEqual([
    ["err", "mx.bigmail.test", true],
    ["err", "mx.bigmail.test", false],
  ]);
});

test("a message that is there is called spam", async () => {
  const { done, post } = byHand();
  expect([(await post("/messages/7/spam", {})).status, (await post("/messages/8/spam", {})).status]).toEqual([
    303, 404,
  ]);
  expect(done).toEqual([["complain", 7]]);
});

test.each(["/clock", "/hosts", "/messages/7/spam"])("%s: not from somebody else's page", async (path) => {
  const { done, post, now } = byHand();
  const before = now();
  const fields = { hours: "1", mx: "mx.bigmail.test", refuses: "everybody" };
  expect((await post(path, fields, { "sec-fetch-site": "cross-site" })).status).toBe(403);
  expect([done, now()]).toEqual([[], before]);
  expect((await post(path, fields, { "sec-fetch-site": "same-origin" })).status).toBe(303);
});
