import { expect, test } from "vitest";
import { createReplyReader } from "./reply-reader.ts";

const read = (...pieces: string[]) => {
  const reader = createReplyReader();
  const said = pieces.map((piece) => reader.push(piece));
  const fault = said.find((one) => "fault" in one);
  if (fault) return "fault";
  return said.flatMap((one) =>
    "fault" in one ? [] : one.map(({ code, lines }) => `${code}/${lines.length}`),
  );
};

test.each<[string, string[], string[] | "fault"]>([
  ["one line", ["250 ok\r\n"], ["250/1"]],
  ["octet by octet", [..."250-a\r\n250 b\r\n"], ["250/2"]],
  ["several at once", ["250 a\r\n354 b\r\n250-c\r\n250 d\r\n"], ["250/1", "354/1", "250/2"]],
  ["a line of the code alone", ["250\r\n"], ["250/1"]],
  ["lines that end in LF", ["250-a\n250 b\n"], ["250/2"]],
  ["not whole yet", ["250-a\r\n250"], []],
  ["codes that differ: the last one", ["250-a\r\n550 b\r\n"], ["550/2"]],
  ["no SMTP", ["SSH-2.0-x\r\n"], "fault"],
  ["a code of four digits", ["2500 x\r\n"], "fault"],
  ["a code that is none", ["150 x\r\n"], "fault"],
  ["an empty line", ["\r\n"], "fault"],
  ["a line without end", ["250 ", "x".repeat(5_000)], "fault"],
  ["a reply without end", ["250-x\r\n".repeat(300)], "fault"],
  ["a reply that is too long", [`250-${"x".repeat(3_000)}\r\n`.repeat(30)], "fault"],
])("%s", (_, pieces, expected) => expect(read(...pieces)).toEqual(expected));

test("says when a piece is left over", () => {
  const reader = createReplyReader();
  reader.push("220 go\r\n");
  expect(reader.pending()).toBe(false);
  reader.push("250-");
  expect(reader.pending()).toBe(true);
  reader.push("x\r\n");
  expect(reader.pending()).toBe(true);
});
