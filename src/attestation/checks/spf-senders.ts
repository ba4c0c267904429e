import { isIP } from "node:net";
import { isPublicAddress, type Resolver } from "../../protocol/dns/index.ts";
import {
  evaluateSpf,
  lookupSpf,
  mergeSpf,
  type SpfEvaluation,
  type SpfSurvey,
} from "../../protocol/spf/index.ts";
import { normalizeHost } from "../domain.ts";
import type { Pool } from "../types.ts";
import { noAnswer, shown, txtRecord, type Observation, type Silence } from "./result.ts";

export type BounceName = { name: string; delegated: boolean; target?: string; silent?: Silence };

/** Whether `bounce.<domain>` is delegated to the pool, so that SPF is judged on the pool's own record. */
export async function lookAtBounceName(domain: string, pool: Pool, resolver: Resolver): Promise<BounceName> {
  const name = `bounce.${domain}`;
  const answer = await resolver.resolve(name, "CNAME");
  if (answer.status === "temperror") return { name, delegated: false, silent: answer };
  const target = answer.status === "ok" ? answer.records[0]?.target : undefined;
  if (target === undefined) return { name, delegated: false };
  return { name, target, delegated: normalizeHost(target) === normalizeHost(pool.returnPathHost) };
}

export type PoolCase = {
  domain: string;
  survey: SpfSurvey;
  pool: Pool;
  bounce: BounceName;
  relayed: boolean;
};

/** May the pool send? A relayed domain that does not let it fails; the pool's own faults only warn. */
export async function judgePool(
  { domain, survey, pool, bounce, relayed }: PoolCase,
  resolver: Resolver,
): Promise<Observation[]> {
  const findings: Observation[] = [];
  const delegation = `${bounce.name}. IN CNAME ${pool.returnPathHost}.`;
  if (bounce.target !== undefined && !bounce.delegated) {
    findings.push({
      code: "return-path-elsewhere",
      severity: relayed ? "warn" : "info",
      message: `${bounce.name} points elsewhere than to the relay.`,
      observed: shown(`${bounce.name} CNAME: ${bounce.target}`),
      expected: pool.returnPathHost,
      remedy: delegation,
    });
  }
  if (!relayed) return findings;
  if (bounce.delegated) return [...findings, ...(await judgeReturnPath(bounce.name, pool, resolver))];
  // A record that cannot be evaluated has its own finding; whether it lets the pool send is then unknown.
  if (survey.status !== "ok" && survey.status !== "none") return findings;
  const include = normalizeHost(pool.spfInclude);
  const named = survey.status === "ok" && survey.includes.includes(include);
  const refused = survey.status === "ok" ? await refusals(domain, pool, resolver) : undefined;
  const passes = refused && refused.asked > 0 && refused.results.length === 0;
  if (passes || (named && refused?.asked === 0)) return findings;
  if (refused?.silent) return [...findings, noAnswer(domain, refused.silent)];
  if (bounce.silent !== undefined) return [...findings, noAnswer(bounce.name, bounce.silent)];
  const own = survey.status === "ok" ? survey.text : "v=spf1 mx -all";
  const observed =
    survey.status === "ok" ? `${domain} TXT: "${shown(survey.text)}"` : `${domain} TXT: no SPF record`;
  findings.push(
    named
      ? {
          code: "spf-pool-not-passing",
          severity: "fail",
          message: `The SPF record of ${domain} names the relay, and yet its mail does not pass (${shown(refused!.results.map(inWords).join("; "))}). Put the include before what refuses it.`,
          observed,
          expected: `include:${pool.spfInclude}`,
          remedy: txtRecord(domain, includeFirst(own, pool.spfInclude)),
        }
      : {
          code: "spf-pool-missing",
          severity: "fail",
          message: `The DNS of ${domain} does not let the relay send for it. Delegate ${bounce.name} to the relay (best), or include ${pool.spfInclude} in the SPF record.`,
          observed,
          expected: `include:${pool.spfInclude}`,
          remedy: `${delegation}\n; or\n${txtRecord(domain, mergeSpf([own], [`include:${pool.spfInclude}`]))}`,
        },
  );
  return findings;
}

/** Relayed mail carries the bounce name in its envelope: does that pass for the pool's addresses? */
async function judgeReturnPath(name: string, pool: Pool, resolver: Resolver): Promise<Observation[]> {
  const { results } = await refusals(name, pool, resolver);
  if (results.length === 0) return [];
  return [
    {
      code: "return-path-not-passing",
      severity: "warn",
      message: `Mail with ${name} in its envelope does not pass SPF (${shown(results.map(inWords).join("; "))}). This is the relay's to mend: tell its committee.`,
      observed: shown(results.map(inWords)),
      expected: "pass",
      remedy: txtRecord(pool.returnPathHost, `v=spf1 include:${pool.spfInclude} -all`),
    },
  ];
}

type Refused = { address: string; evaluation: SpfEvaluation };
type Refusals = { asked: number; results: Refused[]; silent?: Silence };

/** For which of the pool's addresses an envelope of `domain` does not pass. Silence is told apart. */
async function refusals(domain: string, pool: Pool, resolver: Resolver): Promise<Refusals> {
  const addresses = await egressOf(pool, resolver);
  return evaluateEach(domain, addresses, resolver);
}

async function evaluateEach(domain: string, addresses: string[], resolver: Resolver): Promise<Refusals> {
  const results = await Promise.all(
    addresses.map(async (address) => {
      const question = { ip: address, mailFrom: `postmaster@${domain}`, helo: domain };
      return { address, evaluation: await evaluateSpf(question, resolver) };
    }),
  );
  const silent = results.find((r) => r.evaluation.result === "temperror")?.evaluation;
  return {
    asked: results.length,
    results: results.filter(({ evaluation: { result } }) => result !== "pass" && result !== "temperror"),
    ...(silent && { silent: { detail: silent.detail } }),
  };
}

const MAX_ADDRESSES = 4;

/** Addresses that stand for the pool: its own list, or one of each network that its record names. */
async function egressOf(pool: Pool, resolver: Resolver): Promise<string[]> {
  if (pool.egress?.length) return pool.egress.slice(0, MAX_ADDRESSES);
  const found = await lookupSpf(normalizeHost(pool.spfInclude), resolver);
  if (found.status !== "found") return [];
  const networks = found.terms.flatMap((term) =>
    term.kind === "mechanism" && term.qualifier === "+" && (term.name === "ip4" || term.name === "ip6")
      ? [term.value.replace(/\/.*$/, "")]
      : [],
  );
  return networks.filter((address) => isIP(address) !== 0).slice(0, MAX_ADDRESSES);
}

const MAX_EGRESS = 64;

/** Each address that the record attests must pass for the domain itself (the allowlist asks for it). */
export async function judgeEgress(
  domain: string,
  survey: SpfSurvey,
  egress: readonly { address: string }[],
  resolver: Resolver,
): Promise<Observation[]> {
  if (survey.status !== "ok" && survey.status !== "none") return [];
  const addresses = egress.map(({ address }) => address.trim()).filter(isPublicAddress);
  const { results, silent } = await evaluateEach(domain, addresses.slice(0, MAX_EGRESS), resolver);
  const own = survey.status === "ok" ? survey.text : "v=spf1 mx -all";
  const findings = results.map(({ address, evaluation }): Observation => ({
    code: "spf-egress-not-passing",
    severity: "fail",
    message: `Your record attests that ${address} sends for ${domain}, but SPF says ${evaluation.result}. Name it in the SPF record, or take it out of your record.`,
    observed: survey.status === "ok" ? `${domain} TXT: "${shown(own)}"` : `${domain} TXT: no SPF record`,
    expected: `ip${isIP(address)}:${address}`,
    remedy: txtRecord(domain, mergeSpf([own], [`ip${isIP(address)}:${address}`])),
  }));
  return silent ? [...findings, noAnswer(domain, silent)] : findings;
}

function inWords({ address, evaluation }: Refused): string {
  return `${address}: ${evaluation.result}`;
}

function includeFirst(text: string, include: string): string {
  const words = text.split(/\s+/).slice(1);
  const rest = words.filter(
    (word) => word.toLowerCase().replace(/^[+~?-]/, "") !== `include:${include}`.toLowerCase(),
  );
  return ["v=spf1", `include:${include}`, ...rest].join(" ");
}
