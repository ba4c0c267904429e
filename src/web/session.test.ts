import { describe, expect, test } from "vitest";
import {
  ownPath,
  accessLink,
  createToken,
  homeOf,
  isOwnRequest,
  mayView,
  readToken,
  type Identity,
  type LinkIdentity,
  type Page,
} from "./session.ts";
import type { PersonRole } from "../account/index.ts";

const key = new Uint8Array(32).fill(1);
const otherKey = new Uint8Array(32).fill(2);
const NOW = 1_773_324_300_000;
const committee: LinkIdentity = { role: "committee" };
const member: LinkIdentity = { role: "member", did: "did:plc:aaaa" };
const person: Identity = { role: "person", did: "did:plc:pppp" };
const viewer: Identity = { role: "person", did: "did:plc:vvvv" };
const good = createToken(key, "link", member, NOW + 1);
const [body, mac] = good.split(".") as [string, string];
const claims = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

describe("readToken", () => {
  test.each([
    ["no token", undefined, "absent"],
    ["an empty token", "", "absent"],
    ["one part", body, "malformed"],
    ["three parts", `${good}.x`, "malformed"],
    ["too long", `${"a".repeat(4_100)}.${mac}`, "malformed"],
    ["another key's", createToken(otherKey, "link", member, NOW + 1), "forged"],
    ["an API token as a link", createToken(key, "api", member, NOW + 1), "forged"],
    ["an API token as a session", createToken(key, "api", member, NOW + 1), "forged"],
    ["a changed role", `${claims({ role: "committee", exp: NOW + 1 })}.${mac}`, "forged"],
    ["a later end", `${claims({ role: "member", did: "did:plc:aaaa", exp: NOW + 9e9 })}.${mac}`, "forged"],
    ["a cut MAC", good.slice(0, -2), "forged"],
    ["no MAC", `${body}.`, "malformed"],
    [
      "ours, for what is no DID",
      createToken(key, "link", { role: "member", did: "a.test" }, NOW + 1),
      "malformed",
    ],
    ["expired by a millisecond", createToken(key, "link", member, NOW - 1), "expired"],
    ["expired now", createToken(key, "link", member, NOW), "expired"],
  ])("%s is refused", (_, token, reason) => {
    expect(readToken(key, "link", token, NOW)).toEqual({ ok: false, reason });
  });

  test.each<LinkIdentity>([committee, { role: "committee", by: "rosa" }, member])(
    "gives back who it was made for: %j",
    (identity) => {
      const token = createToken(key, "link", identity, NOW + 1);
      expect(readToken(key, "link", token, NOW)).toEqual({
        ok: true,
        identity,
        expiresAt: NOW + 1,
        nonce: null,
      });
    },
  );

  test("a short key is refused", () => {
    expect(() => createToken(new Uint8Array(16), "link", member, NOW)).toThrow(/32 bytes/);
  });
});

describe("mayView", () => {
  const own: Page = { page: "member", did: "did:plc:aaaa" };
  const others: Page = { page: "member", did: "did:plc:bbbb" };
  test.each<[string, Identity | null, Page, string]>([
    ["nobody, committee", null, { page: "committee" }, "log-in"],
    ["nobody, a member", null, own, "log-in"],
    ["committee, committee", committee, { page: "committee" }, "yes"],
    ["committee, a member", committee, others, "yes"],
    ["member, own", member, own, "yes"],
    ["member, another's", member, others, "not-found"],
    ["member, committee", member, { page: "committee" }, "forbidden"],
    ["member, as owner", member, { ...own, needs: "owner" }, "yes"],
    ["a person, its own account", { role: "person", did: "did:plc:aaaa" }, { ...own, needs: "owner" }, "yes"],
    ["a person, committee", person, { page: "committee" }, "forbidden"],
    ["a person that is nobody there", person, others, "not-found"],
    ["a manager reads", person, own, "yes"],
    ["a manager changes", person, { ...own, needs: "manager" }, "yes"],
    ["a manager is no owner", person, { ...own, needs: "owner" }, "forbidden"],
    ["a viewer reads", viewer, own, "yes"],
    ["a viewer changes nothing", viewer, { ...own, needs: "manager" }, "forbidden"],
  ])("%s", (_, identity, page, verdict) => {
    const roles: Record<string, PersonRole> = { "did:plc:pppp": "manager", "did:plc:vvvv": "viewer" };
    const roleAt = (did: string, who: string) => (did === "did:plc:aaaa" ? (roles[who] ?? null) : null);
    expect(mayView(identity, page, roleAt)).toBe(verdict);
  });
});

test.each([
  [{ secFetchSite: "same-origin", origin: "null" }, true],
  [{ secFetchSite: "same-site", origin: "https://mail.example" }, false],
  [{ secFetchSite: "cross-site", origin: "https://evil.example" }, false],
  [{ secFetchSite: "none" }, false],
  [{ origin: "https://mail.example" }, true],
  [{ origin: "https://mail.example.evil.example" }, false],
  [{ origin: "http://mail.example" }, false],
  [{ origin: "null" }, false],
  [{}, false],
])("a request with %j is ours: %s", (headers, ours) => {
  expect(isOwnRequest(headers, "https://mail.example/")).toBe(ours);
});

test("an access link carries a token for a link, and leads to the page of its role", () => {
  const link = new URL(accessLink("https://mail.example", key, member, NOW + 1));
  expect(link.origin + link.pathname).toBe("https://mail.example/login");
  const read = readToken(key, "link", link.searchParams.get("token") ?? "", NOW);
  expect(read).toMatchObject({ ok: true, nonce: expect.stringMatching(/^[a-z2-7]{26}$/) });
  expect(homeOf(member)).toBe("/members/did:plc:aaaa");
  expect(homeOf(committee)).toBe("/committee");
});

test.each([
  ["/members/did:plc:aaaa?page=2#x", "/members/did:plc:aaaa?page=2#x"],
  ["/join", "/join"],
  ["/join/../me", "/me"],
  ["", "/home"],
  ["join", "/home"],
  ["//evil.example/", "/home"],
  ["/\\evil.example/", "/home"],
  ["/\t/evil.example", "/home"],
  ["https://evil.example/", "/home"],
  ["https://mail.example/me", "/home"],
  ["javascript:alert(1)", "/home"],
  [`/${"x".repeat(500)}`, "/home"],
  [undefined, "/home"],
])("after a login %j leads to %s", (next, path) => {
  expect(ownPath(next, "https://mail.example", "/home")).toBe(path);
});
