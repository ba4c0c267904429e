import { parseBimi } from "../../protocol/bimi/index.ts";
import { lookupDmarc } from "../../protocol/dmarc/index.ts";
import { noAnswer, result, seen, txtRecord, type Check, type Observation } from "./result.ts";

/** What BIMI would show, as information: nothing depends on it. */
export const checkBimi: Check = async ({ domain }, { resolver, at }) => {
  const name = `default._bimi.${domain}`;
  const answer = await resolver.resolve(name, "TXT");
  if (answer.status === "temperror") return result("bimi", [noAnswer(name, answer)], at);
  const observed = seen(name, "TXT", answer);
  const remedy = txtRecord(name, `v=BIMI1; l=https://${domain}/logo.svg; a=https://${domain}/mark.pem`);
  const info = (code: Observation["code"], message: string): Observation => ({
    code,
    severity: "info",
    message,
    observed,
    remedy,
  });
  const texts = answer.status === "ok" ? answer.records.map((r) => r.text) : [];
  const records = texts.map(parseBimi).filter((r) => r.status !== "not-bimi");
  const [record] = records;
  if (!record) return result("bimi", [info("bimi-missing", `${domain} shows no logo (BIMI).`)], at);
  if (records.length > 1 || record.status === "syntax") {
    const why = record.status === "syntax" ? record.detail : "there are several records";
    return result("bimi", [info("bimi-syntax", `The BIMI record at ${name} cannot be used: ${why}.`)], at);
  }
  const findings: Observation[] = [];
  if (record.logo !== "" && record.evidence === "")
    findings.push(info("bimi-no-certificate", `The BIMI record at ${name} names no mark certificate.`));
  const dmarc = record.logo === "" ? undefined : await lookupDmarc(domain, resolver);
  if (dmarc && dmarc.status !== "temperror" && (dmarc.status !== "found" || dmarc.policy === "none")) {
    findings.push({
      ...info("bimi-needs-dmarc", `DMARC of ${domain} does not protect it, so no logo is shown.`),
      remedy: txtRecord(`_dmarc.${domain}`, "v=DMARC1; p=quarantine"),
    });
  }
  return result("bimi", findings, at);
};
