import { createHash, generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { formatDkimKeyRecord, keyFingerprint, parseDkimKeyRecord } from "./index.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey;
const ed = generateKeyPairSync("ed25519").publicKey;
const spki = rsa.export({ type: "spki", format: "der" }).toString("base64");
const pkcs1 = rsa.export({ type: "pkcs1", format: "der" }).toString("base64");

test("both algorithms survive publication, and RSA is read in either form", () => {
  for (const text of [
    formatDkimKeyRecord(rsa),
    `v=DKIM1; p=${pkcs1}`,
    `p=${spki.slice(0, 50)} \t${spki.slice(50)};`,
  ]) {
    expect(parseDkimKeyRecord(text)).toMatchObject({
      status: "key",
      record: {
        algorithm: "rsa",
        bits: 1024,
        fingerprint: keyFingerprint(rsa),
        testing: false,
        forEmail: true,
      },
    });
  }
  expect(parseDkimKeyRecord(formatDkimKeyRecord(ed))).toMatchObject({
    status: "key",
    record: { algorithm: "ed25519", bits: 256, fingerprint: keyFingerprint(ed) },
  });
});

test("the fingerprint is SHA-256 of the DER SubjectPublicKeyInfo in base64url", () => {
  expect(keyFingerprint(rsa)).toBe(
    createHash("sha256").update(Buffer.from(spki, "base64")).digest("base64url"),
  );
  // RFC 8463 appendix A.2
  const known = parseDkimKeyRecord("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
  expect(known).toMatchObject({ status: "key", record: { algorithm: "ed25519" } });
});

test("flags", () => {
  expect(parseDkimKeyRecord(`v=DKIM1; t=s:y; s=tlsrpt; p=${spki}`)).toMatchObject({
    record: { testing: true, strict: true, forEmail: false, forSha256: true },
  });
  expect(parseDkimKeyRecord(`h=sha1; p=${spki}`)).toMatchObject({
    record: { forSha256: false, strict: false },
  });
  expect(parseDkimKeyRecord("v=DKIM1; p=")).toEqual({ status: "revoked" });
});

describe("what is no key", () => {
  test.each([
    ["", "no p= tag"],
    ["v=DKIM1; k=rsa", "no p= tag"],
    [`k=rsa; v=DKIM1; p=${spki}`, "v= must come first"],
    [`v=DKIM2; p=${spki}`, "v= must come first"],
    [`v=DKIM1; p=${spki}; p=${spki}`, "appears twice"],
    [`v=DKIM1; k=dsa; p=${spki}`, "unknown key type"],
    ["v=DKIM1; p=@@@", "not base64"],
    ["v=DKIM1; p=AAAA", "no rsa public key"],
    [`v=DKIM1; k=ed25519; p=${spki}`, "no ed25519 public key"],
    ["hello world", "not tag=value"],
    ["x".repeat(5000), "longer"],
  ])("%s", (text, detail) => {
    expect(parseDkimKeyRecord(text)).toEqual({ status: "syntax", detail: expect.stringContaining(detail) });
  });
});
