import { describe, expect, test } from "vitest";
import { lackingFor, mailCommand, offersOf, rcptCommand, type Envelope } from "./envelope.ts";

const envelope: Envelope = {
  from: "b+x@bounce.test",
  recipients: [{ address: "bob@a.test", notify: null, orcpt: null }],
  size: 1000,
  eightBit: false,
  smtpUtf8: false,
  requireTls: false,
  ret: null,
  envid: null,
};
const all = ["PIPELINING", "SIZE 5000", "8BITMIME", "SMTPUTF8", "DSN", "REQUIRETLS"];
const offers = (...lines: string[]) =>
  offersOf(["250-mx.test hello", ...lines.map((line) => `250-${line}`)]).offers;

describe("MAIL", () => {
  test.each<[string, Partial<Envelope>, string[], string]>([
    ["plain", {}, [], ""],
    ["with what is offered", {}, all, " SIZE=1000"],
    ["8-bit", { eightBit: true }, all, " SIZE=1000 BODY=8BITMIME"],
    ["UTF-8", { smtpUtf8: true }, ["SMTPUTF8", "8BITMIME"], " BODY=8BITMIME SMTPUTF8"],
    ["REQUIRETLS", { requireTls: true }, ["REQUIRETLS"], " REQUIRETLS"],
    ["DSN", { ret: "HDRS", envid: "a+b=ü" }, ["DSN"], " RET=HDRS ENVID=a+2Bb+3D+FC"],
    ["no DSN there", { ret: "HDRS", envid: "a" }, [], ""],
  ])("%s", (_, change, offered, expected) =>
    expect(mailCommand({ ...envelope, ...change }, offers(...offered))).toBe(
      `MAIL FROM:<b+x@bounce.test>${expected}`,
    ),
  );
  test("the empty return path", () =>
    expect(mailCommand({ ...envelope, from: "" }, offers())).toBe("MAIL FROM:<>"));
});

test.each<[string | null, string | null, string]>([
  [null, null, ""],
  ["NEVER", null, ""],
  ["SUCCESS", null, " NOTIFY=SUCCESS,FAILURE"],
  ["FAILURE,DELAY", "rfc822;b b@a.test", " NOTIFY=FAILURE,DELAY ORCPT=rfc822;b+20b@a.test"],
  [null, "utf-8;bü@a.test", ""],
])("RCPT with NOTIFY %s and ORCPT %s", (notify, orcpt, expected) => {
  const recipient = { address: "bob@a.test", notify, orcpt };
  expect(rcptCommand(recipient, offers("DSN"))).toBe(`RCPT TO:<bob@a.test>${expected}`);
  expect(rcptCommand(recipient, offers())).toBe("RCPT TO:<bob@a.test>");
});

test.each<[string, Partial<Envelope>, string[], string | undefined]>([
  ["nothing is needed", {}, [], undefined],
  ["8-bit is taken", { eightBit: true }, all, undefined],
  ["8-bit is not", { eightBit: true }, [], "550 5.6.3"],
  ["UTF-8 is not", { smtpUtf8: true }, ["8BITMIME"], "550 5.6.9"],
  [
    "an address in UTF-8 is not",
    { recipients: [{ address: "bü@a.test", notify: null, orcpt: null }] },
    [],
    "550 5.6.7",
  ],
  ["too large", { size: 5001 }, all, "552 5.3.4"],
  ["just not", { size: 5000 }, all, undefined],
  ["no limit", { size: 9e9 }, ["SIZE 0"], undefined],
  ["a limit that is not told", { size: 9e9 }, ["SIZE"], undefined],
])("what a host lacks: %s", (_, change, offered, expected) => {
  const lacking = lackingFor({ ...envelope, ...change }, offers(...offered));
  expect(lacking && `${lacking.code} ${lacking.enhanced}`).toBe(expected);
});

test("extensions in any case, with what stands behind them, and the host's own name", () => {
  const { name, offers: found } = offersOf([
    "250-Mx.Test greets you",
    "250-size 10",
    "250-AUTH PLAIN  LOGIN",
    "250 StartTLS",
  ]);
  expect(name).toBe("Mx.Test");
  expect([...found]).toEqual([
    ["SIZE", "10"],
    ["AUTH", "PLAIN LOGIN"],
    ["STARTTLS", ""],
  ]);
});
