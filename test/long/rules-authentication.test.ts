import { afterAll, beforeAll, expect, test } from "vitest";
import { HOUR, missing, openRules, type RulesSandbox } from "./rules-sandbox.ts";

const [alder, birch] = ["alder.test", "birch.test"] as const;
let here: RulesSandbox;

beforeAll(async () => {
  here = await openRules(alder, birch);
});
afterAll(() => here.close());

const status = (domain: string) => here.core.members.domain(domain)!.status;
const held = async () => (await here.relay.spool.counts()).held ?? 0;

test("AuthenticationBroken and AuthenticationRestored: SERVFAIL holds nothing; a key that is gone holds this domain only, and what waited arrives once", async () => {
  const did = here.didOf(alder);
  const { zones } = here.sandbox.world;
  const records = here.core.members
    .recordsFor(did, alder)
    .filter(({ name }) => name.includes("._domainkey."));
  expect(records.length).toBeGreaterThan(0);
  await here.pass(7 * HOUR, HOUR);
  expect([status(alder), here.core.standings.holds()]).toEqual(["active", []]);

  for (const { name } of records) zones.fail(name, true);
  await here.pass(24 * HOUR, HOUR);
  expect([status(alder), here.core.standings.holds()]).toEqual(["active", []]);
  for (const { name } of records) zones.fail(name, false);

  const kept = records.map(({ name }) => zones.list(name));
  expect(kept.flat()).toHaveLength(records.length);
  for (const [i, { name }] of records.entries()) zones.set(name, kept[i]![0]!.type);
  await here.pass(24 * HOUR, HOUR);
  expect(status(alder)).toBe("held");
  expect(here.core.standings.holds()).toMatchObject([{ did, domain: alder }]);
  expect([here.standing(alder), status(birch)]).toEqual(["good", "active"]);
  expect(here.core.standings.notes.list(did)[0]!.body).toContain(records[0]!.name);
  expect(missing(await here.page(alder), [records[0]!.name])).toEqual([]);

  const replies = await here.send(alder, ["waits@bigmail.test"]);
  await here.send(birch, ["flows@bigmail.test"]);
  await here.settle();
  expect(replies).toEqual([expect.stringMatching(/^250/)]);
  expect([await held(), here.received("waits@bigmail.test").length]).toEqual([1, 0]);
  expect(here.received("flows@bigmail.test")).toHaveLength(1);

  for (const { name, type, value } of records) {
    if (type === "CNAME") zones.set(name, "CNAME", { target: value });
    else zones.set(name, "TXT", { text: value });
  }
  await here.pass(24 * HOUR, HOUR);
  expect([status(alder), here.core.standings.holds(), await held()]).toEqual(["active", [], 0]);
  expect(here.received("waits@bigmail.test")).toHaveLength(1);
  expect(here.core.standings.notes.list(did)[0]!.title).toBe(`Mail of ${alder} leaves again`);
}, 60_000);
