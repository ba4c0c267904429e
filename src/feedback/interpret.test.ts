import { expect, test } from "vitest";
import { interpret } from "./interpret.ts";
import { builtInShaping } from "../shaping/index.ts";

const shaping = builtInShaping();
const failed = {
  address: "a@hotmail.com",
  action: "failed",
  status: "5.7.1",
  class: "blocked",
  permanent: false,
  fault: "pool",
  remoteMta: "hotmail-com.olc.protection.outlook.com",
  diagnostic: "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent (S3140)",
} as const;

test("what a report means", () => {
  const autoReply = interpret({ kind: "auto-reply", recipients: [] }, "mx", shaping);
  expect(autoReply).toEqual({ kind: "nothing", why: "auto-reply" });
  const delay = interpret({ kind: "bounce", recipients: [{ ...failed, action: "delayed" }] }, "mx", shaping);
  expect(delay).toEqual({ kind: "nothing", why: "delayed" });
});

test("a report's words are judged by the rules of the host that refused", () => {
  expect(interpret({ kind: "bounce", recipients: [failed] }, "mx.test", shaping)).toMatchObject({
    kind: "bounced",
    smtp: { provider: "outlook", class: "blocked", fault: "pool", rule: "microsoft/s3140" },
  });
});

test("where no rule knows the words, the whole bounce says what they mean", () => {
  const quota = {
    ...failed,
    remoteMta: "",
    status: "5.0.0",
    class: "mailbox-full",
    diagnostic: "Nein",
  } as const;
  expect(interpret({ kind: "bounce", recipients: [quota] }, "mx.test", shaping)).toMatchObject({
    kind: "bounced",
    smtp: { provider: "other", class: "mailbox-full", fault: "recipient" },
  });
});
