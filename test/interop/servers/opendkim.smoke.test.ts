import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { dkimSign } from "mailauth/lib/dkim/sign.js";
import { expect, test } from "vitest";
import { verifyWithDkimpy } from "./dkimpy.ts";
import { startDns } from "./dns.ts";
import { startOpenDkimVerifier, type SignatureResult } from "./opendkim.ts";
import { startUnbound } from "./unbound.ts";

const message = [
  "From: Alice <alice@member.test>",
  "To: bob@dest.test",
  "Subject: a folded",
  "\tsubject",
  "Date: Sun, 22 Nov 2026 12:00:00 +0000",
  "Message-ID: <1@member.test>",
  "",
  "Hello  Bob.",
  "",
  "A second; paragraph = with signs.",
  "",
].join("\r\n");

const bySelector = (results: SignatureResult[]) =>
  results.toSorted((a, b) => a.selector.localeCompare(b.selector));
const pem = (key: KeyObject) => key.export({ type: "pkcs8", format: "pem" }).toString();

test("OpenDKIM and dkimpy verify each signature by itself, with keys from DNS through unbound", async () => {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const ed25519 = generateKeyPairSync("ed25519");
  const rsaPublic = rsa.publicKey.export({ type: "spki", format: "der" }).toString("base64");
  const edPublic = ed25519.publicKey.export({ type: "spki", format: "der" }).subarray(12).toString("base64");
  const halves = [rsaPublic.slice(0, 200), rsaPublic.slice(200)];
  await using dns = await startDns([
    { name: "r1._domainkey.member.test", type: "TXT", data: ["v=DKIM1; k=rsa; p=", ...halves] },
    { name: "p1._domainkey.pool.test", type: "TXT", data: ["v=DKIM1; k=rsa; p=", ...halves] },
    { name: "e1._domainkey.member.test", type: "TXT", data: `v=DKIM1; k=ed25519; p=${edPublic}` },
  ]);
  await using unbound = await startUnbound({ dns });
  await using opendkim = await startOpenDkimVerifier({ nameserver: unbound });

  const first = { signingDomain: "member.test", selector: "r1", privateKey: pem(rsa.privateKey) };
  const signed = await dkimSign(message, {
    ...first,
    canonicalization: "relaxed/relaxed",
    signatureData: [
      first,
      { signingDomain: "member.test", selector: "e1", privateKey: pem(ed25519.privateKey) },
      { signingDomain: "pool.test", selector: "p1", privateKey: pem(rsa.privateKey) },
    ],
  });
  expect(signed.errors).toEqual([]);
  const raw = signed.signatures + message;

  const valid = [
    { domain: "member.test", selector: "e1", algorithm: "ed25519-sha256", result: "pass" },
    { domain: "pool.test", selector: "p1", algorithm: "rsa-sha256", result: "pass" },
    { domain: "member.test", selector: "r1", algorithm: "rsa-sha256", result: "pass" },
  ];
  const byDkimpy = (message: string) => verifyWithDkimpy(message, unbound);
  expect(bySelector(await opendkim.verify(raw))).toEqual(valid);
  expect(bySelector(await byDkimpy(raw))).toEqual(valid);

  const broken = await opendkim.verify(raw.replace("Hello", "Bonjour"));
  expect(broken.map((signature) => signature.result)).toEqual(["fail", "fail", "fail"]);
  const alsoBroken = await byDkimpy(raw.replace("Hello", "Bonjour"));
  expect(alsoBroken.map((signature) => signature.result)).not.toContain("pass");
  expect(alsoBroken).toHaveLength(3);

  dns.remove("p1._domainkey.pool.test");
  const partly = await opendkim.verify(raw);
  expect(partly.find((signature) => signature.domain === "pool.test")?.result).not.toBe("pass");
  expect(partly.find((signature) => signature.selector === "r1")?.result).toBe("pass");

  expect(await opendkim.verify(message)).toEqual([]);
});
