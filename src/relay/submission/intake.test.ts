import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createIntake } from "./intake.ts";

function take(text: string, step: number, maxSize = 1_000_000) {
  const intake = createIntake(maxSize);
  const bytes = Buffer.from(text, "latin1");
  const body: Uint8Array[] = [];
  for (let i = 0; i < bytes.length; i += step) {
    const part = intake.push(bytes.subarray(i, i + step));
    if (part) body.push(part);
  }
  return { end: intake.end(), body: Buffer.concat(body).toString("latin1") };
}

const head = "From: a@b.test\r\nSubject: x\r\n\r\n";
const steps = [1, 2, 3, 7, 10_000];

describe.each(steps)("in pieces of %i", (step) => {
  test("head and body come apart, and the body is hashed", () => {
    const { end, body } = take(`${head}one \r\n\r\ntwo\r\n\r\n`, step);
    expect(body).toBe("one \r\n\r\ntwo\r\n\r\n");
    const bodyHash = createHash("sha256").update("one\r\n\r\ntwo\r\n").digest("base64");
    const size = head.length + body.length;
    const start = Buffer.from(`${head}one \r\n\r\ntwo\r\n\r\n`);
    expect(end).toEqual({ head: Buffer.from(head), bodyHash, size, start, eightBit: false });
  });

  test("octets over 127 of the body are told, those of the header are another matter", () => {
    expect(take(`${head}caf\xe9\r\n`, step).end).toMatchObject({ eightBit: true });
    expect(take("From: a@b.test\r\nX: \xe9\r\n\r\ncafe\r\n", step).end).toMatchObject({ eightBit: false });
  });

  test("a message may be a header only", () => {
    expect(take(head, step).end).toMatchObject({ head: Buffer.from(head) });
    expect(take("From: a@b.test\r\n", step).end).toMatchObject({ head: Buffer.from("From: a@b.test\r\n") });
  });

  test.each<[string, string, RegExp]>([
    ["a bare LF", `${head}a\nb\r\n`, /bare LF/],
    ["a bare LF in the header", `From: a\nBcc: b\r\n\r\n`, /bare LF/],
    ["a bare CR", `${head}a\rb\r\n`, /CR stands alone/],
    ["CR CR LF", `${head}a\r\r\n`, /CR stands alone/],
    ["smuggling: LF . LF", `${head}a\n.\nMAIL FROM:<x>\r\n`, /bare LF/],
    ["smuggling: LF . CR LF", `${head}a\n.\r\nMAIL FROM:<x>\r\n`, /bare LF/],
    ["smuggling: CR . CR LF", `${head}a\r.\r\nMAIL FROM:<x>\r\n`, /CR stands alone/],
    ["a NUL", `${head}a\0b\r\n`, /NUL/],
    ["999 octets in a line", `${head}${"x".repeat(999)}\r\n`, /longer than 998/],
    ["999 octets in a header line", `X: ${"x".repeat(996)}\r\n\r\n`, /longer than 998/],
    ["no end of the last line", `${head}abc`, /no end/],
    ["a header without end", "X: y\r\n".repeat(11_000) + "\r\n", /header is larger/],
    ["nothing", "", /empty/],
  ])("refuses %s", (_name, text, why) => {
    const { end } = take(text, step);
    expect(end).toMatchObject({ refusal: { code: 550, enhanced: "5.6.0" } });
    expect("refusal" in end && end.refusal.text).toMatch(why);
  });
});

test("998 octets in a line pass", () => {
  expect(take(`${head}${"x".repeat(998)}\r\n`, 100).end).toHaveProperty("bodyHash");
});

test("what is too large is refused, and no more of it is handed on", () => {
  const { end, body } = take(`${head}${"0123456789\r\n".repeat(1000)}`, 100, 1_000);
  expect(end).toMatchObject({ refusal: { code: 552, enhanced: "5.3.4" } });
  expect(body.length).toBeLessThanOrEqual(1_000);
});
