import { parseDkimKeyRecord, type DkimKeyRecord } from "../../protocol/dkim-record/index.ts";
import type { Resolver } from "../../protocol/dns/index.ts";
import type { AttestationRecord } from "../types.ts";
import { noAnswer, result, seen, shown, txtRecord, type Check, type Observation } from "./result.ts";

type AttestedKey = NonNullable<AttestationRecord["dkim"]>[number];
/** A selector to look at; with what the record says of its key, where it says anything. */
type Wanted = { selector: string } & Partial<AttestedKey>;

const SELECTOR = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/i;
const MAX_SELECTORS = 20;

/**
 * Does every attested selector publish the attested key (RFC 6376 section 3.6), and every other selector that was
 * asked for a usable one? RSA below 1024 bits is refused, below 2048 warned about (RFC 8301 section 3.2).
 */
export const checkDkim: Check = async ({ domain, attestation, selectors }, { resolver, at }) => {
  const attested: Wanted[] = attestation?.dkim ?? [];
  const known = new Set(attested.map((key) => key.selector.toLowerCase()));
  const asked = (selectors ?? []).filter((selector) => !known.has(selector.toLowerCase()));
  const wanted = [...attested, ...asked.map((selector) => ({ selector }))].slice(0, MAX_SELECTORS);
  if (wanted.length === 0) return result("dkim", [nothingToLookAt(attestation !== undefined)], at);
  const looked = await Promise.all(wanted.map((key) => checkKey(domain, key, resolver)));
  const findings = looked.flatMap((one) => one.findings);
  const keys = looked.flatMap((one) => one.key ?? []);
  if (keys.length > 0 && keys.every((key) => key.algorithm === "ed25519")) {
    findings.push({
      code: "dkim-ed25519-only",
      severity: "warn",
      message: `${domain} has only Ed25519 keys. Sign with an RSA key of 2048 bits as well.`,
      observed: keys.map((key) => key.algorithm).join(", "),
      remedy: `<another selector>._domainkey.${domain}. IN TXT "v=DKIM1; k=rsa; p=<an RSA public key>"`,
    });
  }
  return result("dkim", findings, at);
};

function nothingToLookAt(attested: boolean): Observation {
  return attested
    ? {
        code: "dkim-none-attested",
        severity: "fail",
        message:
          "Your record attests no DKIM key. Add the selector and fingerprint of every key that signs your mail.",
        observed: "no keys in the record",
      }
    : {
        code: "dkim-not-checked",
        severity: "info",
        message:
          "No DKIM key was looked at: name the selectors that sign your mail, or attest them in a record.",
        observed: "no selectors",
      };
}

type Looked = { findings: Observation[]; key?: DkimKeyRecord };

async function checkKey(domain: string, wanted: Wanted, resolver: Resolver): Promise<Looked> {
  const name = `${wanted.selector.toLowerCase()}._domainkey.${domain}`;
  if (!SELECTOR.test(wanted.selector) || name.length > 253) {
    return one({
      code: "dkim-syntax",
      severity: "fail",
      message: `"${shown(wanted.selector)}" cannot be a DKIM selector. Correct it.`,
      observed: shown(wanted.selector),
      remedy: `<another selector>._domainkey.${domain}. IN TXT "v=DKIM1; k=rsa; p=<the public key>"`,
    });
  }
  const answer = await resolver.resolve(name, "TXT");
  if (answer.status === "temperror") return one(noAnswer(name, answer));
  const observed = seen(name, "TXT", answer);
  const texts = answer.status === "ok" ? answer.records.map((r) => r.text) : [];
  const expected =
    wanted.fingerprint === undefined
      ? {}
      : { expected: `a key with the fingerprint ${shown(wanted.fingerprint)}` };
  const placeholder = `${name}. IN TXT "v=DKIM1; k=${wanted.algorithm ?? "rsa"}; p=<the public key of this selector>"`;
  const [text] = texts;
  if (text === undefined) {
    return one({
      code: "dkim-missing",
      severity: "fail",
      message: `There is no key at ${name}. Publish the key, or stop naming this selector.`,
      observed,
      ...expected,
      remedy: placeholder,
    });
  }
  if (texts.length > 1) return one(several(name, texts, observed));
  const parsed = parseDkimKeyRecord(text);
  if (parsed.status === "revoked") {
    return one({
      code: "dkim-revoked",
      severity: "fail",
      message: `The key at ${name} is revoked (p= is empty). Publish the key, or stop naming this selector.`,
      observed,
      ...expected,
      remedy: placeholder,
    });
  }
  if (parsed.status === "syntax") {
    return one({
      code: "dkim-syntax",
      severity: "fail",
      message: `Receivers cannot read the key at ${name}: ${shown(parsed.detail)}.`,
      observed,
      ...expected,
      remedy: placeholder,
    });
  }
  return { findings: judgeKey(name, text, wanted, parsed.record), key: parsed.record };
}

function one(finding: Observation): Looked {
  return { findings: [finding] };
}

/** Several records: a key in pieces when they make one together, otherwise several keys. */
function several(name: string, texts: string[], observed: string): Observation {
  const first = texts.findIndex((text) => /^\s*v\s*=\s*DKIM1/.test(text));
  const rest = texts.filter((_, i) => i !== first);
  const orders = [rest, rest.toReversed()].map((order) => [texts[Math.max(first, 0)], ...order].join(""));
  const whole = orders.find((text) => parseDkimKeyRecord(text).status === "key");
  const pieces = rest.every((text) => parseDkimKeyRecord(text).status === "syntax");
  if (whole !== undefined && pieces) {
    return {
      code: "dkim-split",
      severity: "fail",
      message: `The key at ${name} stands in ${texts.length} records. Publish one record whose strings make the key together.`,
      observed,
      remedy: txtRecord(name, whole),
    };
  }
  const usable = texts.find((text) => parseDkimKeyRecord(text).status === "key");
  return {
    code: "dkim-multiple",
    severity: "fail",
    message: `There are several records at ${name}. Leave only the key that signs.`,
    observed,
    remedy: txtRecord(name, usable ?? "v=DKIM1; k=rsa; p=<the public key of this selector>"),
  };
}

function judgeKey(name: string, text: string, wanted: Wanted, key: DkimKeyRecord): Observation[] {
  const observed = shown(`${name} TXT: "${text}"`);
  const findings: Observation[] = [];
  const without = (tag: string) =>
    txtRecord(
      name,
      text
        .split(";")
        .filter((part) => part.trim() !== "" && part.split("=")[0]!.trim() !== tag)
        .join(";"),
    );
  if (wanted.fingerprint !== undefined && key.fingerprint !== wanted.fingerprint.replace(/=+$/, "")) {
    findings.push({
      code: "dkim-other-key",
      severity: "fail",
      message: `The key at ${name} is not the one that your record attests. After a rotation, update the record.`,
      observed: key.fingerprint,
      expected: shown(wanted.fingerprint),
      remedy: `${name}. IN TXT "v=DKIM1; k=${wanted.algorithm ?? key.algorithm}; p=<the key with the attested fingerprint>"`,
    });
  }
  if (wanted.algorithm !== undefined && wanted.algorithm !== key.algorithm) {
    findings.push({
      code: "dkim-other-algorithm",
      severity: "fail",
      message: `The key at ${name} is of another algorithm than your record says.`,
      observed: key.algorithm,
      expected: shown(wanted.algorithm),
      remedy: `${name}. IN TXT "v=DKIM1; k=${shown(wanted.algorithm)}; p=<the attested key>"`,
    });
  }
  if (key.algorithm === "rsa" && (key.bits < 2048 || key.bits > 4096)) {
    const [weak, long] = [key.bits < 1024, key.bits > 4096];
    findings.push({
      code: weak ? "dkim-weak" : long ? "dkim-long" : "dkim-short",
      severity: weak ? "fail" : "warn",
      message: `The key at ${name} has ${key.bits} bits. Make a new one of 2048 bits, under a new selector.`,
      observed: `${key.bits} bits`,
      expected: "2048 bits",
      remedy: `<a new selector>._domainkey.${name.slice(name.indexOf("._domainkey.") + 12)}. IN TXT "v=DKIM1; k=rsa; p=<an RSA public key of 2048 bits>"`,
    });
  }
  if (!key.forEmail) {
    findings.push({
      code: "dkim-not-for-mail",
      severity: "fail",
      message: `The key at ${name} is not meant for e-mail. Remove its s= tag.`,
      observed,
      remedy: without("s"),
    });
  }
  if (!key.forSha256) {
    findings.push({
      code: "dkim-not-sha256",
      severity: "fail",
      message: `The key at ${name} does not allow SHA-256. Remove its h= tag.`,
      observed,
      remedy: without("h"),
    });
  }
  if (key.testing) {
    findings.push({
      code: "dkim-testing",
      severity: "warn",
      message: `The key at ${name} is marked as a test (t=y). Remove the flag when you are done.`,
      observed,
      remedy: without("t"),
    });
  }
  if (key.strict) {
    findings.push({
      code: "dkim-strict",
      severity: "info",
      message: `The key at ${name} is for the very domain only (t=s).`,
      observed,
    });
  }
  return findings;
}
