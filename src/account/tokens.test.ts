import { beforeEach, describe, expect, test } from "vitest";
import { Database } from "../platform/database.ts";
import type { Membership, Standing } from "../policy/index.ts";
import { accountMigration } from "./schema.ts";
import {
  accessFault,
  needOf,
  TOKEN_SCOPES,
  type ApiCaller,
  type Need,
  type TokenScope,
} from "./token-access.ts";
import { createTokens, MOST_TOKENS, type Tokens } from "./tokens.ts";

const NOW = 1_800_000_000_000;
const DAY = 86_400_000;
const ADA = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const BEN = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb";
const wanted = { name: "monitor", scopes: ["read"], days: 90 } as const;
let db: Database;
let tokens: Tokens;
beforeEach(() => {
  db = new Database(":memory:", [accountMigration]);
  tokens = createTokens(db);
});
const make = (did = ADA, at = NOW, by = ADA) => {
  const made = tokens.make(did, wanted, by, at);
  if (made === null) throw new Error("too many");
  return made;
};

describe("a token", () => {
  test("opens what it was made for, until its end", () => {
    const { secret, token } = make();
    expect(secret).toMatch(/^atmt_[\w-]{43}$/);
    expect(token).toEqual({
      id: expect.stringMatching(/^[a-z2-7]{13}$/),
      name: "monitor",
      scopes: ["read"],
      madeBy: ADA,
      madeAt: NOW,
      endsAt: NOW + 90 * DAY,
      usedAt: null,
      revoked: null,
    });
    expect(tokens.read(secret, NOW + 90 * DAY - 1)).toMatchObject({ ok: true, member: ADA });
    expect(tokens.read(secret, NOW + 90 * DAY)).toEqual({ ok: false, reason: "ended" });
  });

  test("stands nowhere in the database, and its name there opens nothing", () => {
    const { secret, token } = make();
    const rows = db.all<Record<string, unknown>>("SELECT * FROM member_token");
    expect(JSON.stringify(rows)).not.toContain(secret.slice(5));
    for (const other of [token.id, String(rows[0]!["hash"]), secret.slice(5), `${secret}x`, ""])
      expect(tokens.read(other, NOW)).toEqual({ ok: false, reason: "unknown" });
  });

  test("two are never alike, with other randomness only", () => {
    const same = createTokens(new Database(":memory:", [accountMigration]), (n) => new Uint8Array(n).fill(3));
    const other = createTokens(new Database(":memory:", [accountMigration]), (n) =>
      new Uint8Array(n).fill(4),
    );
    expect(same.make(ADA, wanted, ADA, NOW)!.secret).not.toBe(other.make(ADA, wanted, ADA, NOW)!.secret);
  });

  test("when it was used is known to the minute", () => {
    const { secret } = make();
    const used = () => tokens.of(ADA, NOW)[0]!.usedAt;
    tokens.read(secret, NOW + 61_500);
    expect(used()).toBe(NOW + 60_000);
    tokens.read(secret, NOW + 119_999);
    expect(used()).toBe(NOW + 60_000);
    tokens.read(secret, NOW + 180_001);
    expect(used()).toBe(NOW + 180_000);
  });

  test("is revoked by its own member only, once, and then shown for a month", () => {
    const { secret, token } = make();
    expect(tokens.revoke(BEN, token.id, BEN, NOW)).toBe(false);
    expect(tokens.revoke(ADA, token.id, ADA, NOW + 1)).toBe(true);
    expect(tokens.revoke(ADA, token.id, ADA, NOW + 2)).toBe(false);
    expect(tokens.read(secret, NOW + 2)).toEqual({ ok: false, reason: "revoked" });
    const second = make(ADA, NOW - 5);
    expect(tokens.of(ADA, NOW).map(({ id }) => id)).toEqual([second.token.id, token.id]);
    expect(tokens.of(ADA, NOW + 31 * DAY).map(({ id }) => id)).toEqual([second.token.id]);
    make(BEN, NOW + 31 * DAY);
    expect(db.all("SELECT id FROM member_token")).toHaveLength(2);
  });

  test("ends with whoever made it", () => {
    const [bens, adas] = [make(ADA, NOW, BEN), make()];
    expect(tokens.revokeOf(ADA, BEN, "an owner", NOW)).toBe(1);
    expect(tokens.read(bens.secret, NOW).ok).toBe(false);
    expect(tokens.read(adas.secret, NOW).ok).toBe(true);
  });

  test("a member has so many in use, and others have theirs", () => {
    for (let i = 0; i < MOST_TOKENS; i++) make();
    expect(tokens.make(ADA, wanted, ADA, NOW)).toBeNull();
    make(BEN);
    tokens.revoke(ADA, tokens.of(ADA, NOW)[0]!.id, ADA, NOW);
    make();
    expect(tokens.make(ADA, wanted, ADA, NOW)).toBeNull();
    expect(tokens.make(ADA, wanted, ADA, NOW + 90 * DAY)).not.toBeNull();
    tokens.clear(ADA);
    expect(tokens.of(ADA, NOW)).toEqual([]);
    expect(tokens.of(BEN, NOW)).toHaveLength(1);
  });
});

const token = (...scopes: TokenScope[]): ApiCaller => ({ by: "token", member: ADA, scopes });
const account = (role: "owner" | "manager" | "viewer" | null): ApiCaller => ({ by: "account", role });
const all = token(...TOKEN_SCOPES);
const may = null;

const whenOver = { scope: null, role: "owner", outlasts: true } as const;
const byOwner = { ...whenOver, outlasts: false };
const byPerson = { ...byOwner, role: "manager" } as const;

test.each<[string, ApiCaller, TokenScope | Need, string, Membership | null, string | null, Standing?]>([
  ["a token with the scope", token("read"), "read", ADA, "member", may],
  ["a token with the scope to write", token("domains"), "domains", ADA, "member", may],
  ["a token with every scope", all, "standing", ADA, "member", may],
  ["a token that reads, for messages", token("read"), "messages", ADA, "member", "ScopeMissing"],
  ["a token that writes, for reading", token("domains"), "read", ADA, "member", "ScopeMissing"],
  ["a token without scopes", token(), "read", ADA, "member", "ScopeMissing"],
  ["a token of another member", all, "read", BEN, "member", "MemberNotFound"],
  ["a token for nobody", all, "read", BEN, null, "MemberNotFound"],
  ["a token of a member that is no more", all, "read", ADA, null, "MemberNotFound"],
  ["a token of a member that left", all, "read", ADA, "left", "MemberNotFound"],
  ["a token of a member that left, to end it all", all, whenOver, ADA, "left", "MemberNotFound"],
  ["a token of an applicant", all, "domains", ADA, "applicant", may],
  ["a token for what a person does", all, byPerson, ADA, "member", "AccountNeeded"],
  ["a token for what the owner does", all, byOwner, ADA, "member", "AccountNeeded"],
  ["a token of the ejected, reading", all, "read", ADA, "member", may, "ejected"],
  ["a token of the ejected, for messages", all, "messages", ADA, "member", may, "ejected"],
  ["a token of the ejected, that appeals", all, "standing", ADA, "member", may, "ejected"],
  ["a token of the ejected, that takes along", all, "export", ADA, "member", may, "ejected"],
  [
    "a token of the ejected, without the scope",
    token("read"),
    "domains",
    ADA,
    "member",
    "ScopeMissing",
    "ejected",
  ],
  ...(["domains", "credentials", "webhooks", "settings", "pauses", "suppressions"] as const).map(
    (scope): [string, ApiCaller, TokenScope, string, Membership, string, Standing] => [
      `a token of the ejected, for ${scope}`,
      all,
      scope,
      ADA,
      "member",
      "Ejected",
      "ejected",
    ],
  ),
  ["a token of the suspended", all, "credentials", ADA, "member", may, "suspended"],
  ["the ejected itself", account("manager"), "domains", ADA, "member", may, "ejected"],
  ["an applicant", account("owner"), "credentials", ADA, "applicant", may],
  ["who left, reading", account("owner"), "read", ADA, "left", may],
  ["who left, writing", account("owner"), "domains", ADA, "left", "HasLeft"],
  ["who left, taking all along", account("manager"), "export", ADA, "left", may],
  ["a token of who left, taking all along", all, "export", ADA, "left", "MemberNotFound"],
  ["who left, leaving again", account("owner"), byOwner, ADA, "left", "HasLeft"],
  ["who left, ending it all", account("owner"), whenOver, ADA, "left", may],
  ["a manager of who left, ending it all", account("manager"), whenOver, ADA, "left", "RoleMissing"],
  ["a viewer of who left, writing", account("viewer"), "domains", ADA, "left", "HasLeft"],
  ["nobody, writing for who left", account(null), "domains", ADA, "left", "MemberNotFound"],
  ["an owner", account("owner"), "domains", ADA, "member", may],
  ["an owner, leaving", account("owner"), byOwner, ADA, "member", may],
  ["a manager", account("manager"), "credentials", ADA, "member", may],
  ["a manager, leaving", account("manager"), byOwner, ADA, "member", "RoleMissing"],
  ["a manager, for what a person does", account("manager"), byPerson, ADA, "member", may],
  ["a viewer that reads", account("viewer"), "messages", ADA, "member", may],
  ["a viewer that writes", account("viewer"), "settings", ADA, "member", "RoleMissing"],
  ["a viewer that takes all along", account("viewer"), "export", ADA, "member", "RoleMissing"],
  ["an account of nobody", account(null), "read", ADA, "member", "MemberNotFound"],
  ["an account, for nobody", account("owner"), "read", ADA, null, "MemberNotFound"],
])("%s", (_, caller, needed, member, membership, error, standing = "good") => {
  const need = typeof needed === "string" ? needOf(needed) : needed;
  expect(accessFault(caller, { member, membership, standing, need })?.error ?? null).toBe(error);
});

test("what is missing is named, and who is unknown learns nothing", () => {
  const asked = { member: ADA, membership: "member", standing: "good", need: needOf("domains") } as const;
  expect(accessFault(token("read", "messages"), asked)?.message).toBe(
    'This needs a token with the scope "domains"; this one has: read, messages.',
  );
  expect(accessFault(account("viewer"), asked)?.message).toMatch(/viewer .*a manager or an owner can/);
  expect(accessFault(account("manager"), { ...asked, need: byOwner })?.message).toMatch(
    /manager .*: an owner can/,
  );
  expect(accessFault(account(null), asked)).toEqual(
    accessFault(account("owner"), { ...asked, membership: null }),
  );
});
