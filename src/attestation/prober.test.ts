import { expect, test } from "vitest";
import { DAY_MS, MovableClock } from "../lib/clock.ts";
import type { SmtpConnect } from "../protocol/smtp-probe/index.ts";
import { createProber } from "./prober.ts";

/** What a mail host does when it is spoken to. */
type Manner = "takes mail" | "is busy" | "is away";

/** Mail hosts by their address; the conversations begun. */
function world(manners: Record<string, Manner> = {}) {
  const clock = new MovableClock(Date.parse("2026-01-01T00:00:00Z"));
  const begun: string[] = [];
  const connect: SmtpConnect = async (address) => {
    begun.push(address);
    const manner = manners[address] ?? "takes mail";
    if (manner === "is away") return { fault: "timed out" };
    const lines = manner === "is busy" ? ["421 later"] : ["220 mx", "250 mx"];
    const close = () => undefined;
    return {
      readLine: async () => lines.shift(),
      write: close,
      startTls: async () => ({ fault: "" }),
      close,
    };
  };
  const probe = createProber({ connect, helo: "us.test", now: () => clock.now() });
  /** In order: a host asked at an address, or hours that pass; the status that each question gave. */
  async function tell(steps: readonly (string | number)[]) {
    const seen: (string | undefined)[] = [];
    for (const step of steps) {
      if (typeof step === "number") clock.advance((step / 24) * DAY_MS);
      else {
        const [host = "", address = ""] = step.split("@");
        seen.push((await probe({ host, address, port: 25 }))?.status);
      }
    }
    return seen;
  }
  return { tell, begun, manners, probe };
}

const nothing = undefined;
const cases: [string, Record<string, Manner>, (string | number)[], (string | undefined)[], begun: number][] =
  [
    ["once a day", {}, ["a@1", 19, "a@1"], ["no-starttls", "no-starttls"], 1],
    ["anew the next day", {}, ["a@1", 24, "a@1"], ["no-starttls", "no-starttls"], 2],
    ["two hosts at one address", {}, ["a@1", "b@1"], ["no-starttls", "no-starttls"], 2],
    ["one host at two addresses", {}, ["a@1", "a@2"], ["no-starttls", "no-starttls"], 2],
    ["nobody could be reached yet", { 1: "is away" }, ["a@1"], [nothing], 1],
    ["another could", { 2: "is away" }, ["a@1", "b@2"], ["no-starttls", "unreachable"], 2],
    [
      "another could, and says no",
      { 1: "is busy", 2: "is away" },
      ["a@1", "b@2"],
      ["unwilling", "unreachable"],
      2,
    ],
    ["another could two days ago", { 2: "is away" }, ["a@1", 48, "b@2"], ["no-starttls", nothing], 2],
    [
      "known before anybody else was reached",
      { 2: "is away" },
      ["b@2", "a@1", "b@2"],
      [nothing, "no-starttls", "unreachable"],
      2,
    ],
  ];
test.each(cases)("%s", async (_, manners, steps, statuses, begun) => {
  const { tell, begun: conversations } = world(manners);
  expect(await tell(steps)).toEqual(statuses);
  expect(conversations).toHaveLength(begun);
});

test("many names of one address do not make us knock all day", async () => {
  const { tell, begun } = world();
  const names = Array.from({ length: 60 }, (_, n) => `h${n}@1`);
  const seen = await tell(names);
  expect(seen.filter((status) => status !== undefined)).toHaveLength(50);
  expect(begun).toHaveLength(50);
  expect(await tell(["other@2", 24, "h59@1"])).toEqual(["no-starttls", "no-starttls"]);
});

test("those who ask at once share one conversation", async () => {
  const { probe, begun } = world();
  await Promise.all(Array.from({ length: 20 }, () => probe({ host: "a", address: "1", port: 25 })));
  expect(begun).toEqual(["1"]);
});

test("what is kept is bounded, and what is used stays", async () => {
  const { tell, begun } = world();
  await tell(["a@1"]);
  for (let n = 0; n < 600; n++) await tell([`h${n}@10.0.${n >> 8}.${n & 255}`, "a@1"]);
  expect(begun.filter((address) => address === "1")).toHaveLength(1);
  await tell(["h0@10.0.0.0"]);
  expect(begun.filter((address) => address === "10.0.0.0")).toHaveLength(2);
});
