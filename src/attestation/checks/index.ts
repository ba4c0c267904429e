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
import type { Check, Surroundings } from "./result.ts";
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

/** The checks that see more with a transport than without. */
const BY_TRANSPORT: readonly Check[] = [checkMtaSts, checkStartTls];

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
  return run(Object.values(CHECKS), input, { resolver: memoize(resolver), at: now(), transport });
}

/** Only what the web and mail servers of a domain show: its MTA-STS policy, and STARTTLS at its MX hosts. */
export async function probeDomain(
  domain: string,
  resolver: Resolver,
  now: () => number,
  transport: Transport,
): Promise<CheckResult[]> {
  return run(BY_TRANSPORT, { domain }, { resolver: memoize(resolver), at: now(), transport });
}

/** What the DNS showed, and beside it what was seen at the servers, where the DNS shows no fault of its own. */
export function withProbes(checks: readonly CheckResult[], probes: readonly CheckResult[]): CheckResult[] {
  const probed = new Map(probes.map((result) => [result.check, result]));
  const starttls = checks.some(({ check }) => check === "mx") ? probed.get("starttls") : undefined;
  return [
    ...checks.map((result) => {
      const more = result.check === "mta-sts" && result.findings.length === 0 && probed.get("mta-sts");
      return more || result;
    }),
    ...(starttls && !checks.some(({ check }) => check === "starttls") ? [starttls] : []),
  ];
}

async function run(
  checks: readonly Check[],
  input: CheckInput,
  around: Surroundings,
): Promise<CheckResult[]> {
  const results = await Promise.all(checks.map((check) => check(input, around)));
  return results.filter((result) => result !== undefined);
}
