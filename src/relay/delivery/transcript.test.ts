import { expect, test } from "vitest";
import { createTranscript } from "./transcript.ts";

test("it keeps who said what, and gives it away once", () => {
  const transcript = createTranscript();
  transcript.add("S", "220-one\r\n220 two");
  transcript.add("C", "EHLO x");
  expect(transcript.take()).toBe("S: 220-one\nS: 220 two\nC: EHLO x");
  expect(transcript.take()).toBe("");
});

test("a server that talks without end is cut", () => {
  const transcript = createTranscript();
  for (let n = 0; n < 1_000; n++) transcript.add("S", "250-" + "x".repeat(5_000));
  const text = transcript.take();
  expect(text.length).toBeLessThan(8_300);
  expect(text).toMatch(/\*: the rest is left out$/);
});
