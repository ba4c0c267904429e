import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { evaluateSpf } from "../src/protocol/spf/index.ts";
import { suiteResolver, type SuiteScenario } from "./spf-suite/zone.ts";

const file = join(import.meta.dirname, "spf-suite/rfc7208-tests.json");
const scenarios = JSON.parse(readFileSync(file, "utf8")) as SuiteScenario[];

/** Every case of the suite whose result is not the one that the suite asks for, with the reason. */
const OTHER_RESULT: Record<string, string> = {};

/** Every case with another explanation text, with the reason. */
const OTHER_EXPLANATION: Record<string, string> = {
  "v-macro-ip6": "nibbles of an IPv6 address in lower case; RFC 7208 section 7.3 leaves the case open",
};

const all = scenarios.flatMap((scenario) =>
  Object.entries(scenario.tests).map(([name, wanted]) => ({ name, wanted, zone: scenario.zonedata })),
);

async function evaluate({ wanted, zone }: (typeof all)[number]) {
  const { host, mailfrom, helo } = wanted;
  return evaluateSpf({ ip: host, mailFrom: mailfrom, helo }, suiteResolver(zone));
}

describe("the RFC 7208 test suite, release 2014.04 with its later additions", () => {
  test("is whole", () => {
    expect(all).toHaveLength(203);
    expect(new Set(all.map((c) => c.name)).size).toBe(203);
  });

  test("every result is as asked, but for the cases named here", async () => {
    const differing: string[] = [];
    for (const one of all) {
      const { result } = await evaluate(one);
      if (![one.wanted.result].flat().includes(result)) differing.push(one.name);
    }
    expect(differing).toEqual(Object.keys(OTHER_RESULT));
  });

  test("every explanation is as asked, but for the cases named here", async () => {
    const differing: string[] = [];
    const asking = all.filter((c) => c.wanted.explanation !== undefined);
    for (const one of asking) {
      const { explanation } = await evaluate(one);
      const wanted = one.wanted.explanation === "DEFAULT" ? undefined : one.wanted.explanation;
      if (explanation !== wanted) differing.push(one.name);
    }
    expect(asking.length).toBeGreaterThan(20);
    expect(differing).toEqual(Object.keys(OTHER_EXPLANATION));
  });
});
