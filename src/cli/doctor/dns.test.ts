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

test.each<[string, string | undefined, "ok" | "warn"]>([
  ["a record for all domains", "v=DMARC1", "ok"],
  ["with a semicolon", "v=DMARC1;", "ok"],
  ["another text", "v=spf1 -all", "warn"],
  ["none", undefined, "warn"],
])("DMARC reports: %s", async (_, text, status) => {
  const resolver: Resolver = {
    resolve: async (name, type) =>
      type === "TXT" && (text === undefined ? !name.includes("._report.") : true)
        ? ({ status: "ok", authentic: true, records: [{ text: text ?? "v=spf1 -all", ttl: 60 }] } as never)
        : { status: "nodata", authentic: true },
  };
  const config = {
    POOL_DOMAIN: "pool.test",
    POOL_HOSTNAME: "relay.pool.test",
    DNS_SERVERS: ["127.0.0.1:53"],
  };
  const found = await dns({ config, resolver } as unknown as Parameters<typeof dns>[0]);
  expect(found.find(({ probe }) => probe === "DMARC reports")).toMatchObject({
    status,
    ...(status === "warn" && { remedy: 'Publish: *._report._dmarc.pool.test. TXT "v=DMARC1"' }),
  });
});
