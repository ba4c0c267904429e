import { expect, test } from "vitest";
import { createTranscript, joined } from "./transcript.ts";

test("it keeps who said what, and gives it away once", () => {
  const transcript = createTranscript();
  transcript.add("S", "220-one\r\n220 two");
  transcript.add("C", "EHLO x");
  expect(transcript.take()).toBe("S: 220-one\nS: 220 two\nC: EHLO x");
  expect(transcript.take()).toBe("");
});

test("of a server that talks without end the beginning and the answer are kept", () => {
  const transcript = createTranscript();
  transcript.add("C", "EHLO x");
  for (let n = 0; n < 1_000; n++) transcript.add("S", `250-${"x".repeat(5_000)}`);
  transcript.add("S", "550 5.7.1 No");
  const text = transcript.take();
  expect(text.length).toBeLessThan(8_300);
  expect(text).toMatch(/^C: EHLO x\n[^]*\n\*: 9\d\d lines are left out\n[^]*\nS: 550 5\.7\.1 No$/);
  transcript.add("C", "MAIL");
  expect(transcript.take()).toBe("C: MAIL");
});

test("several conversations are one, bounded, with the last answer", () => {
  expect(joined(["S: a", "", "S: b"])).toBe("S: a\nS: b");
  const many = joined(
    Array.from({ length: 100 }, (_, n) => `*: host ${n}\n${"S: 220 x\n".repeat(100)}S: end ${n}`),
  );
  expect(many.length).toBeLessThan(17_000);
  expect(many).toMatch(/^\*: host 0\n[^]*\*: some of it is left out[^]*S: end 99$/);
});
