import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MovableClock } from "../lib/clock.ts";
import { secureRandom } from "../lib/ids.ts";
import { Database } from "../platform/database.ts";
import { openingKeyFrom } from "../platform/seal.ts";
import { createMembers, memberMigration, type ApplicationForm, type Members } from "./index.ts";
import { OVERLAP_MS, PROPAGATION_MS } from "./rotation.ts";

const ada = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const form: ApplicationForm = {
  name: "Ada",
  contact: "ada@ada.test",
  domains: ["ada.test"],
  daily: 40,
  purpose: "codes",
  pds: "ada.test",
  words: "",
};
let db: Database;
let clock: MovableClock;
let members: Members;

async function open(database: Database): Promise<Members> {
  return createMembers({
    db: database,
    clock,
    random: secureRandom,
    sealTo: await openingKeyFrom(new Uint8Array(32).fill(7)),
    returnPathHost: "bounce.coop.test",
    spfInclude: "_spf.coop.test",
  });
}

beforeEach(async () => {
  db = new Database(":memory:", [memberMigration]);
  clock = new MovableClock(1_000);
  members = await open(db);
});
afterEach(() => db.close());

describe("coming and going", () => {
  const steps = {
    apply: () => members.apply(ada, form, "ada"),
    approve: () => members.approve(ada, { tier: "warming", note: "Welcome", by: "bob" }),
    decline: () => members.decline(ada, { reason: "No", by: "bob" }),
    leave: () => members.leave(ada, { reason: "moved", by: "ada" }),
    join: () => members.join(ada, "Ada"),
    readmit: () => members.apply(ada, form, "ada", { readmit: true }),
  };
  type Step = keyof typeof steps;
  test.each<[string, Step[], string]>([
    ["applies", ["apply"], "applicant"],
    ["is approved", ["apply", "approve"], "member"],
    ["is declined", ["apply", "decline"], "left"],
    ["applies twice", ["apply", "apply"], "already-applied"],
    ["is approved twice", ["apply", "approve", "approve"], "no-application"],
    ["was never there", ["approve"], "no-application"],
    ["leaves before it belongs", ["apply", "leave"], "has-left"],
    ["leaves", ["join", "leave"], "left"],
    ["leaves twice", ["join", "leave", "leave"], "has-left"],
    ["comes back", ["join", "leave", "apply", "approve"], "member"],
    ["applies as a member", ["join", "apply"], "already-a-member"],
    ["was ejected and applies", ["join", "readmit"], "applicant"],
    ["has applied and is added by the operator", ["apply", "join"], "already-applied"],
    ["nobody leaves", ["leave"], "not-a-member"],
  ])("%s: %j", (_, way, expected) => {
    const last = way.map((step) => steps[step]()).at(-1)!;
    expect("error" in last ? last.error : last.membership).toBe(expected);
  });

  test("every decision is kept with who and when", () => {
    steps.apply();
    clock.advance(1_000);
    steps.decline();
    steps.apply();
    clock.advance(1_000);
    steps.approve();
    expect(members.applications.of(ada)).toMatchObject([
      { ...form, state: "approved", appliedAt: 2_000, decision: { at: 3_000, by: "bob", tier: "warming" } },
      { ...form, state: "declined", appliedAt: 1_000, decision: { at: 2_000, by: "bob", note: "No" } },
    ]);
    expect(members.get(ada)).toMatchObject({ tier: "warming", joined_at: 3_000, approved_at: 3_000 });
  });

  test("who leaves takes nothing along: keys and domains go, credentials are revoked, the handle stays", async () => {
    steps.join();
    const { handle } = members.get(ada)!;
    await members.addDomain(ada, "ada.test");
    members.createCredential(ada, ["ada.test"]);
    steps.leave();
    expect(members.sendingRights(ada)).toMatchObject({ domains: [], credentials: [{ revoked: true }] });
    expect(db.all("SELECT * FROM dkim_key")).toEqual([]);
    expect(await members.addDomain(ada, "ada.test")).toMatchObject({ error: "has-left" });
    expect(members.createCredential(ada, ["ada.test"])).toMatchObject({ error: "has-left" });
    steps.apply();
    expect(members.get(ada)?.handle).toBe(handle);
  });
});

test("relay nodes are told of credentials in use first, however many were revoked before", async () => {
  members.join(ada, "Ada");
  await members.addDomain(ada, "ada.test");
  const make = () => members.createCredential(ada, ["ada.test"]) as { id: string };
  const [old, newer] = [make(), (clock.advance(1_000), make())];
  members.revokeCredential(ada, old.id);
  expect(members.sendingRights(ada).credentials.map(({ id }) => id)).toEqual([newer.id, old.id]);
});

describe("credentials", () => {
  let id: string;
  beforeEach(async () => {
    members.join(ada, "Ada");
    await members.addDomain(ada, "ada.test");
    const made = members.createCredential(ada, ["ada.test"], {
      name: "blog",
      streams: ["bulk"],
      hourly: 5,
    });
    if ("error" in made) throw new Error(made.error);
    id = made.id;
  });
  const one = () => members.credentialsOf(ada).find((credential) => credential.id === id)!;
  const policy = () => members.sendingRights(ada).credentials.find((credential) => credential.id === id)!;

  test.each<[string, string[], (string | undefined)[]]>([
    ["the first use is no news", ["192.0.2.1"], [undefined]],
    ["the same network neither", ["192.0.2.1", "192.0.2.200"], [undefined, undefined]],
    ["another one is", ["192.0.2.1", "198.51.100.1"], [undefined, "198.51.100.0/24"]],
    ["once", ["192.0.2.1", "198.51.100.1", "198.51.100.2"], [undefined, "198.51.100.0/24", undefined]],
    ["the other protocol too", ["192.0.2.1", "2001:db8::1"], [undefined, "2001:db8:0::/48"]],
    ["what is no address", ["192.0.2.1", "here"], [undefined, undefined]],
  ])("%s", (_, addresses, expected) => {
    const seen = addresses.map((address, at) => members.noteUse({ credential: id, did: ada, at, address }));
    expect(seen).toEqual(expected);
  });

  test("of hundreds of networks in a day the first are news, and on the next day again", () => {
    const use = (at: number, i: number) =>
      members.noteUse({ credential: id, did: ada, at, address: `10.${i >> 8}.${i & 255}.1` });
    const news = Array.from({ length: 500 }, (_, i) => use(i, i)).filter((one) => one !== undefined);
    expect(news).toHaveLength(19);
    expect(use(2 * 86_400_000, 501)).toBe("10.1.245.0/24");
  });

  test("of somebody else's credential nothing is noted", () => {
    members.noteUse({ credential: id, did: "did:plc:other", at: 1, address: "192.0.2.1" });
    expect(one().lastUsed).toBeNull();
  });

  test("the last use is the latest, in whatever order it is told, of 64 networks at most", () => {
    for (let i = 100; i > 0; i--)
      members.noteUse({ credential: id, did: ada, at: i, address: `10.0.${i}.1` });
    expect(one().lastUsed).toEqual({ at: 100, address: "10.0.100.1" });
    expect(one().networks).toHaveLength(64);
    expect(one().networks[0]).toBe("10.0.100.0/24");
  });

  test.each([
    ["by its owner", false, { revoked: true, revokedAt: 1_000, resumedUpTo: 1_000 }],
    ["after a theft", true, { revoked: true, revokedAt: 1_000, stolen: true }],
  ])("is replaced %s by one of the same reach", (_, stolen, expected) => {
    const made = members.replaceCredential(ada, id, { by: "ada", stolen });
    if ("error" in made) throw new Error(made.error);
    expect(policy()).toMatchObject(expected);
    expect("resumedUpTo" in policy()).toBe(!stolen);
    const next = members.credentialsOf(ada).find((credential) => credential.id === made.id);
    expect(next).toMatchObject({ name: "blog", streams: ["bulk"], hourly: 5, domains: ["ada.test"] });
    expect(one()).toMatchObject({ revoked: { by: "ada" }, replacedBy: made.id });
    expect(members.replaceCredential(ada, id, { by: "ada", stolen })).toMatchObject({
      error: "credential-not-in-use",
    });
  });

  test("there is a most, and another member revokes none", () => {
    for (let i = 1; i < 50; i++) members.createCredential(ada, ["ada.test"]);
    expect(members.createCredential(ada, ["ada.test"])).toMatchObject({ error: "too-many-credentials" });
    expect(members.replaceCredential(ada, id, { by: "ada", stolen: false })).not.toHaveProperty("error");
    const other = members.credentialsOf(ada).find((credential) => credential.revoked === null)!;
    expect(members.revokeCredential("did:plc:other", other.id)).toBe(false);
    expect(members.revokeCredential(ada, other.id)).toBe(true);
  });
});

test("keys turn without a day on which none of them would verify", async () => {
  members.join(ada, "Ada");
  const added = await members.addDomain(ada, "ada.test");
  if ("error" in added) throw new Error(added.error);
  const old = added.keys.map((key) => key.selector).sort();
  const rotation = await members.rotate("ada.test");
  if ("error" in rotation) throw new Error(rotation.error);
  const next = rotation.publish.map((record) => record.name.split(".")[0]!).sort();
  const signing = () =>
    members
      .sendingRights(ada)
      .domains[0]!.keys.map((key) => key.selector)
      .sort();
  const published = () =>
    members
      .recordsFor(ada, "ada.test")
      .map((record) => record.name.split("._domainkey.")[0]!)
      .filter((name) => name.startsWith("atms"))
      .sort();

  expect(signing()).toEqual(old);
  expect(published()).toEqual([...old, ...next].sort());
  members.followRotation("ada.test", { selectors: next, seen: true });
  clock.advance(PROPAGATION_MS - 1);
  expect(members.followRotation("ada.test", { selectors: next, seen: true })).toEqual([]);
  expect(signing()).toEqual(old);
  clock.advance(1);
  expect(members.followRotation("ada.test", { selectors: next, seen: true })).toEqual(["activate"]);
  expect(signing()).toEqual(next);
  expect(published()).toEqual([...old, ...next].sort());
  expect(members.cancelRotation("ada.test")).toMatchObject({ error: "no-rotation" });

  clock.advance(OVERLAP_MS);
  expect(members.followRotation("ada.test", { selectors: next, seen: undefined })).toEqual(["retire"]);
  expect(published()).toEqual(next);
  expect(members.rotation("ada.test")).toMatchObject({ publish: [], keep: [] });
  const sealed = db.all<{ selector: string }>("SELECT selector FROM dkim_key WHERE sealed <> ''");
  expect(sealed.map((row) => row.selector).sort()).toEqual(next);
  for (const selector of old) members.recordGone("ada.test", selector);
  expect(members.turning()).toEqual([]);
});

test("a database of before keeps its members, keys and credentials", async () => {
  const [first] = memberMigration.steps;
  const before = new Database(":memory:", [{ module: "member", steps: [first!] }]);
  before.exec(`
    INSERT INTO member VALUES ('${ada}', 'h', 'Ada', 'steady', 5, NULL);
    INSERT INTO domain VALUES ('ada.test', '${ada}', 'active', NULL, 6);
    INSERT INTO dkim_key VALUES ('ada.test', 's1', 'rsa', 'txt', 'print', 'sealed', 7);
    INSERT INTO credential VALUES ('c', '${ada}', 'user', 'hash', '["ada.test"]', 8, NULL);`);
  for (const step of memberMigration.steps.slice(1)) before.exec(step);
  const old = await open(before);
  expect(old.get(ada)).toMatchObject({ membership: "member", approved_at: 5, tier: "steady" });
  expect(old.sendingRights(ada)).toMatchObject({
    domains: [{ keys: [{ selector: "s1" }] }],
    credentials: [{ streams: ["transactional", "bulk"], hourly: null, revoked: false }],
  });
  before.close();
});

test("replies are sent on to an address of the member, and nowhere else", async () => {
  members.apply(ada, form, "ada");
  members.approve(ada, { note: "", by: "bob" });
  await members.addDomain(ada, "ada.test");
  const at = (to: string | null) => members.setReplies(ada, to);
  expect(at("eve@evil.test")).toMatchObject({ error: "not-its-address" });
  expect(at("ops@bounce.ada.test")).toMatchObject({ error: "not-its-address" });
  expect(at("no address")).toMatchObject({ error: "not-its-address" });
  expect(members.sendingRights(ada).replies).toBeUndefined();
  expect(at("ada@ada.test")).toEqual({ replies: "ada@ada.test" });
  expect(members.sendingRights(ada).replies).toBe("ada@ada.test");
  expect(at(null)).toEqual({ replies: null });
  expect(members.sendingRights(ada).replies).toBeUndefined();
  expect(members.setReplies("did:plc:bbbbbbbbbbbbbbbbbbbbbbbb", "x@y.test")).toMatchObject({
    error: "not-a-member",
  });
});
