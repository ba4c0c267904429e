import { PUBLIC, PUBLIC6, type Situations } from "./fixture.ts";
import { reverseName } from "../../../protocol/dns/index.ts";

const egress = (...addresses: string[]) => ({
  attestation: { egress: addresses.map((address) => ({ address })) },
});
const reverse = reverseName(PUBLIC)!;
const reverse6 = reverseName(PUBLIC6)!;
const named = [`${reverse} PTR mx.x.test`, `mx.x.test A ${PUBLIC}`];

export const ptr: Situations = {
  check: "ptr",
  cases: [
    ["nothing claimed", [], "-", "", { attestation: {} }],
    ["no attestation", [], "-", ""],
    ["forward confirmed", named, "pass", "", egress(PUBLIC)],
    [
      "IPv6, written in full",
      [`${reverse6} PTR mx.x.test`, "mx.x.test AAAA 2001:0503:ba3e:0000:0000:0000:0002:0030"],
      "pass",
      "",
      egress(PUBLIC6),
    ],
    ["one of two names leads back", [...named, `${reverse} PTR other.test`], "pass", "", egress(PUBLIC)],
    ["no name: NXDOMAIN", [], "fail", "ptr-missing", egress(PUBLIC)],
    ["no name: no data", [`${reverse} TXT hello`], "fail", "ptr-missing", egress(PUBLIC)],
    [
      "the name leads elsewhere",
      [`${reverse} PTR mx.x.test`, "mx.x.test A 198.41.0.5"],
      "fail",
      "ptr-not-confirmed",
      egress(PUBLIC),
    ],
    ["the name leads nowhere", [`${reverse} PTR mx.x.test`], "fail", "ptr-not-confirmed", egress(PUBLIC)],
    [
      "a customer's line",
      [`${reverse} PTR ip-198-41-0-4.isp.test`, `ip-198-41-0-4.isp.test A ${PUBLIC}`],
      "warn",
      "ptr-generic",
      egress(PUBLIC),
    ],
    [
      "a customer's line, reversed",
      [`${reverse} PTR 4.0.41.198.isp.test`, `4.0.41.198.isp.test A ${PUBLIC}`],
      "warn",
      "ptr-generic",
      egress(PUBLIC),
    ],
    ["a private address", [], "fail", "ptr-private-address", egress("10.0.0.1")],
    ["a network", [], "fail", "ptr-syntax", egress("198.41.0.0/24")],
    ["one of two", named, "fail", "ptr-missing", egress(PUBLIC, PUBLIC6)],
    ["silent", [`! ${reverse} servfail`], "temperror", "dns-servfail", egress(PUBLIC)],
    [
      "the name silent",
      [`${reverse} PTR mx.x.test`, "! mx.x.test timeout"],
      "temperror",
      "dns-timeout",
      egress(PUBLIC),
    ],
  ],
};
