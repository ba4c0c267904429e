import { P256Keypair, Secp256k1Keypair } from "@atproto/crypto";
import { describe, expect, test } from "vitest";
import { canonicalJson, claimsOf, ProofClaims, signProof, verifyProof, type ProofFacts } from "./index.ts";

const DAY = 86_400_000;
const at = Date.UTC(2026, 5, 15, 12, 0, 0, 250);
const dayOf = (time: number) => Math.floor(time / DAY);
const zero = { accepted: 0, delivered: 0, bounced: 0, complaints: 0 };

const facts: ProofFacts = {
  iss: "did:web:labels.coop.test",
  sub: "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa",
  asOf: at,
  cooperative: "coop.test",
  membership: { state: "member", approvedAt: Date.UTC(2026, 0, 1, 9), leftAt: null, tier: "steady" },
  standing: { current: "good", since: Date.UTC(2026, 3, 1) },
  changes: [],
  keptFrom: Date.UTC(2026, 2, 20, 7),
  days: [],
  bounces: { eligible: 0, hard: 0 },
  complaints: { eligible: 0, complainants: 0 },
  labels: [],
};
const change = { id: 1, at, from: "good", to: "warned", cause: "complaints", rule: null, by: null };

describe("what follows from the facts", () => {
  const cases: [string, Partial<ProofFacts>, unknown][] = [
    ["the instant is a whole second", {}, { iat: Math.floor(at / 1000), asOf: "2026-06-15T12:00:00.000Z" }],
    ["without mail there is no rate", {}, { bounces: { of: 0, counted: 0, rate: null }, volumes: [] }],
    ["what is no longer kept is not counted", {}, { countedFrom: "2026-03-20T00:00:00.000Z" }],
    [
      "nor what was before a person admitted it",
      { membership: { ...facts.membership, approvedAt: Date.UTC(2026, 4, 2, 9) } },
      { countedFrom: "2026-05-02T00:00:00.000Z", standing: { since: "2026-05-02T09:00:00.000Z" } },
    ],
    [
      "days make months, in their order",
      {
        days: [
          { ...zero, day: dayOf(Date.UTC(2026, 4, 1)), accepted: 5, delivered: 7, complaints: -1 },
          { ...zero, day: dayOf(Date.UTC(2026, 3, 30)), accepted: 1 },
          { ...zero, day: dayOf(Date.UTC(2026, 4, 31)), accepted: 2, bounced: 3 },
          { ...zero, day: dayOf(Date.UTC(2026, 1, 1)), accepted: 100 },
        ],
      },
      {
        volumes: [
          { month: "2026-04", ...zero, accepted: 1 },
          { month: "2026-05", ...zero, accepted: 7, delivered: 7, bounced: 3 },
        ],
      },
    ],
    ["a rate has six digits", { bounces: { eligible: 3, hard: 1 } }, { bounces: { rate: 0.333333 } }],
    [
      "more complaints than deliveries are all of them",
      { complaints: { eligible: 1, complainants: 2 } },
      { complaints: { of: 1, counted: 2, rate: 1 } },
    ],
    [
      "changes stand in their order, with who decided",
      {
        changes: [
          { ...change, id: 3, at: at + 2, by: "rosa" },
          { ...change, id: 2, at: at + 1, rule: "Complaints" },
          change,
        ],
      },
      {
        standing: {
          changes: 3,
          history: [{ decided: "time" }, { decided: "rule" }, { decided: "person" }],
        },
      },
    ],
    [
      "of very many changes the latest",
      { changes: Array.from({ length: 250 }, (_, i) => ({ ...change, id: i, at: i, cause: `${i}` })) },
      {
        standing: {
          changes: 250,
          history: expect.toSatisfy((h: { cause: string }[]) => h.length === 200 && h[199]!.cause === "249"),
        },
      },
    ],
    [
      "who left was a member until then",
      { membership: { ...facts.membership, state: "left", leftAt: Date.UTC(2026, 5, 1) } },
      { membership: { state: "left", until: "2026-06-01T00:00:00.000Z" } },
    ],
  ];
  test.each(cases)("%s", (_, change, expected) => {
    const claims = claimsOf({ ...facts, ...change });
    expect(claims).toMatchObject(expected as object);
    expect(ProofClaims.parse(claims)).toEqual(claims);
  });
});

test("keys are sorted at every depth, whatever their order was", () => {
  expect(canonicalJson({ b: [{ d: null, c: 0.5 }], a: "ü\n" })).toBe('{"a":"ü\\n","b":[{"c":0.5,"d":null}]}');
});

describe("a signed proof", async () => {
  const keypair = await Secp256k1Keypair.create();
  const claims = claimsOf(facts);
  const proof = await signProof(claims, keypair);
  const keyOf = (key: string | undefined) => async () => key;

  test("is believed by the key of the DID document of its issuer, and the same facts give the same proof", async () => {
    const asked: string[] = [];
    const result = await verifyProof(`${proof}\n`, async (did) => (asked.push(did), keypair.did()));
    expect(result).toEqual({ ok: true, claims });
    expect(asked).toEqual([facts.iss]);
    expect(await signProof(claimsOf(structuredClone(facts)), keypair)).toBe(proof);
  });

  test("with any one byte changed is none", async () => {
    for (let i = 0; i < proof.length; i++) {
      const other = proof[i] === "A" ? "B" : "A";
      const changed = proof.slice(0, i) + other + proof.slice(i + 1);
      expect(await verifyProof(changed, keyOf(keypair.did())), `byte ${i}`).toMatchObject({ ok: false });
    }
  });

  test("by a key that was replaced since says so, and nothing else passes for that", async () => {
    const next = (await Secp256k1Keypair.create()).did();
    expect(await verifyProof(proof, keyOf(next))).toEqual({
      ok: false,
      why: "rotated",
      claims,
      signedBy: keypair.did(),
      keyNow: next,
    });
    const [head, , signature] = proof.split(".");
    const better = Buffer.from(canonicalJson({ ...claims, cooperative: "other.test" })).toString("base64url");
    expect(await verifyProof(`${head}.${better}.${signature}`, keyOf(next))).toMatchObject({ why: "forged" });
    expect(await verifyProof(proof, keyOf(undefined))).toMatchObject({ why: "no-key" });
  });

  test("of another algorithm, without one, or too long is none", async () => {
    const [, body, signature] = proof.split(".");
    const head = (header: object) => Buffer.from(JSON.stringify(header)).toString("base64url");
    const typ = "atmos-proof+jwt";
    const p256 = await P256Keypair.create();
    for (const text of [
      "",
      "a.b",
      proof.repeat(400),
      `${proof}.x`,
      `${head({ alg: "none", kid: keypair.did(), typ })}.${body}.`,
      `${head({ alg: "ES256", kid: p256.did(), typ })}.${body}.${signature}`,
      `${head({ alg: "ES256K", kid: keypair.did(), typ: "JWT" })}.${body}.${signature}`,
      `${head({ alg: "ES256K", kid: "did:key:nonsense", typ })}.${body}.${signature}`,
    ])
      expect(await verifyProof(text, keyOf(keypair.did()))).toMatchObject({ ok: false });
  });
});
