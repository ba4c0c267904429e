import type { Resolver } from "../../protocol/dns/index.ts";
import { lookupDmarc } from "../../protocol/dmarc/index.ts";
import type { Finding } from "../types.ts";
import { noAnswer, result, shown, txtRecord, type Check } from "./result.ts";

/**
 * Does a DMARC record govern the domain, and can mail that is signed as it align (RFC 7489 sections 3.1 and 6.3)?
 * Signatures carry the domain itself, so DKIM aligns in either mode; the delegated bounce name is a subdomain, so
 * SPF aligns only in the relaxed one.
 */
export const checkDmarc: Check = async ({ domain, attestation }, resolver, at) => {
  const found = await lookupDmarc(domain, resolver);
  const name = `_dmarc.${domain}`;
  const suggestion = txtRecord(name, "v=DMARC1; p=quarantine");
  switch (found.status) {
    case "temperror":
      return result("dmarc", [noAnswer(name, found.detail)], at);
    case "none":
      return result("dmarc", [await nothingReadable(domain, name, resolver, suggestion)], at);
    case "multiple":
      return result(
        "dmarc",
        [
          {
            code: "dmarc-multiple",
            severity: "fail",
            message: `There are several DMARC records at _dmarc.${found.at}; receivers then ignore all. Leave only one.`,
            observed: shown(found.texts),
          },
        ],
        at,
      );
    case "syntax":
      return result(
        "dmarc",
        [
          {
            code: "dmarc-syntax",
            severity: "fail",
            message: `Receivers cannot read the DMARC record at _dmarc.${found.at}: ${found.detail}.`,
            observed: shown(found.text),
            remedy: suggestion,
          },
        ],
        at,
      );
    case "found": {
      const findings: Finding[] = [];
      if (found.at !== domain) {
        findings.push({
          code: "dmarc-inherited",
          severity: "info",
          message: `${domain} has no DMARC record of its own; that of ${found.at} applies.`,
          observed: shown(found.text),
        });
      }
      if (found.policy === "none") {
        findings.push({
          code: "dmarc-none",
          severity: "warn",
          message: `DMARC for ${domain} only watches (none): forged mail is delivered. Move to quarantine once your own mail passes.`,
          observed: shown(found.text),
          remedy: suggestion,
        });
      }
      if (found.record.aspf === "s" && attestation?.relay) {
        findings.push({
          code: "dmarc-strict-spf",
          severity: "info",
          message: `With aspf=s, SPF of the bounce name does not align with ${domain}; DKIM alone carries DMARC.`,
          observed: shown(found.text),
        });
      }
      return result("dmarc", findings, at);
    }
  }
};

/** Whether nothing stands there, or something that receivers pass over. */
async function nothingReadable(
  domain: string,
  name: string,
  resolver: Resolver,
  remedy: string,
): Promise<Finding> {
  const there = await resolver.resolve(name, "TXT");
  if (there.status !== "ok" || there.records.length === 0) {
    return {
      code: "dmarc-missing",
      severity: "fail",
      message: `${domain} has no DMARC record. The large mailbox providers require one.`,
      remedy,
    };
  }
  return {
    code: "dmarc-syntax",
    severity: "fail",
    message: `Receivers pass over what stands at ${name}: a DMARC record begins with "v=DMARC1;".`,
    observed: shown(there.records.map((record) => record.text)),
    remedy,
  };
}
