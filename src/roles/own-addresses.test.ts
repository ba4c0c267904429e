import { expect, test } from "vitest";
import { ownAddresses } from "./own-addresses.ts";

const local = ["127.0.0.1", "192.168.1.2", "2001:db8::2", "fe80::1%eth0"];
const egress = [{ address: "192.0.2.7", ehlo: "mx.coop.test" }];

test.each<[string, host: string, port: number, address: string, own: boolean]>([
  ["listening on all, an address of this host", "0.0.0.0", 25, "192.168.1.2", true],
  ["listening on all, written otherwise", "::", 25, "2001:DB8:0::2", true],
  ["listening on all, an IPv4 address in IPv6", "::", 25, "::ffff:192.168.1.2", true],
  ["listening on all, an address that mail leaves from", "::", 25, "192.0.2.7", true],
  ["listening on all, somebody else", "::", 25, "192.0.2.8", false],
  ["listening at one, that", "192.0.2.1", 25, "192.0.2.1", true],
  ["listening at one, another of this host", "192.0.2.1", 25, "192.168.1.2", false],
  ["listening at one, an address that mail leaves from", "192.0.2.1", 25, "192.0.2.7", false],
  ["listening on another port", "192.0.2.1", 2525, "192.0.2.1", false],
  ["behind a NAT, on another port", "192.168.1.2", 2525, "198.51.100.9", true],
  ["no address", "::", 25, "mx.test", false],
])("%s", (_name, host, port, address, own) => {
  const config = {
    INBOUND_ADDRESS: { host, port },
    DELIVERY_PORT: 25,
    EGRESS_ADDRESSES: egress,
    NAT_ADDRESSES: ["198.51.100.9"],
  };
  expect(ownAddresses(config, local)(address)).toBe(own);
});
