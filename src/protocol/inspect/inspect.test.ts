import { describe, expect, test } from "vitest";
import { AMAZON_CASES } from "./fixtures/amazon.ts";
import { ANNA, dsn, failed, qmail, SENDER } from "./fixtures/build.ts";
import type { Case } from "./fixtures/case.ts";
import { LANGUAGE_CASES } from "./fixtures/languages.ts";
import { NO_BOUNCE_CASES } from "./fixtures/no-bounces.ts";
import { REPLY_CASES } from "./fixtures/replies.ts";
import { SHAPE_CASES } from "./fixtures/shapes.ts";
import { inspect } from "./index.ts";

const CASES: readonly Case[] = [
  ...REPLY_CASES,
  ...LANGUAGE_CASES,
  ...SHAPE_CASES,
  ...AMAZON_CASES,
  ...NO_BOUNCE_CASES,
];

describe("known answers", () => {
  test.each(CASES.map((one) => [one.name, one] as const))("%s", async (_, one) => {
    const got = await inspect(one.raw);
    expect(got.kind).toBe(one.kind ?? "bounce");
    if (got.kind !== "bounce") return expect(got.recipients).toEqual([]);
    expect(got.recipients).toHaveLength(1);
    expect(got.recipients[0]).toMatchObject({
      address: one.address ?? ANNA,
      action: one.action ?? "failed",
      class: one.class,
      permanent: one.permanent,
      ...(one.status !== undefined && { status: one.status }),
    });
  });
});

test("several recipients, each with its own end", async () => {
  const raw = dsn([
    ...failed("5.1.1", "550 5.1.1 no such user"),
    "",
    ...failed("5.2.2", "552 5.2.2 mailbox full", "bert@far.test"),
    "",
    "Final-Recipient: rfc822; carl@far.test",
    "Action: delivered",
    "Status: 2.0.0",
  ]);
  const { recipients } = await inspect(raw);
  expect(recipients.map((one) => [one.address, one.action, one.class, one.permanent, one.fault])).toEqual([
    [ANNA, "failed", "bad-mailbox", true, "recipient"],
    ["bert@far.test", "failed", "mailbox-full", false, "recipient"],
    ["carl@far.test", "delivered", "unknown", false, "unknown"],
  ]);
});

test("who said it, and in which words", async () => {
  const { recipients } = await inspect(dsn(failed("5.7.1", "550 5.7.1 blocked using list.test")));
  expect(recipients[0]).toMatchObject({
    fault: "pool",
    remoteMta: "mx1.far.test",
    diagnostic: "550 5.7.1 blocked using list.test",
  });
});

test.each([
  ["in a part", dsn(failed("5.1.1", "550 no such user"))],
  ["in the text", qmail("550 no such user")],
])("what it quotes of the original %s", async (_, raw) => {
  const { original } = await inspect(raw);
  expect(original).toMatchObject({ messageId: "<m1@pds.test>", returnPaths: [SENDER] });
  expect(original?.original).toMatchObject({ subject: "Your code" });
});
