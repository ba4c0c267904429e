import { noAnswer, result, shown, txtRecord, type Check } from "./result.ts";

/**
 * Does the DNS of the domain name the DID? TXT `did=<did>` at `_email-attestation.<domain>`, or at
 * `_atproto.<domain>` as for handles (atproto handle specification). Proof over HTTPS does not count: whoever
 * answers a host's web requests need not own its mail.
 */
export const checkDomainControl: Check = async ({ domain, did }, resolver, at) => {
  const names = [`_email-attestation.${domain}`, `_atproto.${domain}`];
  const answers = await Promise.all(names.map((name) => resolver.resolve(name, "TXT")));
  const texts = answers.flatMap((a) => (a.status === "ok" ? a.records.map((r) => r.text.trim()) : []));
  const claims = texts.filter((text) => text.startsWith("did="));

  if (did === undefined) {
    const message = claims.length
      ? "The domain names an account; say which one to compare."
      : "The domain names no account yet.";
    return result(
      "domain-control",
      [
        {
          code: "control-unknown-did",
          severity: "warn",
          message,
          ...(claims.length ? { observed: shown(claims) } : {}),
        },
      ],
      at,
    );
  }
  if (claims.includes(`did=${did}`)) return result("domain-control", [], at);

  const silent = answers.findIndex((a) => a.status === "temperror");
  const answer = answers[silent];
  if (answer?.status === "temperror") {
    return result("domain-control", [noAnswer(names[silent]!, answer.detail)], at);
  }
  const remedy = txtRecord(names[0]!, `did=${did}`);
  const expected = `did=${did}`;
  return result(
    "domain-control",
    [
      claims.length === 0
        ? {
            code: "control-missing",
            severity: "fail",
            message: `The DNS of ${domain} does not say that your account speaks for it. Publish one TXT record.`,
            expected,
            remedy,
          }
        : {
            code: "control-other-did",
            severity: "fail",
            message: `The DNS of ${domain} names another account. Publish a TXT record that names yours.`,
            observed: shown(claims),
            expected,
            remedy,
          },
    ],
    at,
  );
};
