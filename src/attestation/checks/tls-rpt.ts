import { parseTlsRpt } from "../../protocol/tls-rpt/index.ts";
import { noAnswer, result, seen, txtRecord, type Check } from "./result.ts";

/** Do senders know where to report failures of TLS (RFC 8460 section 3)? */
export const checkTlsRpt: Check = async ({ domain }, { resolver, at }) => {
  const name = `_smtp._tls.${domain}`;
  const answer = await resolver.resolve(name, "TXT");
  if (answer.status === "temperror") return result("tls-rpt", [noAnswer(name, answer)], at);
  const observed = seen(name, "TXT", answer);
  const remedy = txtRecord(name, `v=TLSRPTv1; rua=mailto:tls-reports@${domain}`);
  const texts = answer.status === "ok" ? answer.records.map((r) => r.text) : [];
  const records = texts.map(parseTlsRpt).filter((r) => r.status !== "not-tls-rpt");
  const [record] = records;
  if (!record) {
    const message = `${domain} asks for no reports about TLS. Publish the record.`;
    return result("tls-rpt", [{ code: "tls-rpt-missing", severity: "info", message, observed, remedy }], at);
  }
  if (records.length > 1) {
    const message = `There are several TLS reporting records at ${name}. Leave only one.`;
    return result("tls-rpt", [{ code: "tls-rpt-multiple", severity: "warn", message, observed, remedy }], at);
  }
  if (record.status === "syntax") {
    const message = `Senders cannot read the TLS reporting record at ${name}: ${record.detail}.`;
    return result("tls-rpt", [{ code: "tls-rpt-syntax", severity: "warn", message, observed, remedy }], at);
  }
  return result("tls-rpt", [], at);
};
