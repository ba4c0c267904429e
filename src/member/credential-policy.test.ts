import { expect, test } from "vitest";
import { DAY_MS } from "../lib/clock.ts";
import { policiesOf } from "./credential-policy.ts";
import type { CredentialRow } from "./schema.ts";

const NOW = 100 * DAY_MS;
const row = (change: Partial<CredentialRow>): CredentialRow => ({
  id: "c1",
  did: "did:plc:a",
  name: "pds",
  username: "a-1",
  hash: "h",
  secret_key: "k1",
  domains: '["a.test"]',
  streams: '["bulk"]',
  hourly: null,
  daily: 5,
  created_at: 0,
  revoked_at: null,
  revoked_by: null,
  stolen: 0,
  vouched: 0,
  replaced_by: null,
  last_used_at: null,
  last_address: null,
  ...change,
});
const ago = (ms: number) => ({ revoked_at: NOW - ms });

test.each<[string, Partial<CredentialRow>, object | "gone" | "forgotten"]>([
  ["in use", {}, { revoked: false, key: "k1", daily: 5, domains: ["a.test"], streams: ["bulk"] }],
  ["in use, from before there were keys", { secret_key: null }, { revoked: false }],
  ["revoked now", ago(0), { revoked: true, revokedAt: NOW }],
  ["as long ago as mail can wait", ago(5 * DAY_MS), { revoked: true }],
  ["seven days ago", ago(7 * DAY_MS), { revoked: true }],
  ["a millisecond more", ago(7 * DAY_MS + 1), "gone"],
  ["years ago", ago(99 * DAY_MS), "gone"],
  ["years ago, without a key", { ...ago(99 * DAY_MS), secret_key: null }, "forgotten"],
  ["stolen, of late", { ...ago(DAY_MS), stolen: 1 }, { revoked: true, stolen: true }],
  ["stolen, long ago", { ...ago(8 * DAY_MS), stolen: 1 }, "gone"],
  [
    "replaced by its owner, of late",
    { ...ago(DAY_MS), vouched: 1 },
    { revoked: true, resumedUpTo: NOW - DAY_MS },
  ],
  ["replaced by its owner, long ago", { ...ago(8 * DAY_MS), vouched: 1 }, "gone"],
  ["revoked by a clock that was ahead", ago(-DAY_MS), { revoked: true }],
])("what relay nodes know of a credential: %s", (_, change, expected) => {
  const { credentials, gone } = policiesOf([row(change)], NOW);
  if (typeof expected === "object") {
    expect(credentials).toEqual([expect.objectContaining(expected)]);
    expect(gone).toBeUndefined();
  } else {
    expect(credentials).toEqual([]);
    expect(gone).toEqual(expected === "gone" ? ["k1"] : undefined);
  }
});

test("of those long gone the latest hundred keys are known, so a policy does not grow for ever", () => {
  const rows = Array.from({ length: 1_000 }, (_, i) =>
    row({ id: `c${i}`, secret_key: `k${i}`, ...ago((10 + i) * DAY_MS) }),
  );
  const { credentials, gone } = policiesOf([row({ id: "now" }), ...rows.toReversed()], NOW);
  expect(credentials.map(({ id }) => id)).toEqual(["now"]);
  expect(gone).toEqual(rows.slice(0, 100).map((one) => one.secret_key));
});
