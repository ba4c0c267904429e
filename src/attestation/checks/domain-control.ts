import { parseDkimKeyRecord } from "../../protocol/dkim-record/index.ts";
import type { DnsAnswer, Resolver } from "../../protocol/dns/index.ts";
import type { CheckInput, Transport } from "../types.ts";
import { noAnswer, result, seen, shown, txtRecord, type Check, type Observation } from "./result.ts";

/**
 * Does the DNS of the domain name the DID? TXT `did=<did>` at `_email-attestation.<domain>`, or at
 * `_atproto.<domain>` as for handles (atproto handle specification), or a DKIM key that was made for this account
 * alone. Proof over HTTPS does not count: whoever answers a host's web requests need not own its mail.
 */
export const checkDomainControl: Check = async (input, { resolver, at, transport }) => {
  const { domain, did } = input;
  const names = [`_email-attestation.${domain}`, `_atproto.${domain}`];
  const answers = await Promise.all(names.map((name) => resolver.resolve(name, "TXT")));
  const texts = answers.flatMap((a) => (a.status === "ok" ? a.records.map((r) => r.text.trim()) : []));
  const claims = texts.filter((text) => text.startsWith("did="));
  const observed = shown(answers.map((answer, i) => seen(names[i]!, "TXT", answer)));

  const silent = answers.findIndex((a) => a.status === "temperror");
  const silence = silent < 0 ? undefined : noAnswer(names[silent]!, faultOf(answers[silent]!));

  if (did === undefined && claims.length === 0 && silence) return result("domain-control", [silence], at);
  if (did === undefined) {
    const message = claims.length
      ? "The domain names an account; say which one to compare."
      : "The domain names no account yet.";
    return result(
      "domain-control",
      [{ code: "control-unknown-did", severity: "warn", message, observed }],
      at,
    );
  }
  if (claims.includes(`did=${did}`)) return result("domain-control", [], at);
  const issued = await issuedKey(input, resolver);
  if (issued?.proven !== undefined) return result("domain-control", [issued.proven], at);

  if (silence) return result("domain-control", [silence], at);
  if (issued?.silent) return result("domain-control", [issued.silent], at);
  const remedy = txtRecord(names[0]!, `did=${did}`);
  const expected = `did=${did}`;
  const findings: Observation[] = [
    claims.length === 0
      ? {
          code: "control-missing",
          severity: "fail",
          message: `The DNS of ${domain} does not say that your account speaks for it. Publish one TXT record.`,
          observed,
          expected,
          remedy,
        }
      : {
          code: "control-other-did",
          severity: "fail",
          message: `The DNS of ${domain} names another account. Publish a TXT record that names yours.`,
          observed,
          expected,
          remedy,
        },
  ];
  if (transport && (await provenOverHttps(domain, did, transport))) {
    findings.push({
      code: "control-https-only",
      severity: "info",
      message: `${domain} is your handle over HTTPS only. That is no control of its DNS: publish the TXT record too.`,
      observed: `${handleUrl(domain)}: ${did}`,
      remedy,
    });
  }
  return result("domain-control", findings, at);
};

function faultOf(answer: DnsAnswer<"TXT">): { detail: string } {
  return answer.status === "temperror" ? answer : { detail: "no answer" };
}

type Issued = { proven?: Observation; silent?: Observation };

/** Whether one of the keys that were made for this account stands in the DNS under its selector. */
async function issuedKey({ domain, issued }: CheckInput, resolver: Resolver): Promise<Issued | undefined> {
  if (!issued?.length) return undefined;
  const looked = await Promise.all(
    issued.map(async ({ selector, fingerprint }): Promise<Issued> => {
      const name = `${selector}._domainkey.${domain}`;
      const answer = await resolver.resolve(name, "TXT");
      if (answer.status === "temperror") return { silent: noAnswer(name, answer) };
      const texts = answer.status === "ok" ? answer.records.map((r) => r.text) : [];
      const keys = texts.map(parseDkimKeyRecord);
      const there = keys.some((k) => k.status === "key" && k.record.fingerprint === fingerprint);
      return there
        ? {
            proven: {
              code: "control-by-key",
              severity: "info",
              message: `The key that was made for your account stands at ${name}.`,
              observed: seen(name, "TXT", answer),
            },
          }
        : {};
    }),
  );
  return looked.find((one) => one.proven) ?? looked.find((one) => one.silent);
}

function handleUrl(domain: string): string {
  return `https://${domain}/.well-known/atproto-did`;
}

async function provenOverHttps(domain: string, did: string, { fetch }: Transport): Promise<boolean> {
  try {
    const response = await fetch(handleUrl(domain));
    return response.ok && (await response.text()).trim() === did;
  } catch {
    return false;
  }
}
