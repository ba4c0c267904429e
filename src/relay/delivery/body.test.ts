import { expect, test } from "vitest";
import { gathered, isHarmless, stuffed } from "./body.ts";

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}
async function sent(...texts: string[]): Promise<string> {
  const out: Buffer[] = [];
  for await (const piece of stuffed(pieces(...texts))) out.push(piece);
  return Buffer.concat(out).toString();
}

test.each<[string, string[], string]>([
  ["as it is", ["a: b\r\n\r\nc\r\n"], "a: b\r\n\r\nc\r\n"],
  ["a dot that begins a line", ["a\r\n.b\r\n..\r\n"], "a\r\n..b\r\n...\r\n"],
  ["a dot that begins the message", [".a\r\n"], "..a\r\n"],
  ["dots elsewhere", ["a.b\r\nc.\r\n"], "a.b\r\nc.\r\n"],
  ["a dot that begins a piece and a line", ["a\r\n", ".b\r\n"], "a\r\n..b\r\n"],
  ["a dot that begins a piece alone", ["a", ".b\r\n"], "a.b\r\n"],
  ["a line's end in two pieces", ["a\r", "\n", ".\r\n"], "a\r\n..\r\n"],
  ["a dot after a bare LF", ["a\n.\nb\r\n"], "a\n..\nb\r\n"],
  ["the last line ends", ["a"], "a\r\n"],
  ["and ends once", ["a\r"], "a\r\n"],
  ["and with CRLF", ["a\n"], "a\n\r\n"],
  ["over pieces of one octet", ["a", "\r", "\n"], "a\r\n"],
  ["empty pieces", ["", "a\r\n", "", ".b", ""], "a\r\n..b\r\n"],
  ["nothing", [], "\r\n"],
])("%s", async (_, given, expected) => expect(await sent(...given)).toBe(expected));

test.each<[string, string[], string]>([
  ["as it is", [".a", "\r\n.b\r\n"], ".a\r\n.b\r\n"],
  ["the last line ends", ["a"], "a\r\n"],
  ["nothing", [], "\r\n"],
])("for BDAT: %s", async (_, given, expected) =>
  expect((await gathered(pieces(...given))).toString()).toBe(expected),
);

test.each<[string, string, boolean]>([
  ["a message", "From: a@b.test\r\n\r\nHello.\r\nMAIL FROM:<a@b.test>\r\nRSET\r\n.\r\n", true],
  ["a word in a line", "x: y\r\n\r\nSome data\r\n", true],
  ["long lines, as long as a command", `${"x".repeat(510)}\r\n`, true],
  ["longer ones", `a\r\n${"x".repeat(511)}\r\n`, false],
  ["a command that begins a message", "a\r\nDATA\r\nFrom: eve@b.test\r\n.\r\n", false],
  ["in the first line", "data\r\n", false],
  ["in lower case, with an argument", "a\r\nbdat 20 LAST\r\n", false],
  ["behind blanks", "a\r\n \t Burl imap://x LAST\r\n", false],
  ["a bare LF", "a\nb\r\n", false],
  ["a bare CR", "a\rb\r\n", false],
  ["a NUL", "a\0b\r\n", false],
  ["many empty lines", "\r\n".repeat(16_000), true],
])("as commands: %s", (_, text, harmless) => expect(isHarmless(Buffer.from(text))).toBe(harmless));
