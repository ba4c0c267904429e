import { expect, test } from "vitest";
import { destinationOf, familiesOf, hostsOf } from "./departure.ts";
import { warmupOutcome } from "./follow.ts";
import type { MailHost } from "./route.ts";
import { waysOf } from "./ways.ts";

const host = (name: string, ...addresses: string[]): MailHost => ({
  name,
  addresses,
  mxSecure: false,
  dane: { status: "none", why: "" },
});
const route = (provider: string, ...hosts: MailHost[]) => ({ ok: true as const, provider, hosts });
const none = { domain: "a.test", sts: { policy: undefined, fault: undefined }, rule: undefined };

test("the same hosts are one destination, in whichever order they are tried", () => {
  const [a, b] = [host("a.test"), host("b.test")];
  expect(hostsOf(route("other", a, b))).toBe(hostsOf(route("other", b, a)));
  expect(destinationOf(route("other", b, a))).toBe("a.test b.test");
  expect(destinationOf(route("gmail", b, a))).toBe("gmail");
});

test("kinds of address that are left to try", () => {
  const ways = waysOf([host("a.test", "192.0.2.1"), host("b.test", "2001:db8::1", "192.0.2.2")], none);
  expect(familiesOf(ways)).toEqual(new Set(["ipv4", "ipv6"]));
  expect(familiesOf(ways, new Set(["ipv4"]))).toEqual(new Set(["ipv6"]));
  expect(familiesOf(ways, new Set(["ipv4", "ipv6"]))).toEqual(new Set());
});

type Judged = Parameters<typeof warmupOutcome>;
test.each<[string, ...Judged, ReturnType<typeof warmupOutcome>]>([
  ["taken", { class: "ok", permanent: false, fault: "none" }, "delivered"],
  ["a rate", { class: "rate-limited", permanent: false, fault: "pool" }, "deferred"],
  ["a rate of the recipient", { class: "rate-limited", permanent: false, fault: "recipient" }, undefined],
  ["a block, though it is tried again", { class: "blocked", permanent: false, fault: "pool" }, "blocked"],
  ["a policy against us for good", { class: "policy", permanent: true, fault: "pool" }, "blocked"],
  ["a mailbox that is not there", { class: "bad-mailbox", permanent: true, fault: "recipient" }, "bounced"],
  ["a mailbox that is full", { class: "mailbox-full", permanent: false, fault: "recipient" }, undefined],
  ["content", { class: "content", permanent: true, fault: "member" }, "bounced"],
  ["a greylist", { class: "greylisted", permanent: false, fault: "none" }, undefined],
  ["nobody was reached", { class: "network", permanent: false, fault: "remote" }, undefined],
  ["a fault of theirs", { class: "system", permanent: false, fault: "remote" }, undefined],
  ["no TLS", { class: "no-tls", permanent: false, fault: "remote" }, undefined],
])("what %s says of our address", (_name, judged, expected) => {
  expect(warmupOutcome(judged)).toBe(expected);
});
