import { expect, test } from "vitest";
import { MovableClock } from "../lib/clock.ts";
import { createResolver, startDnsServer, type DnsServer } from "../platform/dns/index.ts";
import type { EgressOptions, RunningEgress } from "./egress.ts";
import { START, useEgress } from "./egress.fixture.ts";
import type { Family } from "./types.ts";

const BOTH: ReadonlySet<Family> = new Set(["ipv4", "ipv6"]);

const { open, notices, closers } = useEgress();

const TWO = [
  { address: "127.0.0.21", ehlo: "mx1.coop.test" },
  { address: "127.0.0.22", ehlo: "mx2.coop.test" },
];

/** A blocklist that answers what `says` returns, and egress that asks it. */
async function listing(
  says: (entry: string) => string | undefined,
  more: Partial<EgressOptions> = {},
): Promise<RunningEgress> {
  const server: DnsServer = await startDnsServer({
    host: "127.0.0.1",
    port: 0,
    answer({ name, type }) {
      const address = says(name.slice(0, -".bl.test".length).split(".").toReversed().join("."));
      if (address === undefined || type !== "A")
        return { status: "nxdomain", answers: [], authoritative: true };
      return {
        status: "ok",
        answers: [{ name, type, ttl: 1, data: { address } }],
        authoritative: true,
      };
    },
  });
  closers.push(() => server.close());
  return open(new MovableClock(START), {
    addresses: TWO,
    warm: "all",
    blocklists: ["bl.test"],
    lastListed: "stop",
    resolver: createResolver({ servers: [`127.0.0.1:${server.port}`], tries: 1, timeoutMs: 2_000 }),
    ...more,
  });
}

test.each<[string, (entry: string) => string | undefined, RegExp]>([
  ["refuses this resolver", () => "127.255.255.254", /public resolver/],
  [
    "refuses as soon as its test entries are asked for",
    (entry) => (entry === "127.0.0.2" ? "127.0.0.2" : entry === "127.0.0.1" ? undefined : "127.255.255.255"),
    /too many queries/,
  ],
  ["answers all, its own test entry too", () => "127.0.0.2", /lists 127.0.0.1, and so everybody/],
  [
    "answers all but its test entry",
    (entry) => (entry === "127.0.0.1" ? undefined : "127.0.0.2"),
    /lists the root name servers/,
  ],
  ["was bought by somebody who answers all", () => "203.0.113.80", /no code of a blocklist/],
  ["is closed", () => undefined, /not listed: it is closed/],
])("a list that %s takes no address out, let alone all", async (_, says, evidence) => {
  const egress = await listing(says);
  await egress.checkListings();
  const status = egress.status(START);
  expect(status.map(({ out }) => out)).toEqual([undefined, undefined]);
  for (const { listings } of status) expect(listings[0]!.evidence).toMatch(evidence);
  expect(notices).toEqual([]);
});

test.each<["stop" | "codes", boolean, RegExp]>([
  [
    "stop",
    false,
    /^No mail leaves, .*127\.0\.0\.21 is on bl\.test; 127\.0\.0\.22 is on bl\.test.*answered 451/,
  ],
  ["codes", true, /^Only login codes leave, /],
])(
  "every address listed, and %s: mail waits, none is taken, and who runs it is told once",
  async (lastListed, codes, told) => {
    let listed = true;
    const ours = new Set(["127.0.0.2", ...TWO.map(({ address }) => address)]);
    const egress = await listing(
      (entry) => (entry === "127.0.0.2" || (listed && ours.has(entry)) ? "127.0.0.2" : undefined),
      { lastListed },
    );
    await egress.checkListings();
    await egress.checkListings();
    const request = { provider: "gmail", families: BOTH, last: undefined, now: START };
    expect(egress.choose({ ...request, priority: 1 })).toMatchObject({
      ok: false,
      why: expect.stringContaining("No sending address of ours is in use"),
    });
    expect(egress.choose({ ...request, priority: 0 }).ok).toBe(codes);
    expect(egress.allowanceLeft("gmail", false, START)).toMatchObject({ left: 0, daily: 0 });
    const about = () => notices.filter(({ change }) => change.endsWith("-left"));
    expect(about()).toMatchObject([{ change: "none-left", address: "", why: expect.stringMatching(told) }]);
    listed = false;
    await egress.checkListings();
    await egress.checkListings();
    expect(about().map(({ change }) => change)).toEqual(["none-left", "some-left"]);
    expect(egress.choose({ ...request, priority: 1 }).ok).toBe(true);
  },
);
