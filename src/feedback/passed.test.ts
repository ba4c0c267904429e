import { beforeEach, describe, expect, test } from "vitest";
import { srsAddress } from "../protocol/srs/index.ts";
import { makeReturnPath, makeToken } from "../protocol/verp/index.ts";
import type { Incoming } from "./index.ts";
import {
  arf,
  deliver,
  dsn,
  events,
  feedback,
  inbox,
  key,
  messageToken,
  quoting,
  readingWith,
  receive,
  recipientId,
  returnPath,
  spool,
  useFeedback,
  yahoo,
} from "./feedback.fixture.ts";

useFeedback();
let passed: Incoming[];
const elsewhere = "eeeeffffgggghhhh";
const pathElsewhere = makeReturnPath(makeToken(elsewhere, key), "bounce.alder.test");
const bounce = dsn("failed", "5.1.1", "550 5.1.1 User unknown");

beforeEach(() => {
  passed = [];
  readingWith({ passOn: async (mail) => void passed.push(mail) });
});

describe("one node of several", () => {
  test("a bounce of mail that another node sent is admitted, and passed on whole", async () => {
    expect(await feedback.admit(pathElsewhere)).toMatchObject({ ok: true });
    expect(await receive(pathElsewhere, bounce)).toEqual({ outcome: "passed-on" });
    expect(passed).toMatchObject([{ to: pathElsewhere, raw: bounce, authentication: { spf: {} } }]);
    expect(await events()).toEqual([]);
  });

  test("what is of here stays here", async () => {
    await deliver();
    expect(await receive(returnPath, bounce)).toEqual({ outcome: "bounced", recipientId });
    expect(passed).toEqual([]);
  });

  const srs = srsAddress(elsewhere, "bounce.coop.test", key, Date.UTC(2026, 0, 1));
  test.each<[string, string, Buffer, Partial<Incoming>, string]>([
    ["a complaint at its return path", pathElsewhere, arf("abuse", "<>"), {}, "passed-on"],
    ["one that quotes its return path", "fbl@coop.test", arf("abuse", pathElsewhere), {}, "passed-on"],
    [
      "one with our opaque header",
      "abuse@coop.test",
      quoting(`X-Atmos-Message: ${makeToken(elsewhere, key)}`),
      {},
      "passed-on",
    ],
    [
      "one with our header that also names a member, from a provider",
      "fbl@coop.test",
      quoting(`X-Atmos-Message: ${makeToken(elsewhere, key)}`, "Feedback-ID: bulk:m7:eu:atmosmail"),
      yahoo,
      "passed-on",
    ],
    [
      "one that names a member alone counts where it comes",
      "fbl@coop.test",
      quoting("Feedback-ID: bulk:m7:eu:atmosmail"),
      yahoo,
      "complained",
    ],
    [
      "a forged header",
      "fbl@coop.test",
      quoting(`X-Atmos-Message: ${makeToken(elsewhere, new Uint8Array(32))}`),
      {},
      "kept-for-people",
    ],
    ["a bounce of a forward", srs, bounce, {}, "passed-on"],
  ])("%s", async (_, to, raw, more, outcome) => {
    expect(await receive(to, raw, more)).toMatchObject({ outcome });
    expect(passed).toHaveLength(outcome === "passed-on" ? 1 : 0);
  });
});

describe("what was passed on to here", () => {
  const take = (to: string, raw: Buffer, more: Partial<Incoming> = {}) =>
    feedback.receive(
      {
        to,
        raw,
        mailFrom: "",
        from: "mx.bigmail.test",
        ip: "192.0.2.1",
        tls: null,
        ...yahoo,
        ...more,
      },
      true,
    );

  test("a bounce counts once, however often it comes", async () => {
    await deliver();
    expect(await take(returnPath, bounce)).toEqual({ outcome: "bounced", recipientId });
    expect(await take(returnPath, bounce)).toMatchObject({ outcome: "ignored" });
    expect(await events()).toHaveLength(1);
  });

  test.each([
    ["the return path", returnPath, arf("abuse", "<>"), "complained"],
    ["our header", "fbl@coop.test", quoting(`X-Atmos-Message: ${messageToken}`), "complained"],
    // The node that took it does that: two nodes would count it twice.
    ["a member alone", "fbl@coop.test", quoting("Feedback-ID: bulk:m7:eu:atmosmail"), "ignored"],
    ["nothing", "fbl@coop.test", quoting("Subject: hello"), "ignored"],
    ["a message that is not here", pathElsewhere, arf("abuse", "<>"), "ignored"],
  ])("a complaint that names %s", async (_, to, raw, outcome) => {
    await deliver();
    expect(await take(to, raw)).toMatchObject({ outcome });
    expect([...inbox.list({})]).toEqual([]);
    expect(passed).toEqual([]);
  });

  test("it is passed on no further", async () => {
    expect(await take(pathElsewhere, bounce)).toMatchObject({ outcome: "ignored" });
    expect(passed).toEqual([]);
    expect(await spool.messageByRecipient(elsewhere)).toBeUndefined();
  });
});
