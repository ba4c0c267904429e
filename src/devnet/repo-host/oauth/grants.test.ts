import { describe, expect, it } from "vitest";
import { OAuthFault } from "./fault.ts";
import { ACCESS_MS, createGrants, REQUEST_MS, type PushedRequest } from "./grants.ts";
import { sha256 } from "./jws.ts";

const REQUEST: PushedRequest = {
  clientId: "http://localhost",
  clientName: "A program",
  redirectUri: "http://127.0.0.1/",
  responseMode: "query",
  state: "s",
  scope: "atproto",
  challenge: sha256("verifier"),
  loginHint: undefined,
  prompt: undefined,
  jkt: "key",
  authKey: "k1",
};
const BY = {
  clientId: "http://localhost",
  redirectUri: "http://127.0.0.1/",
  verifier: "verifier",
  jkt: "key",
  authKey: "k1",
};
const DID = "did:plc:alder";

function start() {
  let now = 0;
  const grants = createGrants(() => now);
  return { grants, pass: (ms: number) => void (now += ms) };
}

function faultOf(act: () => unknown): string {
  try {
    act();
    return "none";
  } catch (error) {
    if (error instanceof OAuthFault) return error.error;
    throw error;
  }
}

describe("a code", () => {
  it.each<[string, Partial<typeof BY>, string]>([
    ["by whom it was given to", {}, "none"],
    ["by another client", { clientId: "http://localhost?scope=atproto" }, "invalid_grant"],
    ["with another key of the client", { authKey: "k2" }, "invalid_grant"],
    ["for another callback", { redirectUri: "http://127.0.0.1/other" }, "invalid_grant"],
    ["without the verifier", { verifier: "" }, "invalid_grant"],
    ["with the challenge for a verifier", { verifier: REQUEST.challenge }, "invalid_grant"],
    ["with another DPoP key", { jkt: "other" }, "invalid_dpop_proof"],
  ])("is redeemed %s", (_who, change, expected) => {
    const { grants } = start();
    const code = grants.codeFor(REQUEST, DID);
    expect(faultOf(() => grants.redeem(code, { ...BY, ...change }))).toBe(expected);
  });

  it("ends after a minute", () => {
    const { grants, pass } = start();
    const code = grants.codeFor(REQUEST, DID);
    pass(60_000);
    expect(faultOf(() => grants.redeem(code, BY))).toBe("invalid_grant");
  });

  it("that comes again ends what it brought", () => {
    const { grants } = start();
    const code = grants.codeFor(REQUEST, DID);
    const { access } = grants.redeem(code, BY);
    expect(grants.byAccess(access)?.did).toBe(DID);
    expect(faultOf(() => grants.redeem(code, BY))).toBe("invalid_grant");
    expect(grants.byAccess(access)).toBeUndefined();
  });
});

describe("tokens", () => {
  const granted = () => {
    const { grants, pass } = start();
    const { access, refresh } = grants.redeem(grants.codeFor(REQUEST, DID), BY);
    return { grants, pass, access, refresh };
  };

  it("end by themselves", () => {
    const { grants, pass, access } = granted();
    pass(ACCESS_MS - 1);
    expect(grants.byAccess(access)).toBeDefined();
    pass(1);
    expect(grants.byAccess(access)).toBeUndefined();
  });

  it("are renewed, and a refresh token that comes again ends them all", () => {
    const { grants, access, refresh } = granted();
    const renewed = { ...grants.refresh(refresh, BY) };
    expect(grants.byAccess(access)).toBeUndefined();
    expect(grants.byAccess(renewed.access)?.scope).toBe("atproto");
    expect(faultOf(() => grants.refresh(refresh, BY))).toBe("invalid_grant");
    expect(grants.byAccess(renewed.access)).toBeUndefined();
    expect(faultOf(() => grants.refresh(renewed.refresh, BY))).toBe("invalid_grant");
  });

  it("are renewed only for the client and the key that hold them", () => {
    const { grants, refresh } = granted();
    expect(faultOf(() => grants.refresh(refresh, { ...BY, jkt: "other" }))).toBe("invalid_dpop_proof");
    expect(faultOf(() => grants.refresh(refresh, { ...BY, clientId: "x" }))).toBe("invalid_grant");
    expect(faultOf(() => grants.refresh("refresh-none", BY))).toBe("invalid_grant");
    expect(faultOf(() => grants.refresh(refresh, BY))).toBe("none");
  });

  it.each(["access", "refresh"] as const)("are revoked by the %s token, by their client only", (kind) => {
    const { grants, access, refresh } = granted();
    const token = kind === "access" ? access : refresh;
    grants.revoke(token, { clientId: "https://other.test/" });
    expect(grants.byAccess(access)).toBeDefined();
    grants.revoke(token, BY);
    expect(grants.byAccess(access)).toBeUndefined();
    grants.revoke(token, BY);
  });
});

describe("a request", () => {
  it("waits for five minutes, or until it is decided about", () => {
    const { grants, pass } = start();
    const [one, two] = [grants.push(REQUEST), grants.push(REQUEST)];
    grants.forget(one);
    expect([grants.pushed(one), grants.pushed(two)]).toEqual([undefined, REQUEST]);
    pass(REQUEST_MS);
    expect(grants.pushed(two)).toBeUndefined();
  });

  it("is forgotten when a thousand others come", () => {
    const { grants } = start();
    const first = grants.push(REQUEST);
    const others = Array.from({ length: 1_000 }, () => grants.push(REQUEST));
    expect(grants.pushed(first)).toBeUndefined();
    expect(grants.pushed(others.at(-1)!)).toEqual(REQUEST);
  });
});
