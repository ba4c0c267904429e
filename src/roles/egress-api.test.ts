import { afterEach, beforeEach, expect, test } from "vitest";
import {
  createEgress,
  createEgressNotices,
  egressMigration,
  egressNoticeMigration,
  type EgressStatus,
  type RunningEgress,
} from "../egress/index.ts";
import { MovableClock } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { createResolver } from "../platform/dns/index.ts";
import { createLog } from "../platform/log.ts";
import { createMetrics } from "../platform/metrics.ts";
import { egressApi } from "./egress-api.ts";

const clock = new MovableClock(Date.UTC(2026, 4, 1));
const log = createLog("silent");
let db: Database;
let egress: RunningEgress;
let api: ReturnType<typeof egressApi>;

beforeEach(() => {
  db = new Database(":memory:", [egressMigration, egressNoticeMigration]);
  const notices = createEgressNotices(db);
  egress = createEgress({
    db,
    addresses: [{ address: "2001:db8::1", ehlo: "mx1.coop.example" }],
    warm: new Set<string>(),
    blocklists: [],
    lastListed: "codes",
    allowPrivate: false,
    resolver: createResolver({ servers: ["127.0.0.1:9"] }),
    clock,
    log,
    metrics: createMetrics(),
    localFault: async () => undefined,
    notify: notices.add,
  });
  api = egressApi({ egress, notices, clock, mayAct: (token) => token === "committee", log });
});
afterEach(() => {
  egress.close();
  db.close();
});

async function ask(method: string, path: string, body?: unknown, token = "committee") {
  const response = await api.request(path, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

test("a person pauses an address and lets it back, and both are told", async () => {
  const body = { address: "2001:DB8::1", by: "ann", why: "renumbering" };
  expect(await ask("POST", "/pause", body)).toMatchObject({ status: 200 });
  const paused = await ask("GET", "/");
  expect((paused.body["addresses"] as EgressStatus[])[0]).toMatchObject({
    ehlo: "mx1.coop.example",
    out: { reason: "by-hand", why: "ann: renumbering" },
  });
  expect(await ask("POST", "/resume", { ...body, why: "done" })).toMatchObject({ status: 200 });
  const after = await ask("GET", "/");
  expect((after.body["addresses"] as EgressStatus[])[0]).not.toHaveProperty("out");
  // It was the only one.
  expect(after.body["notices"]).toMatchObject([
    { change: "released", why: "ann: done" },
    { change: "some-left" },
    { change: "held", why: "ann: renumbering" },
    { change: "none-left", why: expect.stringContaining("ann: renumbering") },
  ]);
});

test.each<[string, unknown, string | undefined, number, RegExp]>([
  ["of a stranger", { address: "2001:db8::1", by: "a", why: "b" }, "nobody", 401, /committee/],
  ["without a reason", { address: "2001:db8::1", by: "a", why: " " }, undefined, 400, /why/],
  [
    "of an address that is not ours",
    { address: "192.0.2.1", by: "a", why: "b" },
    undefined,
    404,
    /2001:db8::1/,
  ],
])("a pause %s is refused", async (_, body, token, status, message) => {
  const answer = await ask("POST", "/pause", body, token);
  expect(answer.status).toBe(status);
  expect(String(answer.body["message"])).toMatch(message);
  expect(egress.status(clock.now())[0]!.out).toBeUndefined();
});
