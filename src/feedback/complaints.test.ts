import { beforeEach, describe, expect, test } from "vitest";
import { makeToken } from "../protocol/verp/index.ts";
import type { Incoming } from "./index.ts";
import {
  recipientId,
  returnPath,
  forged,
  spool,
  inbox,
  forwards,
  alarms,
  deliver,
  events,
  arf,
  by,
  receive,
  DID,
  messageToken,
  quoting,
  useFeedback,
  readingWith,
  yahoo,
} from "./feedback.fixture.ts";

useFeedback();

const optOut = (...fields: string[]) =>
  Buffer.from(
    quoting(...fields)
      .toString()
      .replace("Feedback-Type: abuse", "Feedback-Type: opt-out"),
  );

describe("complaints", () => {
  beforeEach(() => deliver());

  test.each<[string, Buffer, Partial<Incoming>, string | undefined]>([
    ["the return path that they quote", arf("abuse", returnPath), {}, "token"],
    ["a return path in the quoted header", quoting(`Return-Path: <${returnPath}>`), {}, "token"],
    ["our opaque header", quoting(`X-Atmos-Message: ${messageToken}`), {}, "header"],
    [
      "a forged header",
      quoting(`X-Atmos-Message: ${makeToken("mmmmmmmmmmmmmmmm", new Uint8Array(32))}`),
      {},
      undefined,
    ],
    [
      "the Message-ID that the member gave it, from a provider",
      quoting("Message-ID: <Code.1@pds.Alder.test>"),
      yahoo,
      "message-id",
    ],
    ["its Message-ID, from anybody", quoting("Message-ID: <Code.1@pds.Alder.test>"), {}, undefined],
    ["a Message-ID at another domain", quoting("Message-ID: <Code.1@birch.test>"), yahoo, undefined],
    ["Feedback-ID, from a provider", quoting("Feedback-ID: bulk:m7:eu:atmosmail"), yahoo, "feedback-id"],
    ["Feedback-ID, from anybody", quoting("Feedback-ID: bulk:m7:eu:atmosmail"), {}, undefined],
    [
      "Feedback-ID, from one who says that it is a provider",
      quoting("Feedback-ID: bulk:m7:eu:atmosmail"),
      { authentication: by("yahoo.com", "fail") },
      undefined,
    ],
    ["Feedback-ID of another pool", quoting("Feedback-ID: bulk:m7:eu:otherpool"), yahoo, undefined],
    ["Feedback-ID of no member", quoting("Feedback-ID: bulk:m8:eu:atmosmail"), yahoo, undefined],
    ["nothing", quoting("Subject: x"), yahoo, undefined],
    ["a forged return path", arf("abuse", forged), {}, undefined],
  ])("are matched by %s", async (_, raw, more, matched) => {
    const received = await receive("fbl@coop.test", raw, more);
    expect(received).toMatchObject(
      matched ? { outcome: "complained", by: matched, did: DID } : { outcome: "kept-for-people" },
    );
    expect(await events()).toHaveLength(matched ? 1 : 0);
    expect([alarms, inbox.list({})[0]?.kind]).toEqual(
      matched ? [0, undefined] : [more.authentication?.dmarc.result === "fail" ? 0 : 1, "complaint"],
    );
  });

  test("who got one copy of a message says nothing for its other recipients, a provider does", async () => {
    const { message } = spool;
    const two = async (id: string) => {
      const found = await message(id);
      const [one] = found!.recipients;
      return { ...found!, recipients: [one!, { ...one!, id: "other", address: "victim@bigmail.test" }] };
    };
    readingWith({ spool: Object.assign(Object.create(spool), { message: two }) });
    const complaint = Buffer.from(
      quoting(`X-Atmos-Message: ${messageToken}`)
        .toString()
        .replace("Feedback-Type: abuse", "Feedback-Type: abuse\r\nOriginal-Rcpt-To: victim@bigmail.test"),
    );
    await receive("fbl@coop.test", complaint);
    await receive("fbl@coop.test", complaint, yahoo);
    expect((await events()).map(({ data }) => data.recipient?.domain)).toEqual(["", "bigmail.test"]);
  });

  test("without a recipient they count for the member, once each", async () => {
    const raw = quoting("Feedback-ID: bulk:m7:eu:atmosmail", "Message-ID: <1@alder.test>");
    for (let n = 0; n < 2; n++) await receive("fbl@coop.test", raw, yahoo);
    await receive(
      "fbl@coop.test",
      quoting("Feedback-ID: bulk:m7:eu:atmosmail", "Message-ID: <2@alder.test>"),
      yahoo,
    );
    const keys = (await events()).map(({ data }) => data.dedupe_key);
    expect(new Set(keys).size).toBe(2);
  });

  test("the same one twice has one name, and core counts it once", async () => {
    for (let n = 0; n < 2; n++) await receive("fbl@coop.test", arf("abuse", returnPath));
    expect(new Set((await events()).map(({ data }) => data.dedupe_key))).toEqual(
      new Set([`complaint:${recipientId}`]),
    );
  });

  test.each(["not-spam", "auth-failure"])("%s does not count", async (type) => {
    expect(await receive("fbl@coop.test", arf(type, returnPath))).toMatchObject({ outcome: "ignored" });
    expect(await events()).toEqual([]);
  });

  test.each<[string, Buffer, Partial<Incoming>, string | undefined]>([
    ["the return path", arf("opt-out", returnPath), {}, "token"],
    ["the return path, of the older draft", arf("opt-out-list", returnPath), {}, "token"],
    ["our opaque header", optOut(`X-Atmos-Message: ${messageToken}`), {}, "header"],
    ["a forged return path", arf("opt-out", forged), {}, undefined],
    ["Feedback-ID, which names no recipient", optOut("Feedback-ID: bulk:m7:eu:atmosmail"), yahoo, undefined],
    ["nothing", optOut("Subject: x"), yahoo, undefined],
  ])("an opt-out by %s unsubscribes whom it names, and is no complaint", async (_, raw, more, matched) => {
    for (let n = 0; n < 2; n++)
      expect(await receive("fbl@coop.test", raw, more)).toMatchObject(
        matched ? { outcome: "unsubscribed", by: matched, did: DID, recipientId } : { outcome: "ignored" },
      );
    const found = await events();
    expect(found.map(({ action_name }) => action_name)).toEqual(
      matched ? ["recipient_unsubscribed", "recipient_unsubscribed"] : [],
    );
    for (const { data } of found)
      expect(data).toMatchObject({
        dedupe_key: `opt-out:${recipientId}`,
        member: { did: DID, domain: "alder.test" },
        recipient: { key: "key-of-late@bigmail.test", domain: "bigmail.test" },
      });
    expect([alarms, inbox.list({}).length]).toEqual([0, 0]);
  });

  test("one that matches nothing and that nothing vouches for is kept aside: nobody is alarmed by it", async () => {
    const received = await receive("fbl@coop.test", quoting("Subject: x"), {
      authentication: by("a.test", "fail"),
    });
    expect(received).toMatchObject({ outcome: "kept-for-people" });
    expect([alarms, forwards.length, inbox.list({})[0]!.folder]).toEqual([0, 0, "spam"]);
  });

  test("one that matches nothing alarms once, however often it comes", async () => {
    for (let n = 0; n < 3; n++) await receive("fbl@coop.test", quoting("Subject: x"));
    expect([alarms, inbox.list({}).length]).toEqual([1, 1]);
    expect(forwards[0]).toMatchObject({ address: "rosa@people.test", member: null });
    expect(new Set(forwards.map(({ id }) => id)).size).toBe(1);
  });
});

describe("a complaint about mail that", () => {
  const about = () => receive("fbl@coop.test", arf("abuse", returnPath));
  test("has not left changes nothing", async () => {
    expect(await about()).toMatchObject({ outcome: "ignored", why: "its message has not left" });
    expect(await events()).toEqual([]);
  });
  test("was dropped before it left changes nothing", async () => {
    await spool.record([{ recipientId, state: "dropped", nextAt: 0, events: [] }], 1);
    expect(await about()).toMatchObject({ outcome: "ignored" });
  });
  test("is being delivered comes again", async () => {
    await spool.lease({ now: 10, max: 10, perDomain: 10, busy: [] });
    expect(await about()).toMatchObject({ outcome: "too-early" });
  });
});
