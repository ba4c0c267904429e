import { expect, test } from "vitest";
import type { DnsAnswer, Resolver } from "../../protocol/dns/index.ts";
import type { DeliveryConfig, RelayContext } from "../context.ts";
import { createAtlas } from "./atlas.ts";

const MINUTE = 60_000;

function atlasAt(clock: { at: number }, tlsa: DnsAnswer<"TLSA"> = { status: "nodata", authentic: true }) {
  const asked: string[] = [];
  const resolver: Resolver = {
    async resolve(name, type) {
      if (type === "MX") asked.push(name);
      if (type === "TLSA") return tlsa as never;
      return type === "A"
        ? ({ status: "ok", authentic: true, records: [{ address: "198.41.0.4", ttl: 60 }] } as never)
        : { status: "nodata", authentic: false };
    },
  };
  const sts = { policy: undefined, fault: undefined };
  const context = {
    clock: { now: () => clock.at },
    identity: { hostname: "relay.pool.test" },
    resolver,
    random: () => 0,
    transport: { of: async (domain: string) => ({ domain, sts, rule: undefined }), ruleOf: () => undefined },
    shaping: { providerOf: () => "other", providerOfMailbox: () => undefined },
    observed: () => undefined,
  } as unknown as RelayContext;
  return { atlas: createAtlas(context, {} as DeliveryConfig), asked };
}

test.each<[string, number, number]>([
  ["four minutes later", 4 * MINUTE, 1],
  ["five minutes later", 5 * MINUTE, 2],
  ["when the clock was set back by a day", -1_440 * MINUTE, 2],
])("a route is known for five minutes: %s", async (_name, later, times) => {
  const clock = { at: 1_000_000_000 };
  const { atlas, asked } = atlasAt(clock);
  await atlas.wayTo("a.test");
  clock.at += later;
  await atlas.wayTo("a.test");
  expect(asked.length).toBe(times);
});

test.each<[string, number, number]>([
  ["29 seconds later", 29_000, 1],
  ["30 seconds later", 30_000, 2],
])(
  "a route whose TLSA records the DNS did not tell is known for half a minute: %s",
  async (_, later, times) => {
    const clock = { at: 1_000_000_000 };
    const { atlas, asked } = atlasAt(clock, { status: "temperror", detail: "SERVFAIL", kind: "servfail" });
    await atlas.wayTo("a.test");
    clock.at += later;
    await atlas.wayTo("a.test");
    expect(asked.length).toBe(times);
  },
);

test.each<[string, number, number]>([
  ["29 seconds after it was found", 29_000, 1],
  ["30 seconds after it was found", 30_000, 2],
])("a route that led to no TLS is asked for again: %s", async (_, later, times) => {
  const clock = { at: 1_000_000_000 };
  const { atlas, asked } = atlasAt(clock);
  await atlas.wayTo("a.test");
  clock.at += later;
  for (let i = 0; i < 3; i++) {
    atlas.doubt("a.test");
    await atlas.wayTo("a.test");
  }
  expect(asked.length).toBe(times);
});
