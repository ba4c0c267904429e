import { describe, expect, test } from "vitest";
import { decodeText, headerOf, htmlToText, LIMITS, readMail } from "./index.ts";

const of = (...lines: string[]) => Buffer.from(lines.join("\r\n"), "latin1");
const readText = async (...lines: string[]) => (await readMail(of(...lines))).text;

describe("header", () => {
  test.each([
    ["folded", "Subject: one\r\n two", "one two"],
    ["an encoded word", "Subject: =?utf-8?q?caf=C3=A9_=26?= now", "café & now"],
    ["a letter cut in two", "Subject: =?utf-8?b?ww==?=\r\n =?utf-8?b?pA==?=", "ä"],
    ["iso-2022-jp", "Subject: =?iso-2022-jp?b?GyRCRnxLXBsoQg==?=", "日本"],
    ["koi8-r", "Subject: =?koi8-r?b?0NXT1M8=?=", "пусто"],
    ["raw UTF-8", "Subject: caf\xc3\xa9", "café"],
    ["raw and none of it", "Subject: caf\xe9", "café"],
    ["an unknown charset", "Subject: =?x-none?q?abc?=", "abc"],
    ["a broken word", "Subject: =?utf-8?q?abc", "=?utf-8?q?abc"],
  ])("%s", async (_, line, value) => {
    expect(headerOf(await readMail(of(line, "", "x")), "subject")).toBe(value);
  });

  test("a mailbox's line in front, bare line feeds, and none at all", async () => {
    const mbox = await readMail(Buffer.from("From a@b.test Mon Mar 2\nSubject: hi\n\nbody"));
    expect([headerOf(mbox, "subject"), mbox.text]).toEqual(["hi", "body"]);
    expect(await readMail(Buffer.from("no header here\nat all"))).toMatchObject({
      headers: [],
      text: "no header here\nat all",
    });
  });

  test("more fields than we take", async () => {
    const { headers, text } = await readMail(of(..."A: b\r\n".repeat(5_000).trim().split("\r\n"), "", "x"));
    expect([headers.length, text]).toEqual([LIMITS.fields, "x"]);
  });
});

describe("body", () => {
  test.each([
    ["quoted-printable", ["Content-Transfer-Encoding: quoted-printable", "", "a=C3=A4b=\r\nc=ZZ"], "aäbc=ZZ"],
    ["base64 cut off", ["Content-Transfer-Encoding: base64", "", "aGVsbG8gd29y"], "hello wor"],
    ["gb18030", ["Content-Type: text/plain; charset=gb18030", "", "\xc4\xe3\xba\xc3"], "你好"],
    ["windows-1251", ["Content-Type: text/plain; charset=windows-1251", "", "\xef\xf0\xe8"], "при"],
    ["NULs", ["", "a\0b"], "ab"],
    ["html", ["Content-Type: text/html", "", "<style>x</style><p>a &amp; b<br>&#228;</p>"], "a & b\nä"],
  ])("%s", async (_, lines, text) => {
    expect((await readText("A: b", ...lines)).trim()).toBe(text);
  });

  test("parts: named, nested, without an end", async () => {
    const mail = await readMail(
      of(
        "Content-Type: multipart/mixed; boundary=o",
        "",
        "--o",
        'Content-Type: multipart/alternative; boundary="o-i"',
        "",
        "--o-i",
        "",
        "plain",
        "--o-i",
        "Content-Type: text/html",
        "",
        "<p>html",
        "--o-i--",
        "--o",
        "Content-Type: application/zip",
        "Content-Disposition: attachment; filename*=utf-8''%C3%A4.zip",
        "Content-Transfer-Encoding: base64",
        "",
        "UEsDBA==",
        "--o",
        "Content-Type: message/rfc822",
        "",
        "Subject: whole",
      ),
    );
    expect(mail.text).toBe("plain");
    expect(mail.parts.map(({ type, filename }) => [type, filename])).toEqual([
      ["text/plain", ""],
      ["text/html", ""],
      ["application/zip", "ä.zip"],
      ["message/rfc822", ""],
    ]);
    expect([...mail.parts[2]!.content]).toEqual([0x50, 0x4b, 3, 4]);
    expect(decodeText(mail.parts[3]!.content)).toBe("Subject: whole");
  });

  test("a boundary that is not named is found", async () => {
    expect(await readText("Content-Type: multipart/mixed", "", "--xyz", "", "found", "--xyz--")).toBe(
      "found",
    );
  });

  test("more parts than we take", async () => {
    const { parts } = await readMail(
      of("Content-Type: multipart/mixed; boundary=b", "", ..."--b,,x,".repeat(2_000).split(",")),
    );
    expect(parts).toHaveLength(LIMITS.parts);
  });
});

test("an address in angle brackets is no tag", () => {
  expect(htmlToText("to <anna@far.test>: gone")).toBe("to <anna@far.test>: gone");
});
