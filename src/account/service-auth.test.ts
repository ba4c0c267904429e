import { P256Keypair, Secp256k1Keypair, type Keypair } from "@atproto/crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { createServiceAuth } from "./service-auth.ts";

const NOW = Date.UTC(2026, 0, 1);
const SECONDS = NOW / 1_000;
const US = "did:web:mail.coop.example";
const ADA = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const METHOD = "community.email.getJoining";

let ada: Secp256k1Keypair;
let eve: Secp256k1Keypair;
let curve: P256Keypair;
beforeAll(async () => {
  ada = await Secp256k1Keypair.create();
  eve = await Secp256k1Keypair.create();
  curve = await P256Keypair.create();
});

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
async function token(by: Keypair, claims: object = {}, header: object = {}): Promise<string> {
  const all = { iss: ADA, aud: US, lxm: METHOD, exp: SECONDS + 60, ...claims };
  const body = `${part({ typ: "JWT", alg: by.jwtAlg, ...header })}.${part(all)}`;
  return `${body}.${Buffer.from(await by.sign(Buffer.from(body))).toString("base64url")}`;
}
const open = (keyOf: (did: string) => Promise<string | null> = async () => ada.did()) =>
  createServiceAuth({ audience: US, keyOf, now: () => NOW });

test.each(["secp256k1", "P-256"])("a token with %s names its account, once", async (name) => {
  const key = name === "P-256" ? curve : ada;
  const caller = open(async () => key.did());
  const good = `Bearer ${await token(key)}`;
  expect(await caller(good, METHOD)).toEqual({ ok: true, did: ADA });
  expect(await caller(good, METHOD)).toMatchObject({ error: "JwtReplayed" });
});

test("of two calls with one token at once, one is answered", async () => {
  const caller = open();
  const good = `Bearer ${await token(ada)}`;
  const answers = await Promise.all([caller(good, METHOD), caller(good, METHOD)]);
  expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
});

describe("what is refused", () => {
  test.each<[string, string, object, object]>([
    ["an end in the past", "JwtExpired", { exp: SECONDS - 61 }, {}],
    ["an end in two hours", "BadJwt", { exp: SECONDS + 7_200 }, {}],
    ["another service", "BadJwtAudience", { aud: "did:web:elsewhere.example" }, {}],
    ["another method", "BadJwtLexiconMethod", { lxm: "community.email.createCredential" }, {}],
    ["no method", "BadJwt", { lxm: undefined }, {}],
    ["no DID", "BadJwt", { iss: "ada.example" }, {}],
    ["a service of an account", "BadJwt", { iss: `${ADA}#atproto_labeler` }, {}],
    ["an access token", "BadJwt", {}, { typ: "at+jwt" }],
    ["no algorithm", "BadJwt", {}, { alg: "none" }],
    ["another algorithm", "BadJwtSignature", {}, { alg: "ES256" }],
  ])("%s: %s", async (_, error, claims, header) => {
    expect(await open()(`Bearer ${await token(ada, claims, header)}`, METHOD)).toMatchObject({
      ok: false,
      error,
      message: expect.stringMatching(/\.$/),
    });
  });

  test("another's key, a changed claim, an account that nobody knows", async () => {
    expect(await open()(`Bearer ${await token(eve)}`, METHOD)).toMatchObject({ error: "BadJwtSignature" });
    const [head, , signature] = (await token(ada)).split(".");
    const body = part({ iss: ADA, aud: US, lxm: METHOD, exp: SECONDS + 3_000 });
    expect(await open()(`Bearer ${head}.${body}.${signature}`, METHOD)).toMatchObject({
      error: "BadJwtSignature",
    });
    const unknown = open(async () => null);
    expect(await unknown(`Bearer ${await token(ada)}`, METHOD)).toMatchObject({ error: "Unresolvable" });
    const broken = open(() => Promise.reject(new Error("no answer")));
    expect(await broken(`Bearer ${await token(ada)}`, METHOD)).toMatchObject({ error: "Unresolvable" });
  });

  test.each([
    [undefined, "AuthMissing"],
    ["Basic YTpi", "AuthMissing"],
    ["Bearer a.b", "BadJwt"],
    ["Bearer a.b.c.d", "BadJwt"],
    ["Bearer e30.e30.e30", "BadJwt"],
    [`Bearer ${"a".repeat(5_000)}.b.c`, "BadJwt"],
  ])("%s", async (authorization, error) => {
    expect(await open()(authorization, METHOD)).toMatchObject({ ok: false, error });
  });
});
