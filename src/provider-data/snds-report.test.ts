import { describe, expect, test } from "vitest";
import { parseCsv } from "./csv.ts";
import { complaintRate, dayOf, plainName, readSndsReport, readSndsStatus } from "./snds-report.ts";
import { inRange } from "./snds.ts";

const NEW =
  "Ip Address,Activity period,RCPT commands,DATA commands,Message recipients,Filter result,Complaint rate,Trap message period,Trap hits,JMR P1 Sender,Comments";
const read = (text: string, day?: string) => {
  const got = readSndsReport(text, day);
  return got.ok ? got.value.map(({ subject, day: of, figures }) => [subject, of, figures]) : got.why;
};

const full = {
  rcpt_commands: 120,
  data_commands: 118,
  recipients: 117,
  filter: "green",
  complaint_rate_below: 0.001,
};

describe("columns are known by their names", () => {
  test.each([
    ["as the portal writes them", `${NEW}\r\n192.0.2.1,6/1/2026 1:00 AM,120,118,117,GREEN,< 0.1%,,,,\r\n`],
    [
      "in another order",
      `Complaint rate,Filter result,Message recipients,Activity period,DATA commands,RCPT commands,IP Address\n<0.1%,Green,117,6/1/2026 1:00 AM,118,120,192.0.2.1\n`,
    ],
    [
      "in one word, with a byte order mark and quotes",
      `\uFEFF"IpAddress","ActivityPeriod","RcptCommands","DataCommands","MessageRecipients","FilterResult","ComplaintRate"\n"192.0.2.1","2026-06-01T08:00:00Z","120","118","117","GREEN","<0.1%"\n`,
    ],
    [
      "as JSON",
      JSON.stringify([
        {
          ipAddress: "192.0.2.1",
          activityPeriod: "2026-06-01",
          rcptCommands: 120,
          dataCommands: 118,
          messageRecipients: 117,
          filterResult: "GREEN",
          complaintRate: "< 0.1%",
        },
      ]),
    ],
    [
      "in an envelope",
      JSON.stringify({
        value: [
          {
            ip_address: "192.0.2.1",
            "Activity Start": "6/1/2026 1:00 AM",
            RCPTCommands: "120",
            DATACommands: "118",
            message_recipients: "117",
            filter_result: "green",
            complaint_rate: "<0.1%",
          },
        ],
      }),
    ],
    [
      "of the old link, which had none",
      `192.0.2.1,6/1/2026 1:00 AM,6/1/2026 11:00 PM,120,118,117,GREEN,< 0.1%,,,,mx.coop.example,x@coop.example,\n`,
    ],
  ])("%s", (_, text) => expect(read(text)).toEqual([["192.0.2.1", "2026-06-01", full]]));

  test("what is absent or no number is no figure, never zero", () => {
    expect(read("IP Address,Date,DATA commands,Trap hits\n192.0.2.1,2026-06-01,n/a,\n")).toEqual([
      ["192.0.2.1", "2026-06-01", {}],
    ]);
  });

  test("the day that was asked for is the day of its rows", () => {
    expect(read("IP Address,DATA commands\n2001:db8::1,4\n", "2026-06-03")).toEqual([
      ["2001:db8::1", "2026-06-03", { data_commands: 4 }],
    ]);
  });

  test("periods of one day add up, and the worst verdict stays", () => {
    const rows = `${NEW}\n192.0.2.1,6/1/2026 1:00 AM,10,9,8,RED,0.4%,,2,,\n192.0.2.1,6/1/2026 9:00 AM,5,4,3,GREEN,<0.1%,,1,,\n`;
    expect(read(rows)).toEqual([
      [
        "192.0.2.1",
        "2026-06-01",
        {
          rcpt_commands: 15,
          data_commands: 13,
          recipients: 11,
          filter: "red",
          complaint_rate: 0.004,
          trap_hits: 3,
        },
      ],
    ]);
  });

  test.each([
    ["a page of the login", "<!doctype html><title>Sign in</title>", /page instead of a report/],
    ["names that nobody knows", "A,B\n192.0.2.1,1\n", /does not name an address/],
    ["JSON of names that nobody knows", '[{"foo":1}]', /names of the columns/],
    ["broken JSON", '[{"ipAddress":', /no JSON/],
    ["JSON without a list", '{"ok":true}', /no list/],
    ["an open quote", 'IP Address,Date\n"192.0.2.1,2026-06-01\n', /no CSV/],
  ])("%s is malformed", (_, text, why) => expect(read(text)).toMatch(why));

  test.each([
    ["", []],
    ["[]", []],
    [`${NEW}\n`, []],
  ])("%j has no rows", (text, rows) => expect(read(text)).toEqual(rows));
});

test.each([
  ["IpAddress", "ip address"],
  ["IPAddress", "ip address"],
  ["ip_address", "ip address"],
  ["RCPT commands", "rcpt commands"],
  ["DATACommands", "data commands"],
])("%s is named %s", (name, expected) => expect(plainName(name)).toBe(expected));

test.each([
  ["< 0.1%", { complaint_rate_below: 0.001 }],
  ["0.3%", { complaint_rate: 0.003 }],
  ["1.25 %", { complaint_rate: 0.0125 }],
  ["", {}],
  ["n/a", {}],
])("complaint rate %j", (text, expected) => expect(complaintRate(text)).toEqual(expected));

test.each([
  ["6/1/2026 1:00 AM", "2026-06-01"],
  ["12/31/2026", "2026-12-31"],
  ["2026-06-01T00:00:00Z", "2026-06-01"],
  ["13/1/2026", undefined],
  ["2026-02-30", undefined],
  ["yesterday", undefined],
])("day of %j", (text, expected) => expect(dayOf(text)).toBe(expected));

test("status: ranges, blocked or not", () => {
  const text =
    '[{"beginningIpAddress":"192.0.2.0","endingIpAddress":"192.0.2.255","blocked":"true","reason":"Complaints"},{"beginningIpAddress":"x"}]';
  expect(readSndsStatus(text)).toEqual({
    ok: true,
    value: [{ from: "192.0.2.0", to: "192.0.2.255", blocked: true, reason: "Complaints" }],
  });
});

test.each([
  ["192.0.2.7", "192.0.2.0", "192.0.2.255", true],
  ["192.0.3.7", "192.0.2.0", "192.0.2.255", false],
  ["2001:db8::5", "2001:db8::1", "2001:db8::ff", true],
  ["2001:db8::5", "192.0.2.0", "192.0.2.255", false],
  ["192.0.2.7", "192.0.2.9", "192.0.2.1", false],
])("%s in %s to %s: %s", (address, from, to, expected) =>
  expect(inRange(address, { from, to })).toBe(expected),
);

test.each([
  [
    'a,"b ""c"", d",\r\ne,f\n',
    [
      ["a", 'b "c", d', ""],
      ["e", "f"],
    ],
  ],
  ['"two\nlines",x', [["two\nlines", "x"]]],
  ["\n\n", []],
  ['"open', undefined],
  [Array.from({ length: 100 }, () => "x").join(","), undefined],
  ["a\n".repeat(30_000), undefined],
])("CSV %#", (text, expected) => expect(parseCsv(text)).toEqual(expected));
