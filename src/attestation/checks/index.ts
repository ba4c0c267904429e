import { memoize, type Resolver } from "../../protocol/dns/index.ts";
import type { CheckInput, CheckName, CheckResult, Transport } from "../types.ts";
import { checkBimi } from "./bimi.ts";
import { checkDane } from "./dane.ts";
import { checkDkim } from "./dkim.ts";
import { checkDmarc } from "./dmarc.ts";
import { checkDomainControl } from "./domain-control.ts";
import { checkMtaSts } from "./mta-sts.ts";
import { checkMx } from "./mx.ts";
import { checkPtr } from "./ptr.ts";
import type { Check } from "./result.ts";
import { checkSpf } from "./spf.ts";
import { checkStartTls } from "./starttls.ts";
import { checkTlsRpt } from "./tls-rpt.ts";

const CHECKS: Record<CheckName, Check> = {
  "domain-control": checkDomainControl,
  mx: checkMx,
  spf: checkSpf,
  dkim: checkDkim,
  dmarc: checkDmarc,
  ptr: checkPtr,
  "mta-sts": checkMtaSts,
  "tls-rpt": checkTlsRpt,
  dane: checkDane,
  starttls: checkStartTls,
  bimi: checkBimi,
};

/**
 * Runs every check of a domain at once; each question is asked of the DNS once. `transport` lets it fetch the MTA-STS
 * policy and speak to the mail servers; without it only the DNS is asked. Needs no database; never rejects.
 */
export async function checkDomain(
  input: CheckInput,
  resolver: Resolver,
  now: () => number,
  transport?: Transport,
): Promise<CheckResult[]> {
  const around = { resolver: memoize(resolver), at: now(), transport };
  const results = await Promise.all(Object.values(CHECKS).map((check) => check(input, around)));
  return results.filter((result) => result !== undefined);
}
