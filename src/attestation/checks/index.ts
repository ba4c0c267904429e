import type { Resolver } from "../../protocol/dns/index.ts";
import type { CheckInput, CheckName, CheckResult } from "../types.ts";
import { checkDkim } from "./dkim.ts";
import { checkDmarc } from "./dmarc.ts";
import { checkDomainControl } from "./domain-control.ts";
import { checkMx } from "./mx.ts";
import type { Check } from "./result.ts";
import { checkSpf } from "./spf.ts";

const CHECKS: Record<CheckName, Check> = {
  "domain-control": checkDomainControl,
  mx: checkMx,
  spf: checkSpf,
  dkim: checkDkim,
  dmarc: checkDmarc,
};

/** Runs every check of a domain at once. Needs no database; never rejects. */
export async function checkDomain(
  input: CheckInput,
  resolver: Resolver,
  now: () => number,
): Promise<CheckResult[]> {
  return Promise.all(Object.values(CHECKS).map((check) => check(input, resolver, now())));
}
