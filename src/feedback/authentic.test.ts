import { expect, test } from "vitest";
import type { Authentication } from "../protocol/authentication/index.ts";
import { originOf, type LateBounce } from "./authentic.ts";

const none: Authentication = {
  spf: { result: "none", domain: "" },
  dkim: [],
  dmarc: { result: "none", domain: "", policy: "" },
  arc: { result: "none" },
  results: "none",
};
const spf = (domain: string, result = "pass"): Partial<LateBounce> => ({
  authentication: { ...none, spf: { result, domain } },
});
const dkim = (domain: string, result = "pass"): Partial<LateBounce> => ({
  authentication: { ...none, dkim: [{ domain, selector: "s", result }] },
});
const bounce: LateBounce = {
  mailFrom: "",
  ip: "203.0.113.9",
  authentication: none,
  about: "bob@hosted.co.uk",
  recipient: { address: "bob@hosted.co.uk", domain: "hosted.co.uk" },
  takenBy: "mx1.in.bigmail.com [192.0.2.25]",
};

test.each<[string, Partial<LateBounce>, string | false]>([
  ["signed by the recipient's domain", dkim("hosted.co.uk"), "hosted.co.uk"],
  ["by a host below it", spf("out.hosted.co.uk"), "hosted.co.uk"],
  [
    "by DMARC",
    { authentication: { ...none, dmarc: { result: "pass", domain: "hosted.co.uk", policy: "" } } },
    "hosted.co.uk",
  ],
  ["by another host of who took it", spf("out7.bigmail.com"), "bigmail.com"],
  ["of the host that took it, with nothing published", { ip: "192.0.2.25" }, "192.0.2.25"],
  [
    "of its IPv6 network",
    { ip: "2001:db8::9", takenBy: "mx.bigmail.com [2001:db8::1]" },
    "2001:db8:0:0::/64",
  ],
  [
    "with mailer-daemon for a sender",
    { ...spf("out7.bigmail.com"), mailFrom: "MAILER-DAEMON@bigmail.com" },
    "bigmail.com",
  ],
  ["that names nobody: the token does", { ...dkim("hosted.co.uk"), about: "" }, "hosted.co.uk"],
  ["in capitals", { ...dkim("hosted.co.uk"), about: "BOB@hosted.co.uk" }, "hosted.co.uk"],
  ["that nothing proves", {}, false],
  ["of a neighbour of the host that took it", { ip: "192.0.2.26" }, false],
  ["signed by another domain", dkim("elsewhere.test"), false],
  ["of a domain below the same public suffix", dkim("other.co.uk"), false],
  ["with a signature that does not hold", dkim("hosted.co.uk", "fail"), false],
  ["while the DNS is out", spf("out7.bigmail.com", "temperror"), false],
  [
    "that the owner of a mailbox there sent",
    { ...dkim("hosted.co.uk"), mailFrom: "bob@hosted.co.uk" },
    false,
  ],
  ["about somebody else", { ...dkim("hosted.co.uk"), about: "eve@hosted.co.uk" }, false],
  ["when nobody knows who took it", { ip: "192.0.2.25", takenBy: "" }, false],
])("a report %s", (_, more, reporter) => {
  const expected = reporter === false ? { authentic: false } : { authentic: true, reporter };
  expect(originOf({ ...bounce, ...more })).toEqual(expected);
});
