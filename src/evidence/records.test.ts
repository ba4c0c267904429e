import { expect, test } from "vitest";
import { authenticationOf } from "./records.ts";

const HOUR_MS = 3_600_000;

/** `P` passed, `F` failed; one an hour, and it is one hour after the last. */
test.each<[string, Partial<ReturnType<typeof authenticationOf>>]>([
  ["", { failed: 0, since_hours: 0, record: "", last_failed: 0, passed_hours: 0 }],
  ["P", { failed: 0, last_failed: 0, passed_hours: 0 }],
  ["F", { failed: 1, since_hours: 0, record: "seen 0", fix: "put 0", last_failed: 0 }],
  ["PFF", { failed: 2, since_hours: 1, record: "seen 2", fix: "put 2", last_failed: 0 }],
  ["FFP", { failed: 0, since_hours: 0, record: "", fix: "", last_failed: 2, passed_hours: 1 }],
  ["FFPPP", { failed: 0, last_failed: 2, passed_hours: 3 }],
  ["FFFPPF", { failed: 1, record: "seen 5", last_failed: 3, passed_hours: 3 }],
  ["FFFPFP", { failed: 0, last_failed: 1, passed_hours: 1 }],
])("checks of a domain: %s", (checks, expected) => {
  const told = Array.from(checks, (one, i) => ({
    at: i * HOUR_MS,
    passed: one === "P" ? 1 : 0,
    record: one === "P" ? "" : `seen ${i}`,
    fix: one === "P" ? "" : `put ${i}`,
  }));
  expect(authenticationOf(told, checks.length * HOUR_MS)).toMatchObject(expected);
});
