import { describe, expect, test } from "vitest";
import { fingerprintOf } from "./mime.ts";

describe("a message of nothing but text is read as the parser reads it", () => {
  const text = "Hello Alice,\r\n\r\nyour code: 123456 (of 7).\r\nhttps://a.test/b  goes on \r\nand on\r\n";
  const one = (body: string, ...fields: string[]) =>
    fingerprintOf(
      Buffer.from(["From: =?utf-8?q?J=C3=B6?= <a@b.test>", "Subject: Hi", ...fields, "", body].join("\r\n")),
    );
  /** Says nothing of the body, and nothing that a fingerprint has; with it the parser reads all. */
  const PARSER = "Content-Description: x";

  test.each([
    [[]],
    [["Content-Type: text/plain"]],
    [["content-type:Text/Plain; charset=UTF-8", "Content-Transfer-Encoding: 7bit"]],
    [['Content-Type: text/plain; charset="us-ascii"', "Content-Transfer-Encoding: 8bit"]],
  ])("%j", async (fields) => {
    for (const body of ["", "\r\n", text, text.repeat(40)])
      expect(await one(body, ...fields)).toEqual(await one(body, ...fields, PARSER));
  });

  test.each([
    [["Content-Type: text/html"]],
    [["Content-Type: text/plain", "Content-Disposition: attachment"]],
    [["Content-Type: text/plain;", " format=flowed; delsp=yes"]],
    [["Content-Type: text/plain; charset=utf-16"]],
    [["Content-Type : text/html"]],
    [["Content-Type:", " text/html"]],
    [["Content-Transfer-Encoding: base64"]],
    [["Content-Type: multipart/mixed; boundary=b"]],
  ])("another body is not taken for text: %j", async (fields) => {
    expect(await one(text, ...fields)).toEqual(await one(text, ...fields, PARSER));
    expect((await one(text, ...fields)).id).not.toBe((await one(text)).id);
  });
});
