import { expect, test } from "vitest";
import { complianceLines } from "./compliance.ts";
import { providerReported } from "./event.ts";
import { judge } from "./judge.ts";
import type { Figures } from "./types.ts";

test.each([
  ["gmail", { spam_rate: 0 }, "ok"],
  ["gmail", { spam_rate: 0.00099 }, "ok"],
  ["gmail", { spam_rate: 0.001 }, "warn"],
  ["gmail", { spam_rate: 0.003 }, "bad"],
  ["gmail", { spf_rate: 1 }, undefined],
  ["microsoft", { filter: "green", complaint_rate_below: 0.001 }, "ok"],
  ["microsoft", { filter: "green", complaint_rate: 0.004 }, "bad"],
  ["microsoft", { filter: "yellow" }, "warn"],
  ["microsoft", { filter: "yellow", complaint_rate: 0.01 }, "bad"],
  ["microsoft", { filter: "red" }, "bad"],
  ["microsoft", { filter: "green", trap_hits: 1 }, "warn"],
  ["microsoft", { filter: "green", blocked: true }, "bad"],
  ["microsoft", { complaint_rate_below: 0.001 }, "ok"],
  ["microsoft", { data_commands: 4 }, undefined],
  ["yahoo", { delivered: 0, complaints: 0 }, "ok"],
  ["yahoo", { delivered: 20, complaints: 1 }, "warn"],
  ["yahoo", { delivered: 1_000, complaints: 3 }, "bad"],
  ["yahoo", { delivered: 2_000, complaints: 1 }, "ok"],
  ["blocklists", { listed: 0, lists: "", asked: 3 }, "ok"],
  ["blocklists", { listed: 0, lists: "", asked: 3, reverse_dns: false }, "warn"],
  ["blocklists", { listed: 1, lists: "zen.spamhaus.org", asked: 3 }, "bad"],
  ["blocklists", {}, undefined],
] as const)("%s %j: %s", (provider, figures, level) => expect(judge(provider, figures)?.level).toBe(level));

test("what is not met comes first, with its remedy; an unknown requirement keeps its name", () => {
  const lines = complianceLines([
    { requirement: "SPF", status: "met", reason: "" },
    { requirement: "ONE_CLICK_UNSUBSCRIBE", status: "unmet", reason: "NO_UNSUB_GENERAL" },
    { requirement: "NEW_ONE", status: "unmet", reason: "" },
  ]);
  expect(lines.map(({ name, status, reason }) => [name, status, reason])).toEqual([
    ["new one", "unmet", ""],
    ["One-click unsubscribe", "unmet", "no unsub general"],
    ["SPF", "met", ""],
  ]);
  expect(lines.map(({ remedy }) => remedy !== null)).toEqual([true, true, false]);
});

test("an event of revised figures has a key of its own, and says what it replaces", () => {
  const about = { provider: "gmail", kind: "domain", subject: "a.example" } as const;
  const row = { ...about, day: "2026-06-01", figures: { spam_rate: 0.004 }, revision: 2, at: 0 };
  const window: { figures: Figures }[] = [
    { figures: { spam_rate: 0.002 } },
    { figures: { dkim_rate: 1 } },
    row,
  ];
  const { dedupe_key, detail, member } = providerReported(
    row,
    { did: "did:plc:a", domain: "a.example" },
    window,
  );
  expect(dedupe_key).toBe("provider:gmail:domain:a.example:2026-06-01:2");
  expect(member.did).toBe("did:plc:a");
  expect(detail).toMatchObject({
    replaces: "provider:gmail:domain:a.example:2026-06-01",
    level: "bad",
    window: { days: 30, known: 3, warn: 1, bad: 1 },
  });
  expect(providerReported({ ...row, revision: 1 }, member, window).detail).not.toHaveProperty("replaces");
});
