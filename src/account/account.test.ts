import { beforeEach, describe, expect, test } from "vitest";
import { Database } from "../platform/database.ts";
import type { Resolver } from "../protocol/dns/index.ts";
import { clientMetadata } from "./client.ts";
import { resolveHandle } from "./handle.ts";
import { roleOf, type Identity, type PersonRole } from "./identity.ts";
import { createPending, PENDING_MS } from "./pending.ts";
import { createPeople } from "./people.ts";
import { accountMigration } from "./schema.ts";
import { createSessions, SESSION_LIFETIME_MS } from "./sessions.ts";

const NOW = 1_800_000_000_000;
const ADA = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const BEN = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb";
const KEY = new Uint8Array(32).fill(7);
let db: Database;
beforeEach(() => void (db = new Database(":memory:", [accountMigration])));

describe("sessions", () => {
  test.each<Identity>([
    { role: "committee" },
    { role: "committee", by: "rosa" },
    { role: "member", did: ADA },
    { role: "person", did: ADA },
  ])("%j is who it was begun for, until it ends", (identity) => {
    const sessions = createSessions(db, KEY);
    const secret = sessions.begin(identity, NOW, "Firefox");
    expect(sessions.read(secret, NOW + SESSION_LIFETIME_MS - 1)).toMatchObject({
      ok: true,
      session: { identity, browser: "Firefox", beganAt: NOW },
    });
    expect(sessions.read(secret, NOW + SESSION_LIFETIME_MS)).toEqual({ ok: false, reason: "expired" });
    sessions.end(secret);
    expect(sessions.read(secret, NOW)).toEqual({ ok: false, reason: "absent" });
  });

  test("what the cookie carries stands nowhere in the database, and its name there opens nothing", () => {
    const sessions = createSessions(db, KEY);
    const secret = sessions.begin({ role: "person", did: ADA }, NOW);
    const rows = db.all<Record<string, unknown>>("SELECT * FROM web_session");
    expect(JSON.stringify(rows)).not.toContain(secret);
    expect(sessions.read(String(rows[0]!["id"]), NOW)).toEqual({ ok: false, reason: "absent" });
  });

  test("an account is the committee as long as it stands among its accounts", () => {
    const cookie = createSessions(db, KEY).begin({ role: "person", did: ADA }, NOW);
    const seen = (committee: string[]) => createSessions(db, KEY, committee).read(cookie, NOW);
    expect(seen([ADA])).toMatchObject({ session: { identity: { role: "committee", by: ADA }, did: ADA } });
    expect(seen([BEN])).toMatchObject({ session: { identity: { role: "person", did: ADA } } });
  });

  test("a new secret of the cooperative ends all of them", () => {
    const cookie = createSessions(db, KEY).begin({ role: "committee" }, NOW);
    expect(createSessions(db, new Uint8Array(32)).read(cookie, NOW)).toEqual({ ok: false, reason: "absent" });
  });

  test.each([undefined, "", "x", "a".repeat(43), "a".repeat(10_000), "' OR 1=1 --"])(
    "%j is none",
    (secret) => {
      createSessions(db, KEY).begin({ role: "committee" }, NOW);
      expect(createSessions(db, KEY).read(secret, NOW)).toEqual({ ok: false, reason: "absent" });
    },
  );

  test("a person ends one of its others, or all, and none of anybody else", () => {
    const sessions = createSessions(db, KEY);
    const begin = (did: string) => sessions.begin({ role: "person", did }, NOW);
    const [one, two, three, bens] = [begin(ADA), begin(ADA), begin(ADA), begin(BEN)];
    const idOf = (secret: string) => {
      const result = sessions.read(secret, NOW);
      return result.ok ? result.session.id : "";
    };
    expect(sessions.endOf(BEN, { id: idOf(one) })).toBe(0);
    expect(sessions.endOf(ADA, { id: idOf(one) })).toBe(1);
    expect(sessions.endOf(ADA, { keep: idOf(two) })).toBe(1);
    expect([one, two, three, bens].map((secret) => sessions.read(secret, NOW).ok)).toEqual([
      false,
      true,
      false,
      true,
    ]);
    expect(sessions.of(ADA, NOW)).toHaveLength(1);
  });
});

describe("people", () => {
  test("act for a member in one role, until they are removed", () => {
    const people = createPeople(db);
    expect(people.put(ADA, BEN, "viewer", "the member", NOW)).toBeNull();
    expect(people.put(ADA, BEN, "manager", "the member", NOW + 1)).toBeNull();
    expect(people.of(ADA)).toEqual([{ person: BEN, role: "manager", addedAt: NOW, addedBy: "the member" }]);
    expect([people.roleOf(ADA, BEN), people.roleOf(BEN, ADA)]).toEqual(["manager", null]);
    expect(people.membersOf(BEN)).toEqual([{ did: ADA, role: "manager" }]);
    expect([people.remove(ADA, BEN), people.remove(ADA, BEN)]).toEqual([true, false]);
    expect(people.put(ADA, ADA, "viewer", "the member", NOW)).toEqual({ error: "own" });
  });

  test("are fifty at most", () => {
    const people = createPeople(db);
    const nth = (n: number) => `did:web:p${n}.test`;
    for (let n = 0; n < 50; n++) people.put(ADA, nth(n), "viewer", "the member", NOW);
    expect(people.put(ADA, nth(50), "viewer", "the member", NOW)).toEqual({ error: "too-many" });
    expect(people.put(ADA, nth(0), "owner", "the member", NOW)).toBeNull();
  });
});

test.each<[Identity | null, string, string | null]>([
  [null, ADA, null],
  [{ role: "committee" }, ADA, "committee"],
  [{ role: "member", did: ADA }, ADA, "owner"],
  [{ role: "member", did: BEN }, ADA, null],
  [{ role: "person", did: ADA }, ADA, "owner"],
  [{ role: "person", did: BEN }, ADA, "viewer"],
  [{ role: "person", did: ADA }, BEN, null],
])("%j is at %s: %s", (identity, member, role) => {
  const personRole = (did: string, person: string): PersonRole | null =>
    did === ADA && person === BEN ? "viewer" : null;
  expect(roleOf(identity, member, personRole)).toBe(role);
});

describe("what is pending", () => {
  test("is sealed, bound to its name, and forgotten after an hour", async () => {
    let now = NOW;
    const store = createPending(db, KEY, () => now)<{ secret: string }>("state");
    await store.set("one", { secret: "a key" });
    expect(await store.get("one")).toEqual({ secret: "a key" });
    const [row] = db.all<{ sealed: Uint8Array }>("SELECT sealed FROM oauth_pending");
    expect(Buffer.from(row!.sealed).toString("latin1")).not.toContain("a key");
    db.run("UPDATE oauth_pending SET key = 'two'");
    expect(await store.get("two")).toBeUndefined();
    db.run("UPDATE oauth_pending SET key = 'one'");
    expect(await createPending(db, new Uint8Array(32), () => now)("state").get("one")).toBeUndefined();
    now += PENDING_MS;
    expect(await store.get("one")).toBeUndefined();
  });
});

describe("client metadata", () => {
  test("of an https origin is that of a confidential client", () => {
    expect(clientMetadata("https://coop.example", "Coop")).toMatchObject({
      client_id: "https://coop.example/oauth/client-metadata.json",
      redirect_uris: ["https://coop.example/oauth/callback"],
      jwks_uri: "https://coop.example/oauth/jwks.json",
      token_endpoint_auth_method: "private_key_jwt",
      scope: "atproto repo:community.email.attestation",
    });
  });

  test("of a sandbox is that of a loopback client, by address", () => {
    const { client_id, redirect_uris } = clientMetadata("http://localhost:8080", "Coop");
    expect(redirect_uris).toEqual(["http://127.0.0.1:8080/oauth/callback"]);
    expect(new URL(client_id!).origin).toBe("http://localhost");
  });
});

describe("a handle", () => {
  const dns = (...texts: string[]): Resolver => ({
    resolve: async (name, type) => {
      expect([name, type]).toEqual(["_atproto.ada.test", "TXT"]);
      return texts.length === 0
        ? { status: "nxdomain", authentic: false }
        : ({ status: "ok", authentic: false, records: texts.map((text) => ({ text, ttl: 60 })) } as never);
    },
  });
  const web = (text: string | null) => async (url: string) => {
    expect(url).toBe("https://ada.test/.well-known/atproto-did");
    return text;
  };

  test.each<[string, Resolver, string | null, string | null]>([
    ["in the DNS", dns("v=other", `did=${ADA}`), null, ADA],
    ["in the DNS, twice", dns(`did=${ADA}`, `did=${ADA}`), null, ADA],
    ["in the DNS, of two", dns(`did=${ADA}`, `did=${BEN}`), ADA, null],
    ["in the DNS, no DID", dns("did=ada"), ADA, null],
    ["on the web", dns(), `${ADA}\n`, ADA],
    ["on the web, beside other TXT", dns("hello"), ADA, ADA],
    ["on the web, a page", dns(), "<html>", null],
    ["nowhere", dns(), null, null],
  ])("%s", async (_, resolver, text, did) => {
    expect(await resolveHandle("ada.test", resolver, web(text))).toBe(did);
  });
});
