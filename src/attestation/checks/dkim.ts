import { parseDkimKeyRecord, type DkimKeyRecord } from "../../protocol/dkim-record/index.ts";
import type { Resolver } from "../../protocol/dns/index.ts";
import type { AttestationRecord, Finding } from "../types.ts";
import { noAnswer, result, shown, type Check } from "./result.ts";

type AttestedKey = NonNullable<AttestationRecord["dkim"]>[number];

const SELECTOR = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/i;

/**
 * Does every attested selector publish the attested key (RFC 6376 section 3.6)? RSA below 1024 bits is refused,
 * below 2048 warned about (RFC 8301 section 3.2).
 */
export const checkDkim: Check = async ({ domain, attestation }, resolver, at) => {
  if (!attestation) {
    return result(
      "dkim",
      [
        {
          code: "dkim-not-checked",
          severity: "info",
          message:
            "DKIM keys stand under selectors that cannot be listed; they are compared with an attestation.",
        },
      ],
      at,
    );
  }
  const keys = attestation.dkim ?? [];
  if (keys.length === 0) {
    return result(
      "dkim",
      [
        {
          code: "dkim-none-attested",
          severity: "fail",
          message:
            "Your record attests no DKIM key. Add the selector and fingerprint of every key that signs your mail.",
        },
      ],
      at,
    );
  }
  const findings = await Promise.all(keys.map((key) => checkKey(domain, key, resolver)));
  return result("dkim", findings.flat(), at);
};

async function checkKey(domain: string, attested: AttestedKey, resolver: Resolver): Promise<Finding[]> {
  const name = `${attested.selector.toLowerCase()}._domainkey.${domain}`;
  if (!SELECTOR.test(attested.selector) || name.length > 253) {
    return [
      {
        code: "dkim-syntax",
        severity: "fail",
        message: `"${shown(attested.selector)}" cannot be a DKIM selector. Correct it in your record.`,
      },
    ];
  }
  const answer = await resolver.resolve(name, "TXT");
  if (answer.status === "temperror") return [noAnswer(name, answer.detail)];
  const texts = answer.status === "ok" ? answer.records.map((r) => r.text) : [];
  const text = texts[0];
  const expected =
    attested.fingerprint === undefined
      ? "a key"
      : `a key with the fingerprint ${shown(attested.fingerprint)}`;
  if (text === undefined) {
    return [
      {
        code: "dkim-missing",
        severity: "fail",
        message: `There is no key at ${name}, so mail signed with this selector fails. Publish the key, or take the selector out of your record.`,
        expected,
        remedy: `${name}. IN TXT "v=DKIM1; k=${attested.algorithm ?? "rsa"}; p=<the public key of this selector>"`,
      },
    ];
  }
  if (texts.length > 1) {
    return [
      {
        code: "dkim-multiple",
        severity: "fail",
        message: `There are several records at ${name}; receivers may take the wrong one. Leave only one.`,
        observed: shown(texts),
        expected,
      },
    ];
  }
  const parsed = parseDkimKeyRecord(text);
  if (parsed.status === "revoked") {
    return [
      {
        code: "dkim-revoked",
        severity: "fail",
        message: `The key at ${name} is revoked (p= is empty). Publish the key, or take the selector out of your record.`,
        observed: shown(text),
        expected,
      },
    ];
  }
  if (parsed.status === "syntax") {
    return [
      {
        code: "dkim-syntax",
        severity: "fail",
        message: `Receivers cannot read the key at ${name}: ${parsed.detail}.`,
        observed: shown(text),
        expected,
      },
    ];
  }
  return judgeKey(name, attested, parsed.record);
}

function judgeKey(name: string, attested: AttestedKey, key: DkimKeyRecord): Finding[] {
  const findings: Finding[] = [];
  if (attested.fingerprint !== undefined && key.fingerprint !== attested.fingerprint.replace(/=+$/, "")) {
    findings.push({
      code: "dkim-other-key",
      severity: "fail",
      message: `The key at ${name} is not the one that your record attests. After a rotation, update the record.`,
      observed: key.fingerprint,
      expected: shown(attested.fingerprint),
    });
  }
  if (attested.algorithm !== undefined && attested.algorithm !== key.algorithm) {
    findings.push({
      code: "dkim-other-algorithm",
      severity: "fail",
      message: `The key at ${name} is of another algorithm than your record says.`,
      observed: key.algorithm,
      expected: shown(attested.algorithm),
    });
  }
  if (key.algorithm === "rsa" && key.bits < 2048) {
    findings.push({
      code: key.bits < 1024 ? "dkim-weak" : "dkim-short",
      severity: key.bits < 1024 ? "fail" : "warn",
      message: `The key at ${name} has ${key.bits} bits. ${key.bits < 1024 ? "Receivers ignore it" : "It still counts, but is short"}: make a new one of 2048 bits.`,
      observed: `${key.bits} bits`,
      expected: "2048 bits",
    });
  }
  if (!key.forEmail) {
    findings.push({
      code: "dkim-not-for-mail",
      severity: "fail",
      message: `The key at ${name} is not meant for e-mail. Remove its s= tag.`,
    });
  }
  if (key.testing) {
    findings.push({
      code: "dkim-testing",
      severity: "warn",
      message: `The key at ${name} is marked as a test (t=y), so receivers may ignore its signatures. Remove the tag when you are done.`,
    });
  }
  return findings;
}
