import { expect, test } from "vitest";
import { makeReturnPath, makeToken } from "../protocol/verp/index.ts";
import { makeTestAddress, newTestId } from "../test-mail/index.ts";
import {
  by,
  clock,
  DID,
  events,
  feedback,
  key,
  receive,
  recipientId,
  useFeedback,
} from "./feedback.fixture.ts";

useFeedback();

const random = (n: number) => new Uint8Array(n).fill(3);
const addressOf = (handle: string) =>
  makeTestAddress({ handle, id: newTestId(clock.now(), random) }, key, "bounce.coop.test");
const raw = Buffer.from("From: Alder <test@Alder.test>\r\nSubject: secret words\r\n\r\nhidden body\r\n");

test("a test is admitted by its address alone, for members that are there", async () => {
  expect(await feedback.admit(addressOf("m7m7"))).toMatchObject({ ok: true });
  expect(await feedback.admit(addressOf("gone"))).toMatchObject({ ok: false, code: 550 });
  expect(await feedback.admit(addressOf("m7m7").replace("test-", "tests-"))).toMatchObject({ ok: false });
  clock.advance(86_400_000 + 60_000);
  const old = makeTestAddress({ handle: "m7m7", id: newTestId(0, random) }, key, "bounce.coop.test");
  expect(await feedback.admit(old)).toMatchObject({ ok: false, code: 550 });
});

test("what is seen of it is told, and nothing of what it says", async () => {
  const mailFrom = makeReturnPath(makeToken(recipientId, key), "bounce.alder.test");
  expect(await receive(addressOf("m7m7"), raw, { mailFrom })).toEqual({ outcome: "test", did: DID });
  const [told] = await events();
  expect(told).toMatchObject({
    action_name: "test_arrived",
    data: {
      member: { did: DID },
      detail: {
        from: "alder.test",
        ip: "192.0.2.1",
        helo: "mx.bigmail.test",
        tls: "TLSv1.3",
        spf: { result: "pass", domain: "bigmail.test" },
        message: expect.stringMatching(/^[a-z2-7]{16}$/),
        handedInAt: expect.any(Number),
      },
    },
  });
  expect(JSON.stringify(told)).not.toMatch(/secret|hidden/);
});

test("what another server sent is no message of ours", async () => {
  await receive(addressOf("m7m7"), raw, {
    mailFrom: "pds@alder.test",
    tls: null,
    authentication: by("alder.test", "fail"),
  });
  const [told] = await events();
  expect(told!.data.detail).toMatchObject({ message: null, handedInAt: null, tls: null });
});

test.each(["", "From: nobody\r\n\r\n", `From: ${"x".repeat(90_000)}@${"y".repeat(9_000)}\r\n\r\n`])(
  "a test without a sender that can be read is told all the same (%#)",
  async (text) => {
    await receive(addressOf("m7m7"), Buffer.from(text));
    const [told] = await events();
    expect(String(told!.data.detail!["from"]).length).toBeLessThanOrEqual(255);
  },
);
