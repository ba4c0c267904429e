import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createDpop, type ProvenRequest } from "./dpop.ts";
import { OAuthFault } from "./fault.ts";
import { jwsPart, sha256 } from "./jws.ts";

const NOW = 1_800_000_000_000;
const URL_ = "http://127.0.0.1:1/oauth/token";
const pair = () => generateKeyPairSync("ec", { namedCurve: "P-256" });
const { privateKey, publicKey } = pair();
const jwk = publicKey.export({ format: "jwk" });

function proofOf(header: object, claims: object, key: KeyObject = privateKey): string {
  const input = `${jwsPart(header)}.${jwsPart(claims)}`;
  const signature = sign("sha256", Buffer.from(input), { key, dsaEncoding: "ieee-p1363" });
  return `${input}.${signature.toString("base64url")}`;
}

const HEADER = { typ: "dpop+jwt", alg: "ES256", jwk };
const CLAIMS = { htm: "POST", htu: URL_, iat: NOW / 1_000 };
let count = 0;

type Change = { header?: object; claims?: object; key?: KeyObject; request?: Partial<ProvenRequest> };

function outcome({ header, claims, key, request }: Change, nonceAge = 0): string {
  let now = NOW - nonceAge;
  const dpop = createDpop(() => now);
  const nonce = dpop.nonce();
  now = NOW;
  const jti = `proof-${++count}`;
  const proof = proofOf({ ...HEADER, ...header }, { ...CLAIMS, nonce, jti, ...claims }, key);
  return checked(dpop, { method: "POST", url: URL_, proof, ...request });
}

function checked(dpop: ReturnType<typeof createDpop>, request: ProvenRequest): string {
  try {
    return dpop.check(request) && "proven";
  } catch (error) {
    if (error instanceof OAuthFault) return `${error.error}: ${error.message}`;
    throw error;
  }
}

describe("a proof of possession", () => {
  it.each<[string, Change, string]>([
    ["as it should be", {}, "proven"],
    ["with a query in htu", { claims: { htu: `${URL_}?a=b#c` } }, "proven"],
    [
      "with the token's hash",
      { claims: { ath: sha256("token") }, request: { accessToken: "token" } },
      "proven",
    ],
    ["of none", { request: { proof: undefined } }, "a DPoP proof is required"],
    ["that is cut", { request: { proof: "a.b" } }, "no ES256"],
    ["of another type", { header: { typ: "jwt" } }, "no ES256"],
    ["without a signature's algorithm", { header: { alg: "none" } }, "no ES256"],
    ["by a symmetric key", { header: { alg: "HS256" } }, "no ES256"],
    ["with its private key", { header: { jwk: privateKey.export({ format: "jwk" }) } }, "no ES256"],
    ["with a point off the curve", { header: { jwk: { ...jwk, x: "AAAA" } } }, "signature"],
    ["signed with another key", { key: pair().privateKey }, "signature"],
    ["for another method", { claims: { htm: "GET" } }, "htm"],
    ["for another URL", { claims: { htu: "http://127.0.0.1:1/oauth/par" } }, "htu"],
    ["for another host", { claims: { htu: "http://127.0.0.2:1/oauth/token" } }, "htu"],
    ["of long ago", { claims: { iat: NOW / 1_000 - 600 } }, "iat"],
    ["of the future", { claims: { iat: NOW / 1_000 + 600 } }, "iat"],
    ["of no time", { claims: { iat: undefined } }, "iat"],
    ["for no token", { request: { accessToken: "token" } }, "ath"],
    ["for another token", { claims: { ath: sha256("other") }, request: { accessToken: "token" } }, "ath"],
    ["with a token's hash where there is none", { claims: { ath: sha256("token") } }, "ath"],
    ["without a nonce", { claims: { nonce: undefined } }, "use_dpop_nonce"],
    ["with a nonce of somebody else", { claims: { nonce: "x" } }, "use_dpop_nonce"],
    ["without a number", { claims: { jti: undefined } }, "used before"],
  ])("%s", (_what, change, expected) => expect(outcome(change)).toContain(expected));

  it("is good with the nonce of the minute before, and not with an older one", () => {
    expect(outcome({}, 60_000)).toBe("proven");
    expect(outcome({}, 120_000)).toContain("use_dpop_nonce");
  });

  it("is good once", () => {
    const dpop = createDpop(() => NOW);
    const proof = proofOf(HEADER, { ...CLAIMS, nonce: dpop.nonce(), jti: "once" });
    const request = { method: "POST", url: URL_, proof };
    expect([checked(dpop, request), checked(dpop, request)]).toEqual([
      "proven",
      "invalid_dpop_proof: the proof was used before",
    ]);
  });
});
