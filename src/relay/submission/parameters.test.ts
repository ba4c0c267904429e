import { describe, expect, test } from "vitest";
import { judgeCommand } from "./parameters.ts";

const judge = (line: string | Buffer, smtpUtf8 = false) => {
  const bytes = typeof line === "string" ? Buffer.from(line, "utf8") : line;
  const refusal = judgeCommand(bytes, { maxSize: 1_000, smtpUtf8 });
  return refusal && `${refusal.code} ${refusal.enhanced} ${refusal.text}`;
};

describe("taken", () => {
  test.each([
    "EHLO host.test",
    "NOOP",
    "MAIL FROM:<a@b.test>",
    "mail from: <a@b.test> size=1000 body=8bitmime",
    "MAIL FROM:<a@b.test> SIZE=1000 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+2Bb+20c AUTH=<>",
    "MAIL FROM:<ä@b.test> SMTPUTF8",
    "MAIL FROM:<a@b.test> REQUIRETLS",
    "RCPT TO:<a@b.test> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;a+2Bb@c.test",
    "RCPT TO:<a@b.test> ORCPT=utf-8;\\x{E4}@b.test",
  ])("%s", (line) => expect(judge(line)).toBeUndefined());

  test("UTF-8 in RCPT, when MAIL said SMTPUTF8", () => {
    expect(judge("RCPT TO:<ä@münchen.test>", true)).toBeUndefined();
  });
});

describe("refused", () => {
  test.each<[string | Buffer, RegExp]>([
    [Buffer.from("MAIL FROM:<\xe4@b.test> SMTPUTF8", "latin1"), /^500 5\.5\.2 .*UTF-8 \[malformed\]$/],
    ["NOOP\rMAIL FROM:<a@b.test>", /^500 5\.5\.2 .*control/],
    ["MAIL FROM:<a@b.test>\0", /^500 5\.5\.2/],
    ["MAIL FROM:<ä@b.test>", /^553 5\.6\.7 .*SMTPUTF8/],
    ["MAIL FROM:<a@bä.test> BODY=8BITMIME", /^553 5\.6\.7/],
    ["RCPT TO:<ä@b.test>", /^553 5\.6\.7/],
    ["MAIL FROM:<a@b.test> SIZE=1001", /^552 5\.3\.4 .*1000 octets \[too-large\]$/],
    ["MAIL FROM:<a@b.test> FOO=1", /^555 5\.5\.4 .*FOO/],
    ["MAIL FROM:<a@b.test> NOTIFY=NEVER", /^555/],
    ["RCPT TO:<a@b.test> SIZE=1", /^555/],
    ["MAIL FROM:<a@b.test> REQUIRETLS=yes", /^501 5\.5\.4 REQUIRETLS/],
    ["RCPT TO:<a@b.test> REQUIRETLS", /^555/],
    ["MAIL FROM:<a@b.test> ENVID=a+zzb", /^501 5\.5\.4 ENVID/],
    ["MAIL FROM:<a@b.test> ENVID=a+0D+0Ab", /^501/],
    ["MAIL FROM:<a@b.test> ENVID=a=b", /^501/],
    [`MAIL FROM:<a@b.test> ENVID=${"x".repeat(101)}`, /^501/],
    ["RCPT TO:<a@b.test> ORCPT=a@b.test", /^501 5\.5\.4 ORCPT/],
    ["RCPT TO:<a@b.test> ORCPT=rfc822;", /^501/],
    ["RCPT TO:<a@b.test> ORCPT=rfc822;a+2b@c.test", /^501/],
    [`RCPT TO:<a@b.test> ORCPT=rfc822;${"x".repeat(500)}`, /^501/],
  ])("%s", (line, reply) => expect(judge(line)).toMatch(reply));
});
