import { expect, test } from "vitest";
import type { Resolver } from "../../protocol/dns/index.ts";
import type { DeliveryConfig, RelayContext } from "../context.ts";
import { createAtlas } from "./atlas.ts";

const MINUTE = 60_000;

function atlasAt(clock: { at: number }) {
  const asked: string[] = [];
  const resolver: Resolver = {
    async resolve(name, type) {
      if (type === "MX") asked.push(name);
      return type === "A"
        ? ({ status: "ok", authentic: false, records: [{ address: "198.41.0.4", ttl: 60 }] } as never)
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
