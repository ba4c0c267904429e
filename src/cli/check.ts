import { checkDomain, normalizeDomain, summarize, type CheckResult } from "../attestation/index.ts";
import { systemClock } from "../lib/clock.ts";
import { createResolver } from "../platform/dns/index.ts";
import { CommandError, EXIT, outputFor, plain } from "./output.ts";

export type CheckOptions = { did?: string; dns?: string; pool?: string; json?: boolean };

const SIGN = { pass: "ok  ", warn: "warn", fail: "FAIL", temperror: "?   " } as const;

/** `atmos check DOMAIN`: needs no configuration and no account. */
export async function check(domain: string, options: CheckOptions): Promise<number> {
  const out = outputFor(options);
  const name = normalizeDomain(domain);
  if (name === undefined) throw new CommandError(`"${domain}" is not a domain name.`, EXIT.usage);
  const resolver = createResolver({ servers: [options.dns ?? "127.0.0.1:53"] });
  const results = await checkDomain(
    {
      domain: name,
      did: options.did,
      pool: options.pool === undefined ? undefined : poolNames(options.pool),
    },
    resolver,
    () => systemClock.now(),
  );
  const summary = summarize(results);
  out.say(`${name}: ${plainSummary(summary)}`);
  for (const result of results) show(result, out.say);
  out.result({ domain: name, summary, checks: results });
  return summary === "verified" ? EXIT.ok : EXIT.fault;
}

/** The names by which members know a pool. */
function poolNames(domain: string) {
  return { domain, spfInclude: `_spf.${domain}`, returnPathHost: `bounce.${domain}` };
}

function plainSummary(summary: ReturnType<typeof summarize>): string {
  if (summary === "verified") return "as it should be";
  return summary === "broken" ? "needs mending" : "not known, because the DNS gave no answer";
}

function show({ check, status, findings }: CheckResult, say: (line: string) => void): void {
  say(`  ${SIGN[status]} ${check}`);
  for (const finding of findings) {
    say(`       ${plain(finding.message)}`);
    if (finding.observed !== undefined) say(`       seen:    ${plain(finding.observed)}`);
    if (finding.remedy !== undefined) say(`       publish: ${plain(finding.remedy)}`);
  }
}
