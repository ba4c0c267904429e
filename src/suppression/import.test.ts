import { describe, expect, test } from "vitest";
import { MOST_LINES, parseSuppressions, readSuppressions } from "./import.ts";

const NOW = Date.UTC(2026, 5, 1);
const words = (text: string) => {
  const { lines, bad } = parseSuppressions(text, NOW);
  const read = lines.map(({ line, address, key, reason, streams, at }) =>
    [
      line,
      address ?? key,
      reason,
      streams,
      at === undefined ? "-" : new Date(at).toISOString().slice(0, 10),
    ].join(" "),
  );
  return [...read, ...bad.map(({ line, why }) => `${line} bad: ${why}`)];
};

describe("what providers export", () => {
  test.each<[string, string, string[]]>([
    [
      "an address on each line",
      "ada@a.test\nben@b.test\r\n\n",
      ["1 ada@a.test import all -", "2 ben@b.test import all -"],
    ],
    ["address, reason, date", "ada@a.test,complaint,2026-01-02", ["1 ada@a.test complaint all 2026-01-02"]],
    [
      "SES, JSON of its API",
      '{"SuppressedDestinationSummaries":[{"EmailAddress":"ada@a.test","Reason":"BOUNCE","LastUpdateTime":"2026-04-10T21:03:05+00:00"},{"EmailAddress":"ben@b.test","Reason":"COMPLAINT","LastUpdateTime":1770000000}]}',
      ["1 ada@a.test bad-mailbox all 2026-04-10", "2 ben@b.test complaint all 2026-02-02"],
    ],
    [
      "Postmark",
      '"EmailAddress","SuppressionReason","Origin","CreatedAt"\n"ada@a.test","HardBounce","Recipient","2026-01-02T03:04:05-05:00"\n"ben@b.test","SpamComplaint","Recipient","2026-01-02"\n"eve@c.test","ManualSuppression","Customer","2026-01-02"',
      [
        "2 ada@a.test bad-mailbox all 2026-01-02",
        "3 ben@b.test complaint all 2026-01-02",
        "4 eve@c.test manual all 2026-01-02",
      ],
    ],
    [
      "Mailgun, bounces",
      'address,code,error,created_at\nada@a.test,550,"5.1.1 user unknown, really","Fri, 21 Oct 2011 11:02:55 UTC"',
      ["2 ada@a.test bad-mailbox all 2011-10-21"],
    ],
    [
      "Mailgun, JSON",
      '{"items":[{"address":"ada@a.test","tags":["*"],"created_at":"Fri, 21 Oct 2011 11:02:55 UTC"}]}',
      ["1 ada@a.test import all 2011-10-21"],
    ],
    [
      "SendGrid, bounces",
      'email,reason,status,created\nada@a.test,"550 5.1.1 The account\ndoes not exist",5.1.1,1443651125\nben@b.test,"550 5.7.1 blocked",5.7.1,1443651126',
      ["2 ada@a.test bad-mailbox all 2015-09-30", "4 ben@b.test import all 2015-09-30"],
    ],
    ["unsubscribed: bulk alone", "email,type\nada@a.test,Unsubscribe", ["2 ada@a.test unsubscribe bulk -"]],
    [
      "JSON lines",
      '{"email":"ada@a.test"}\n\n{"email":"ben@b.test","reason":"spam report"}',
      ["1 ada@a.test import all -", "3 ben@b.test complaint all -"],
    ],
    [
      "our own export",
      `key,domain,reason,streams,createdAt,expiresAt\n${"k".repeat(22)},a.test,bad-mailbox,all,2026-01-01T00:00:00.000Z,never`,
      [`2 ${"k".repeat(22)} bad-mailbox all 2026-01-01`],
    ],
    ["with a byte order mark", "\uFEFFemail\nada@a.test", ["2 ada@a.test import all -"]],
    ["nothing", "", []],
  ])("%s", (_name, text, expected) => expect(words(text)).toEqual(expected));
});

test.each<[string, string, string]>([
  ["without an address", "email,reason\n,bounce", "2 bad: it has no address"],
  ["a date that is none", "ada@a.test,bounce,soon", '1 bad: "soon" is not a date of the past'],
  ["a date to come", "ada@a.test,bounce,2031-01-01", '1 bad: "2031-01-01" is not a date of the past'],
  ["a quote that does not end", 'email\n"ada@a.test', "2 bad: a quoted value does not end"],
  ["another pool's hash", "key\nshort", "2 bad: the key is no hash of this pool"],
  ["no JSON", '{"email":"ada@a.test"}\n{"email":', "2 bad: it is not JSON"],
  ["a value without end", `email\n${"x".repeat(5_000)}`, "2 bad: a value is too long"],
])("a line %s is told", (_name, text, expected) => expect(words(text)).toContain(expected));

describe("files of spreadsheets", () => {
  const read = ["2 ada@a.test complaint all -"];
  test.each<[string, string, string[]]>([
    ["semicolons", "E-Mail;Reason\r\nada@a.test;complaint\r\n", read],
    ["tabs, and a mark of the order of octets", "\uFEFFemail\treason\nada@a.test\tcomplaint", read],
    [
      "quotes with the separator in them",
      '"email";"reason"\n"ada@a.test";"complaint; by phone, twice"',
      read,
    ],
    ["its separator said", "sep=;\nada@a.test;complaint\n", read],
    ["lines that CR ends", "email,reason\rada@a.test,complaint\r", read],
    ["a semicolon in a value of commas", "email,reason\nada@a.test,complaint;x\n", read],
  ])("%s", (_name, text, expected) => expect(words(text)).toEqual(expected));
});

describe("JSON", () => {
  const entry = { email: "ada@a.test", note: 'a "quote", [brackets] and \\' };
  const ada = "1 ada@a.test import all -";
  test.each<[string, string, string[]]>([
    ["an array", JSON.stringify([entry, { email: "ben@b.test" }]), [ada, "2 ben@b.test import all -"]],
    ["an array over many lines", JSON.stringify([entry], null, 2), [ada]],
    ["an array in an object, behind others", JSON.stringify({ a: { b: [1] }, n: 7, items: [entry] }), [ada]],
    ["an object alone, over many lines", JSON.stringify(entry, null, 2), [ada]],
    [
      "lines of which each has a list",
      '{"email":"ada@a.test","tags":["*"]}\n{"email":"ada@a.test"}',
      [ada, ada.replace("1", "2")],
    ],
    ["an empty array", " [ ] ", []],
    [
      "a file that was cut off",
      '[{"email":"ada@a.test"},{"email":"be',
      [ada, "2 bad: the list does not end"],
    ],
    ["a value that is none", '[{"email":"ada@a.test"},{oops}]', [ada, "2 bad: it is not JSON"]],
    ["deep nesting", `[${"[".repeat(99)}${"]".repeat(99)}]`, ["1 bad: it is nested deeper than 8 levels"]],
    ["a long value", `[{"email":"${"x".repeat(20_000)}"}]`, ["1 bad: it is longer than 16384 characters"]],
    [
      "a long line",
      `{"email":"a"}\n{"email":"${"x".repeat(20_000)}"}`,
      ["1 a import all -", "2 bad: it is longer than 16384 characters"],
    ],
  ])("%s", (_name, text, expected) => expect(words(text)).toEqual(expected));

  const HUGE = 4 * 1024 * 1024;
  test.each<[string, string]>([
    ["nested as deep as it is long", "[".repeat(HUGE)],
    ["nested below a member", `{"a":${'{"a":'.repeat(HUGE / 5)}`],
    ["of empty lists", `[${"[],".repeat(HUGE / 3)}[]]`],
    ["of an object with a million members", `[{${'"a":1,'.repeat(HUGE / 6)}"a":1}]`],
    ["of backslashes", `["${"\\".repeat(HUGE)}`],
    ["on one line", `{"a":${"[".repeat(HUGE)}\n{`],
  ])("four million characters %s hold nobody up", (_name, text) => {
    const steps = readSuppressions(text, NOW);
    let longest = 0;
    for (let done = false; !done;) {
      const from = performance.now();
      done = steps.next().done === true;
      longest = Math.max(longest, performance.now() - from);
    }
    expect(longest).toBeLessThan(100);
  });
});

test("a long list is read in steps", () => {
  const steps = readSuppressions("a@a.test\n".repeat(5_000), NOW);
  let n = 0;
  while (!steps.next().done) n++;
  expect(n).toBe(5);
});

test("lists have an end", () => {
  const { lines, bad } = parseSuppressions("a@a.test\n".repeat(MOST_LINES + 10), NOW);
  expect(lines).toHaveLength(MOST_LINES);
  expect(bad[0]?.why).toMatch(/split the file/);
});
