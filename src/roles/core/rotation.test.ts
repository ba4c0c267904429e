import { afterEach, beforeEach, expect, test } from "vitest";
import { MovableClock } from "../../lib/clock.ts";
import { secureRandom } from "../../lib/ids.ts";
import { createMembers, memberMigration, type Members } from "../../member/index.ts";
import { Database } from "../../platform/database.ts";
import { silentLog } from "../../platform/log.ts";
import { openingKeyFrom } from "../../platform/seal.ts";
import type { DnsAnswer, DnsType, Resolver } from "../../protocol/dns/index.ts";
import { createRotationFollower } from "./rotation.ts";

const did = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
let db: Database;
let members: Members;
/** What the DNS answers, by name. */
let answers: Map<string, DnsAnswer<"TXT">>;
let next: { name: string; value: string }[];

const txt = (...texts: string[]): DnsAnswer<"TXT"> => ({
  status: "ok",
  records: texts.map((text) => ({ text, ttl: 60 })),
  authentic: false,
});
const silent: DnsAnswer<"TXT"> = { status: "temperror", detail: "no answer", kind: "timeout" };
const nothing: DnsAnswer<"TXT"> = { status: "nxdomain", authentic: false };
const resolver: Resolver = {
  resolve: async <T extends DnsType>(name: string) => (answers.get(name) ?? nothing) as DnsAnswer<T>,
};
const follow = (hurry: boolean) =>
  createRotationFollower(members, resolver, silentLog).follow("ada.test", hurry);
const states = () =>
  members
    .allKeysOf("ada.test")
    .map((key) => key.state)
    .sort();

beforeEach(async () => {
  db = new Database(":memory:", [memberMigration]);
  members = createMembers({
    db,
    clock: new MovableClock(1_000),
    random: secureRandom,
    sealTo: await openingKeyFrom(new Uint8Array(32).fill(7)),
    returnPathHost: "bounce.coop.test",
    spfInclude: "_spf.coop.test",
  });
  members.join(did, "Ada");
  await members.addDomain(did, "ada.test");
  const rotation = await members.rotate("ada.test");
  if ("error" in rotation) throw new Error(rotation.error);
  next = rotation.publish;
  answers = new Map();
});
afterEach(() => db.close());

test.each<[string, (value: string) => DnsAnswer<"TXT">, boolean]>([
  ["both records are there", (value) => txt(value), true],
  ["with other blanks", (value) => txt(value.replaceAll("; ", ";")), true],
  ["of another key", () => txt("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="), false],
  ["beside another record", (value) => txt(value, "v=DKIM1; p="), false],
  ["revoked", () => txt("v=DKIM1; p="), false],
  ["no answer", () => silent, false],
  ["nothing there", () => nothing, false],
])("the second record: %s", async (_, second, turns) => {
  answers.set(next[0]!.name, txt(next[0]!.value));
  answers.set(next[1]!.name, second(next[1]!.value));
  await follow(true);
  expect(states()).toEqual(
    turns ? ["active", "active", "retiring", "retiring"] : ["active", "active", "next", "next"],
  );
});

test("no answer neither begins nor breaks the hour", async () => {
  for (const { name, value } of next) answers.set(name, txt(value));
  await follow(false);
  const seenAt = () => (members.rotation("ada.test") as { seenAt: number | null }).seenAt;
  expect(seenAt()).toBe(1_000);
  answers.set(next[0]!.name, silent);
  await follow(false);
  expect(seenAt()).toBe(1_000);
  answers.delete(next[0]!.name);
  await follow(false);
  expect(seenAt()).toBeNull();
});

test.each([
  ["another pair was made", true],
  ["nothing else", false],
])("cancelled while the DNS is asked, and %s: nothing turns", async (_, again) => {
  const asked = Promise.withResolvers<void>();
  const slow: Resolver = {
    resolve: async <T extends DnsType>(name: string) => {
      await asked.promise;
      return (answers.get(name) ?? nothing) as DnsAnswer<T>;
    },
  };
  for (const { name, value } of next) answers.set(name, txt(value));
  const following = createRotationFollower(members, slow, silentLog).follow("ada.test", true);
  members.cancelRotation("ada.test");
  if (again) await members.rotate("ada.test");
  asked.resolve();
  await following;
  expect(states()).toEqual(again ? ["active", "active", "next", "next"] : ["active", "active"]);
});
