import { describe, expect, test } from "vitest";
import { isPublicAddress, literalAddress, reverseName } from "./index.ts";

describe("an address of the public internet", () => {
  test.each([
    "1.1.1.1",
    "100.63.255.255",
    "172.32.0.1",
    "223.255.255.255",
    "2606:4700::1111",
    "2A00:1450::1",
    "64:ff9b::1.1.1.1",
  ])("%s", (address) => expect(isPublicAddress(address)).toBe(true));
  test.each([
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.31.255.255",
    "192.0.2.1",
    "192.168.1.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:10.0.0.1",
    "::ffff:1.1.1.1",
    "64:ff9b::10.1.1.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1.1.1.1",
    "2001:db8::1",
    "2002:a00::1",
    "fc00::1",
    "fe80::1",
    "fe80::1%eth0",
    "ff02::1",
    "x.test",
    "",
    "1.2.3",
  ])("not %s", (address) => expect(isPublicAddress(address)).toBe(false));
});

test("the name of a PTR record", () => {
  expect(reverseName("192.0.2.7")).toBe("7.2.0.192.in-addr.arpa");
  expect(reverseName("2001:db8::567:89ab")).toBe(
    "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
  );
  expect(reverseName("::")).toBe(`${"0.".repeat(32)}ip6.arpa`);
  expect(reverseName("::ffff:192.0.2.7")).toBe(`7.0.2.0.0.0.0.c.f.f.f.f.${"0.".repeat(20)}ip6.arpa`);
  expect(reverseName("mx.test")).toBeUndefined();
});

test.each([
  ["[192.0.2.1]", "192.0.2.1"],
  ["[IPv6:2001:DB8::1]", "2001:db8::1"],
  ["[ipv6:::1]", "::1"],
  ["[192.0.2]", undefined],
  ["[192.0.2.256]", undefined],
  ["[2001:db8::1]", undefined],
  ["[IPv6:192.0.2.1]", undefined],
  ["[IPv6:fe80::1%eth0]", undefined],
  ["192.0.2.1", undefined],
  ["[x400:c=x]", undefined],
  ["a.test", undefined],
])("the address in %s: %s", (domain, address) => expect(literalAddress(domain)).toBe(address));
