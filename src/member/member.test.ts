import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MovableClock } from "../lib/clock.ts";
import { secureRandom } from "../lib/ids.ts";
import { Database } from "../platform/database.ts";
import { openSealed, openingKeyFrom, type OpeningKey } from "../platform/seal.ts";
import { hashSecret, secretMatches } from "../policy/index.ts";
import { createMembers, memberMigration, type Members } from "./index.ts";

const ada = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const bob = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb";
let db: Database;
let relay: OpeningKey;
let members: Members;

beforeEach(async () => {
  db = new Database(":memory:", [memberMigration]);
  relay = await openingKeyFrom(new Uint8Array(32).fill(7));
  members = createMembers({
    db,
    clock: new MovableClock(1_000),
    random: secureRandom,
    sealTo: relay,
    returnPathHost: "bounce.coop.test",
    spfInclude: "_spf.coop.test",
  });
});
afterEach(() => db.close());

test("a domain gets two keys, sealed to the relay, and the records to publish", async () => {
  members.join(ada, "Ada");
  const added = await members.addDomain(ada, "ada.test");
  if ("error" in added) throw new Error(added.error);
  expect(added.keys.map((key) => key.algorithm).sort()).toEqual(["ed25519", "rsa"]);
  expect(await openSealed(relay, added.keys[0]!.sealed)).toContain("BEGIN PRIVATE KEY");
  expect(added.records.map((r) => `${r.type} ${r.name}`)).toEqual([
    "TXT _email-attestation.ada.test",
    `TXT ${added.keys[0]!.selector}._domainkey.ada.test`,
    `TXT ${added.keys[1]!.selector}._domainkey.ada.test`,
    "CNAME bounce.ada.test",
    "TXT ada.test",
    "TXT _dmarc.ada.test",
  ]);
});

test("a domain belongs to one member, also when two claim it at once", async () => {
  members.join(ada, "Ada");
  members.join(bob, "Bob");
  const results = await Promise.all([members.addDomain(ada, "x.test"), members.addDomain(bob, "x.test")]);
  expect(results.filter((r) => "error" in r)).toEqual([{ error: "domain-taken", domain: "x.test" }]);
});

describe("members' domains do not lie within each other's", () => {
  test.each<[string, string, string | undefined]>([
    ["a subdomain of another's", "news.bob.test", "bob.test"],
    ["deeper", "a.b.bob.test", "bob.test"],
    ["the parent of another's", "deep.test", "bob.deep.test"],
    ["one's own subdomain", "news.ada.test", undefined],
    ["a neighbour", "notbob.test", undefined],
    ["an underscore is no wildcard", "_ob.test", undefined],
    ["a sibling", "ada.deep.test", undefined],
  ])("%s: %s", async (_name, domain, other) => {
    members.join(ada, "Ada");
    members.join(bob, "Bob");
    await members.addDomain(ada, "ada.test");
    for (const name of ["bob.test", "bob.deep.test"]) await members.addDomain(bob, name);
    const added = await members.addDomain(ada, domain);
    expect("error" in added ? added : undefined).toEqual(
      other && { error: "domain-overlaps", domain, other },
    );
  });

  test("also when both come at once", async () => {
    members.join(ada, "Ada");
    members.join(bob, "Bob");
    const results = await Promise.all([
      members.addDomain(ada, "x.test"),
      members.addDomain(bob, "news.x.test"),
    ]);
    expect(results.flatMap((r) => ("error" in r ? [r.error] : []))).toEqual(["domain-overlaps"]);
  });
});

describe("credentials", () => {
  test("are URL-safe, shown once, kept as a hash, and revocable", async () => {
    members.join(ada, "Ada");
    await members.addDomain(ada, "ada.test");
    const made = members.createCredential(ada, ["ada.test"]);
    if ("error" in made) throw new Error(made.error);
    for (const text of [made.username, made.secret]) expect(text).toMatch(/^[a-z0-9_-]+$/);
    expect(made.secret).toMatch(/^atms_[a-z2-7]{47}$/);
    const [credential] = members.sendingRights(ada).credentials;
    expect(credential).toMatchObject({ username: made.username, domains: ["ada.test"], revoked: false });
    expect(JSON.stringify(db.all("SELECT * FROM credential"))).not.toContain(made.secret);
    expect(secretMatches(made.username, made.secret, credential!.hash)).toBe(true);
    expect(secretMatches(made.username, `${made.secret}x`, credential!.hash)).toBe(false);
    expect(hashSecret("another", made.secret)).not.toBe(credential!.hash);
    expect(members.revokeCredential(ada, made.id)).toBe(true);
    expect(members.sendingRights(ada).credentials[0]!.revoked).toBe(true);
  });

  test("reach only over domains that the member holds", async () => {
    members.join(ada, "Ada");
    await members.addDomain(ada, "ada.test");
    expect(members.createCredential(ada, ["ada.test", "bob.test"])).toEqual({
      error: "domain-not-held",
      domain: "bob.test",
    });
    expect(members.createCredential(ada, [])).toEqual({ error: "domain-not-held", domain: "" });
    expect(members.createCredential(bob, ["ada.test"])).toEqual({ error: "not-a-member", did: bob });
  });
});

test("a domain goes with its keys; credentials keep the others, and end where there is none", async () => {
  members.join(ada, "Ada");
  members.join(bob, "Bob");
  for (const domain of ["a.test", "b.test"]) await members.addDomain(ada, domain);
  const make = (name: string, domains: string[]) => {
    const made = members.createCredential(ada, domains, { name });
    if ("error" in made) throw new Error(made.error);
    return { id: made.id, name };
  };
  const both = make("both", ["a.test", "b.test"]);
  const one = make("one", ["a.test"]);
  const other = make("other", ["b.test"]);
  const expected = { domain: "a.test", narrowed: [both], revoked: [one] };
  expect(members.removalOf(ada, "a.test")).toEqual(expected);
  expect(members.removeDomain(bob, "a.test", "bob")).toEqual({ error: "domain-not-held", domain: "a.test" });
  expect(members.removeDomain(ada, "a.test", "rosa")).toEqual(expected);
  const byId = new Map(members.credentialsOf(ada).map((credential) => [credential.id, credential]));
  expect(byId.get(both.id)).toMatchObject({ domains: ["b.test"], revoked: null });
  expect(byId.get(one.id)).toMatchObject({ revoked: { by: "rosa" } });
  expect(byId.get(other.id)).toMatchObject({ domains: ["b.test"], revoked: null });
  expect(members.sendingRights(ada).domains.map(({ name }) => name)).toEqual(["b.test"]);
  expect(db.all("SELECT * FROM dkim_key WHERE domain = 'a.test'")).toEqual([]);
  expect(members.removeDomain(ada, "a.test", "rosa")).toHaveProperty("error");
  expect(await members.addDomain(bob, "a.test")).toHaveProperty("keys");
});

test("listeners hear of every change", async () => {
  const heard: string[] = [];
  members.onChange((did) => heard.push(did));
  members.join(ada, "Ada");
  await members.addDomain(ada, "ada.test");
  members.setDomainStatus("ada.test", "active");
  members.setDomainStatus("ada.test", "active");
  expect(new Set(heard)).toEqual(new Set([ada]));
  const before = heard.length;
  members.setDomainStatus("ada.test", "held");
  members.setDomainStatus("ada.test", "held");
  expect(heard).toHaveLength(before + 1);
});
