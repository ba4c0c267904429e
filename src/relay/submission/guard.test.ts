import { expect, test } from "vitest";
import { createLoginGuard } from "./guard.ts";

/** How many of twelve failures from these addresses, in turn, are too many. */
test.each<[what: string, addresses: string[], tooMany: number]>([
  ["one IPv4 address", ["192.0.2.1"], 2],
  ["two IPv4 addresses", ["192.0.2.1", "192.0.2.2"], 0],
  ["one IPv4 address, mapped and not", ["192.0.2.1", "::ffff:192.0.2.1"], 2],
  ["one IPv6 address", ["2001:db8::1"], 2],
  ["addresses of one /64", ["2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::3"], 2],
  ["addresses of two /64", ["2001:db8::1", "2001:db8:0:1::1"], 0],
])("%s", (_what, addresses, tooMany) => {
  const guard = createLoginGuard(() => 1_000_000);
  const failures = Array.from({ length: 12 }, (_, i) => guard.failed(addresses[i % addresses.length]!));
  expect(failures.filter(Boolean)).toHaveLength(tooMany);
});

test("ten at once, then one a minute", () => {
  let now = 1_000_000;
  const guard = createLoginGuard(() => now);
  for (let n = 0; n < 10; n++) expect(guard.failed("192.0.2.1")).toBe(false);
  expect(guard.failed("192.0.2.1")).toBe(true);
  now += 60_000;
  expect([guard.failed("192.0.2.1"), guard.failed("192.0.2.1")]).toEqual([false, true]);
});
