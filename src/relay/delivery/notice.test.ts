import { expect, test } from "vitest";
import type { BounceChoice, DomainPolicy } from "../../policy/index.ts";
import { isWanted, noticeAddress } from "./notice.ts";

const domain: DomainPolicy = {
  name: "member.test",
  status: "active",
  returnPath: null,
  addedAt: 0,
  keys: [],
};
const ops: BounceChoice = { to: "address", address: "ops@mail.test" };

test.each<[string, BounceChoice | undefined, string, string | undefined]>([
  ["nothing is chosen", undefined, "alice@member.test", undefined],
  ["the sender", { to: "sender" }, "noreply@news.member.test", "noreply@news.member.test"],
  ["the sender, who is a stranger", { to: "sender" }, "victim@other.test", undefined],
  ["the sender, and there is none", { to: "sender" }, "", undefined],
  ["an address, whoever the sender is", ops, "noreply@member.test", "ops@mail.test"],
  ["an address, and no sender", ops, "", "ops@mail.test"],
  ["what is no address", { to: "address", address: "x@y\r\nBcc: z@w.test" }, "alice@member.test", undefined],
  ["nobody", { to: "nobody" }, "alice@member.test", undefined],
])("a notice goes to: %s", (_name, bounces, sender, to) => {
  expect(noticeAddress({ domains: [domain], ...(bounces && { bounces }) }, sender)).toBe(to);
});

test("who is no member gets none", () => {
  expect(noticeAddress(undefined, "alice@member.test")).toBeUndefined();
});

test.each([
  ["failed", null, true],
  ["delayed", null, true],
  ["delivered", null, false],
  ["delayed", "FAILURE", false],
  ["delayed", "SUCCESS,DELAY", true],
  ["failed", "DELAY", false],
  ["expired", "NEVER", false],
  ["delayed", "NEVER", false],
  ["relayed", "SUCCESS", true],
] as const)("%s is told where NOTIFY is %s: %s", (kind, notify, wanted) => {
  expect(isWanted(kind, notify)).toBe(wanted);
});
