import { expect, test } from "vitest";
import type { Resolver } from "../../protocol/dns/index.ts";
import { dns } from "./dns.ts";

const answers = (authentic: boolean): Resolver => ({
  resolve: async (_name, type) =>
    type === "TXT"
      ? ({ status: "ok", authentic, records: [{ text: "v=spf1 -all", ttl: 60 }] } as never)
      : { status: "nodata", authentic },
});

test.each<[string, string[], boolean, "ok" | "warn", RegExp]>([
  ["on this host", ["127.0.0.1:53"], true, "ok", /validates/],
  ["on this host, IPv6", ["[::1]:53"], true, "ok", /validates/],
  ["that does not validate", ["127.0.0.1:53"], false, "warn", /no answer for pool\.test/],
  ["elsewhere", ["127.0.0.1:53", "192.0.2.53:53"], true, "warn", /^192\.0\.2\.53:53 .*forge DANE/],
])("a resolver %s", async (_, servers, authentic, status, words) => {
  const config = { POOL_DOMAIN: "pool.test", POOL_HOSTNAME: "relay.pool.test", DNS_SERVERS: servers };
  const parts = { config, resolver: answers(authentic) } as unknown as Parameters<typeof dns>[0];
  const found = (await dns(parts)).find(({ probe }) => probe === "dnssec");
  expect(found).toMatchObject({ status, text: expect.stringMatching(words) as string });
});
