import { expect, test } from "vitest";
import { oneLine } from "./one-line.ts";

test.each([
  ["550 5.1.1\r\nBcc: x@y.test\r\n\r\n.", 99, "550 5.1.1 Bcc: x@y.test ."],
  ["Почтовый ящик не найден\u2028\u0085", 99, "Почтовый ящик не найден"],
  ["\u202egnp.exe\u200b\u001b[31m", 99, "gnp.exe [31m"],
  ["  a\u00a0 b  ", 99, "a b"],
  ["ab😀", 3, "ab\ufffd"],
  ["\ud800x", 99, "x"],
])("%j", (text, most, line) => expect(oneLine(text, most)).toBe(line));
