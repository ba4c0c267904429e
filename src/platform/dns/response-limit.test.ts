import { expect, test } from "vitest";
import { MovableClock } from "../../lib/clock.ts";
import { createResolver } from "./index.ts";
import { responseLimit, type Passage } from "./response-limit.ts";
import { startDnsServer } from "./server.ts";

function ask(
  addresses: string[],
  perSecond = 10,
): { passed: Passage[]; again: (address: string, afterMs: number) => Passage } {
  const clock = new MovableClock(0);
  const passage = responseLimit({ perSecond, clock });
  return {
    passed: addresses.map(passage),
    again(address, afterMs) {
      clock.advance(afterMs);
      return passage(address);
    },
  };
}
const times = (n: number, address: string) => Array.from({ length: n }, () => address);

test("twice the rate passes in one go, then every second is truncated and the others are dropped", () => {
  const { passed } = ask(times(24, "192.0.2.1"));
  expect(passed.slice(0, 20)).toEqual(times(20, "answer"));
  expect(passed.slice(20)).toEqual(["truncate", "drop", "truncate", "drop"]);
});

test.each([
  ["one IPv4 network", ["192.0.2.1", "192.0.2.254"], false],
  ["two IPv4 networks", ["192.0.2.1", "192.0.3.1"], true],
  ["one IPv6 network", ["2001:db8::1", "2001:db8::ffff:2"], false],
  ["two IPv6 networks", ["2001:db8::1", "2001:db8:0:1::1"], true],
  ["IPv4 in IPv6", ["::ffff:192.0.2.1", "192.0.2.9"], false],
])("%s", (_, [one, other], apart) => {
  const { again } = ask(times(20, one!));
  expect(again(other!, 0) === "answer").toBe(apart);
});

test("it passes again in time, and this host is not limited", () => {
  const { again } = ask(times(20, "192.0.2.1"));
  expect(again("192.0.2.1", 50)).not.toBe("answer");
  expect(again("192.0.2.1", 100)).toBe("answer");
  expect(ask(times(1_000, "127.0.0.1")).passed.every((one) => one === "answer")).toBe(true);
  expect(ask(times(1_000, "::1")).passed.every((one) => one === "answer")).toBe(true);
});

test("a hundred thousand forged senders are each answered, and forgotten", () => {
  const many = Array.from({ length: 100_000 }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
  const { passed } = ask(many, 1_000);
  expect(passed.every((one) => one === "answer")).toBe(true);
});

test.each<[Passage, string]>([
  ["answer", "ok"],
  ["truncate", "ok"],
  ["drop", "temperror"],
])("%s: who really asks gets %s", async (passage, status) => {
  const server = await startDnsServer({
    host: "127.0.0.1",
    port: 0,
    limit: () => passage,
    answer: ({ name }) => ({
      status: "ok",
      answers: [{ name, type: "A", ttl: 1, data: { address: "192.0.2.1" } }],
      authoritative: true,
    }),
  });
  try {
    const servers = [`127.0.0.1:${server.port}`];
    const resolver = createResolver({ servers, timeoutMs: 200, tries: 1 });
    expect((await resolver.resolve("a.test", "A")).status).toBe(status);
  } finally {
    await server.close();
  }
});
