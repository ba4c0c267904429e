import { describe, expect, test } from "vitest";
import { isoTimes } from "../lib/iso-times.ts";
import type { QueueEntry, QueueResult } from "../spool/index.ts";
import type { QueueHistory } from "../roles/index.ts";
import { filterOf, type FilterOptions } from "./queue.ts";
import { historyLines, parseSpan, queueTable, resultLines, span } from "./queue-view.ts";

const NOW = Date.UTC(2026, 0, 2);
const entry: QueueEntry = {
  seq: 1,
  id: "recipientaaaaaaa",
  messageId: "messageaaaaaaaaa",
  address: "somebody.with.a.long.name@mail.provider.example",
  domain: "mail.provider.example",
  state: "queued",
  hold: null,
  attempts: 0,
  nextAt: NOW + 90_000,
  updatedAt: NOW,
  inFlight: false,
  firstTime: false,
  notify: null,
  orcpt: null,
  did: "did:plc:a",
  credential: "c1",
  kind: "mail",
  sender: "noreply@a.test",
  fromDomain: "a-long-domain-name.example",
  stream: "transactional",
  priority: 0,
  size: 100,
  receivedAt: NOW - 7_200_000,
};

test.each<[string, Partial<QueueEntry>, string]>([
  ["paced", {}, "messageaaaaaaaaa queued    in 1m         2h   a-long-…xample somebody.…r.example"],
  ["due", { nextAt: NOW }, "due "],
  ["in delivery", { inFlight: true }, "in delivery"],
  ["held", { state: "held", hold: { reason: "domain-held", owner: "policy" } }, "held      domain-held"],
  ["done", { state: "bounced", attempts: 2 }, "bounced   2 attempts"],
  ["no control characters", { address: "a\u001b[2J@b.test" }, "a?[2J@b.test"],
])("a line of the table: %s", (_name, change, expected) => {
  const [head, line] = queueTable(isoTimes([{ ...entry, ...change }]), NOW);
  expect(line).toContain(expected);
  expect(Math.max(head!.length, line!.length)).toBeLessThanOrEqual(80);
});

test.each<[number, string]>([
  [-5, "0s"],
  [59_999, "59s"],
  [60_000, "1m"],
  [7_199_999, "1h"],
  [5 * 86_400_000, "5d"],
])("%i ms are %s", (ms, text) => expect(span(ms)).toBe(text));

test.each<[string, number | undefined]>([
  ["90s", 90_000],
  ["15m", 900_000],
  ["2h", 7_200_000],
  ["5d", 432_000_000],
  ["5", undefined],
  ["-5m", undefined],
  ["1w", undefined],
])("%s is %s", (text, ms) => expect(parseSpan(text)).toBe(ms));

describe("filters", () => {
  test.each<[string, string[], FilterOptions, object]>([
    ["none", [], {}, {}],
    ["ids", ["a", "b"], {}, { ids: ["a", "b"] }],
    [
      "all",
      [],
      {
        did: "d",
        credential: "c",
        from: "f.test",
        to: "x@y.test",
        toDomain: "y.test",
        state: ["held"],
        reason: "paused",
        owner: "policy",
        stream: "bulk",
        olderThan: "2h",
      },
      {
        did: "d",
        credential: "c",
        fromDomain: "f.test",
        recipient: "x@y.test",
        recipientDomain: "y.test",
        states: ["held"],
        holdReason: "paused",
        holdOwner: "policy",
        stream: "bulk",
        olderThanMs: 7_200_000,
      },
    ],
  ])("%s", (_name, ids, options, expected) => expect(filterOf(ids, options)).toEqual(expected));

  test("an age that is none is said", () => {
    expect(() => filterOf([], { olderThan: "soon" })).toThrow(/90s, 15m, 2h or 5d/);
  });
});

const result: QueueResult = {
  recipients: 2,
  messages: 1,
  messageIds: ["messageaaaaaaaaa"],
  inFlight: 0,
  kept: 0,
  more: false,
};

test.each<[string, Partial<QueueResult>, boolean, RegExp]>([
  ["done", {}, false, /^2 recipients of 1 message: released\.$/],
  ["counted", {}, true, /would be released\.\n {2}messageaaaaaaaaa$/],
  ["more than the limit", { more: true }, false, /again for the rest/],
  ["some in delivery", { inFlight: 1 }, false, /1 recipient left alone.*Hold first/],
  ["some of a policy", { kept: 3 }, false, /3 recipients kept: policy/],
])("what an operation came to: %s", (_name, change, dryRun, expected) => {
  expect(resultLines("release", { ...result, ...change }, dryRun).join("\n")).toMatch(expected);
});

test("the history of a message: holds with their meaning, attempts with their conversation, operations", () => {
  const lines = historyLines(
    isoTimes({
      message: {
        ...entry,
        id: entry.messageId,
        template: null,
        eightBit: false,
        smtpUtf8: false,
        ret: null,
        envid: "e1",
        ask: "require-tls",
        recipients: [
          { ...entry, state: "held", hold: { reason: "by-hand", owner: "committee", note: "wait" } },
        ],
      },
      attempts: [
        {
          recipientId: entry.id,
          at: NOW,
          durationMs: 5,
          host: "mx.b.test [192.0.2.1]",
          code: 451,
          enhanced: "4.7.1",
          text: "later",
          class: "rate-limited",
          permanent: false,
          fault: "pool",
          rule: "gmail/rate",
          egress: "192.0.2.9",
          tls: "TLSv1.3",
          tlsPolicy: "dane",
          transcript: "S: 220 x\nC: EHLO y",
        },
      ],
      operations: [{ at: NOW, by: "ann", action: "hold", why: "wait", recipients: 1 }],
      told: [
        {
          seq: 1,
          messageId: entry.messageId,
          recipientId: entry.id,
          address: "x@b.test",
          state: "deferred",
          fromDomain: "member.test",
          stream: "transactional",
          at: NOW,
          kind: "delayed",
          status: "4.4.1",
          sentTo: null,
          text: "Your message",
        },
      ],
    } satisfies QueueHistory),
    NOW,
  ).join("\n");
  expect(lines).toContain("Received   2026-01-01T22:00:00Z (2h ago), 100 octets");
  expect(lines).toContain("ENVID      e1\nTLS        REQUIRETLS");
  expect(lines).toContain("you need not send it again.\n    | S: 220 x\n    | C: EHLO y");
  expect(lines).toContain('A person holds it; only a person frees it. "wait"');
  expect(lines).toContain(
    "mx.b.test [192.0.2.1], 5 ms, TLSv1.3\n    from 192.0.2.9, TLS by DANE\n    451 4.7.1 later\n    rate-limited, for now; fault: pool; rule gmail/rate\n",
  );
  expect(lines).toContain("2026-01-02T00:00:00Z delayed, x@b.test: on its page only");
  expect(lines).toContain("2026-01-02T00:00:00Z hold by ann (1 recipient): wait");
});
