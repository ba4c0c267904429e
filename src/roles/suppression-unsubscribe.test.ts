import { expect, test } from "vitest";
import { eventMaker, type Envelope } from "../event/index.ts";
import { MovableClock } from "../lib/clock.ts";
import { silentLog } from "../platform/log.ts";
import type { Spool } from "../spool/index.ts";
import { createUnsubscribe, unsubscribePages } from "./suppression-unsubscribe.ts";

const clock = new MovableClock(Date.UTC(2026, 0, 1, 12));
const told: string[] = [];
const spool: Pick<Spool, "appendEvents"> = {
  async appendEvents(events) {
    told.push(...events.map((one: Envelope) => one.data.data.dedupe_key));
  },
};
const unsubscribe = createUnsubscribe({
  key: new Uint8Array(32).fill(5),
  publicUrl: "https://coop.test",
  keyOf: () => "k".repeat(22),
  spool,
  newEvent: eventMaker(
    () => clock.now(),
    () => "e",
  ),
  clock,
});
const trusted: string[] = [];
const app = unsubscribePages({ unsubscribe, trusted, clock, log: silentLog });
const about = { did: "did:plc:ada", fromDomain: "alder.test", address: "eve@bigmail.test" };
const path = new URL(unsubscribe.url(about)).pathname.slice("/u".length);
const env = { incoming: { socket: { remoteAddress: "192.0.2.1" } } };
const ask = (init: RequestInit, at = path) => app.request(at, init, env);

const YES = "List-Unsubscribe=One-Click";
const form = { "content-type": "application/x-www-form-urlencoded" };
const multipart = (() => {
  const data = new FormData();
  data.set("List-Unsubscribe", "One-Click");
  return data;
})();

test.each<[string, RequestInit, string, number, number]>([
  ["GET, as scanners do", {}, path, 200, 0],
  ["GET with the word in the query", {}, `${path}?${YES}`, 200, 0],
  ["HEAD", { method: "HEAD" }, path, 200, 0],
  ["OPTIONS", { method: "OPTIONS" }, path, 405, 0],
  ["PUT", { method: "PUT", body: YES, headers: form }, path, 405, 0],
  ["POST of a form (RFC 8058)", { method: "POST", body: YES, headers: form }, path, 200, 1],
  ["POST of multipart/form-data", { method: "POST", body: multipart }, path, 200, 1],
  [
    "POST from another site, without cookies",
    { method: "POST", body: YES, headers: { ...form, origin: "https://mail.test" } },
    path,
    200,
    1,
  ],
  ["POST of nothing", { method: "POST" }, path, 400, 0],
  ["POST of something else", { method: "POST", body: "a=b", headers: form }, path, 400, 0],
  ["POST of JSON", { method: "POST", body: "{}", headers: { "content-type": "text/json" } }, path, 400, 0],
  [
    "POST of a form that is broken",
    { method: "POST", body: "--x", headers: { "content-type": "multipart/form-data; boundary=y" } },
    path,
    400,
    0,
  ],
  ["POST of too much", { method: "POST", body: "a".repeat(5_000), headers: form }, path, 413, 0],
  ["POST to a token that was altered", { method: "POST", body: YES, headers: form }, `${path}A`, 404, 0],
  ["POST to no token", { method: "POST", body: YES, headers: form }, "/", 404, 0],
])("%s", async (_name, init, at, status, events) => {
  told.length = 0;
  const response = await ask(init, at);
  expect([response.status, told.length]).toEqual([status, events]);
  expect([response.headers.get("set-cookie"), response.headers.get("location")]).toEqual([null, null]);
});

test("who asks again in a minute has asked once; who asks again after a release is heard", async () => {
  told.length = 0;
  const post = () => ask({ method: "POST", body: YES, headers: form });
  await post();
  await post();
  clock.advance(60_000);
  await post();
  expect([told.length, new Set(told).size]).toEqual([3, 2]);
});

test("a token has ten requests at once", async () => {
  clock.advance(3_600_000);
  const statuses: number[] = [];
  for (let n = 0; n < 12; n++)
    statuses.push((await ask({ method: "POST", body: YES, headers: form })).status);
  expect(statuses.filter((status) => status === 429)).toHaveLength(2);
});
