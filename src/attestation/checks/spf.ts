import { MAX_SPF_LOOKUPS, surveySpf, type SpfSurvey } from "../../protocol/spf/index.ts";
import type { Resolver } from "../../protocol/dns/index.ts";
import { normalizeHost } from "../domain.ts";
import type { Finding, Pool } from "../types.ts";
import { noAnswer, result, shown, txtRecord, type Check } from "./result.ts";

/**
 * Is there exactly one SPF record that a receiver can evaluate (RFC 7208 sections 3.2 and 4.6.4), and may the pool
 * send: by its `include`, or because the bounce name is delegated to it (SPF is judged on the envelope sender)?
 */
export const checkSpf: Check = async ({ domain, attestation, pool }, resolver, at) => {
  const [survey, bounce] = await Promise.all([
    surveySpf(domain, resolver),
    pool ? lookAtBounceName(domain, pool, resolver) : undefined,
  ]);
  if (survey.status === "temperror") return result("spf", [noAnswer(domain, survey.detail)], at);
  const findings = judge(domain, survey, pool, bounce?.delegated ?? false);
  if (pool && bounce)
    findings.push(...judgePool(domain, survey, pool, bounce, attestation?.relay !== undefined));
  return result("spf", findings, at);
};

type Bounce = { name: string; delegated: boolean; target?: string; silent?: string };

async function lookAtBounceName(domain: string, pool: Pool, resolver: Resolver): Promise<Bounce> {
  const name = `bounce.${domain}`;
  const answer = await resolver.resolve(name, "CNAME");
  if (answer.status === "temperror") return { name, delegated: false, silent: answer.detail };
  const target = answer.status === "ok" ? answer.records[0]?.target : undefined;
  if (target === undefined) return { name, delegated: false };
  return { name, target, delegated: normalizeHost(target) === normalizeHost(pool.returnPathHost) };
}

function judge(domain: string, survey: SpfSurvey, pool: Pool | undefined, delegated: boolean): Finding[] {
  const suggestion = txtRecord(domain, pool ? `v=spf1 mx include:${pool.spfInclude} -all` : "v=spf1 mx -all");
  switch (survey.status) {
    case "none":
      return [
        {
          code: "spf-missing",
          severity: delegated ? "warn" : "fail",
          message: `${domain} has no SPF record, so anybody may use it as an envelope sender. Publish one.`,
          remedy: suggestion,
        },
      ];
    case "multiple":
      return [
        {
          code: "spf-multiple",
          severity: "fail",
          message: `${domain} has several SPF records; receivers treat that as an error. Join them into one.`,
          observed: shown(survey.texts),
          remedy: txtRecord(domain, joined(survey.texts)),
        },
      ];
    case "syntax":
      return [
        {
          code: "spf-syntax",
          severity: "fail",
          message: `Receivers cannot read the SPF record of ${domain}: ${survey.detail}.`,
          observed: shown(survey.text),
          remedy: suggestion,
        },
      ];
    case "too-many-lookups":
      return [
        {
          code: "spf-too-many-lookups",
          severity: "fail",
          message: `The SPF record of ${domain} needs more than ${MAX_SPF_LOOKUPS} DNS lookups; receivers give up. Remove includes that you no longer use.`,
          observed: shown(survey.text),
          expected: `at most ${MAX_SPF_LOOKUPS} lookups`,
        },
      ];
    case "broken":
      return [
        {
          code: "spf-include-broken",
          severity: "fail",
          message: `The SPF record of ${domain} refers to ${shown(survey.name)}, which ${survey.detail}; receivers treat that as an error. Remove or correct it.`,
          observed: shown(survey.text),
        },
      ];
    case "ok":
      return judgeEnding(domain, survey.text, survey.all);
    case "temperror":
      return [noAnswer(domain, survey.detail)];
  }
}

function judgeEnding(domain: string, text: string, all: string | undefined): Finding[] {
  if (all === "-" || all === "~") return [];
  const bare = text.replace(/\s+[+?]?all\b/gi, "").trim();
  const remedy = txtRecord(domain, `${bare} -all`);
  if (all === "+") {
    return [
      {
        code: "spf-allows-all",
        severity: "fail",
        message: `The SPF record of ${domain} lets every host on the internet send for it. End it with -all.`,
        observed: shown(text),
        remedy,
      },
    ];
  }
  return [
    {
      code: "spf-no-ending",
      severity: "warn",
      message: `The SPF record of ${domain} says nothing about other hosts. End it with -all or ~all.`,
      observed: shown(text),
      remedy,
    },
  ];
}

function judgePool(
  domain: string,
  survey: SpfSurvey,
  pool: Pool,
  bounce: Bounce,
  relayed: boolean,
): Finding[] {
  const findings: Finding[] = [];
  const included = survey.status === "ok" && survey.includes.includes(normalizeHost(pool.spfInclude));
  if (bounce.target !== undefined && !bounce.delegated) {
    findings.push({
      code: "return-path-elsewhere",
      severity: relayed ? "warn" : "info",
      message: `${bounce.name} points elsewhere than to the relay, so bounces of relayed mail use the relay's own name.`,
      observed: shown(bounce.target),
      expected: pool.returnPathHost,
      remedy: `${bounce.name}. IN CNAME ${pool.returnPathHost}.`,
    });
  }
  // A record that cannot be evaluated has its own finding; whether it includes the pool is then unknown.
  if (!relayed || included || bounce.delegated || (survey.status !== "ok" && survey.status !== "none"))
    return findings;
  if (bounce.silent !== undefined) return [...findings, noAnswer(bounce.name, bounce.silent)];
  findings.push({
    code: "spf-pool-missing",
    severity: "fail",
    message: `The DNS of ${domain} does not let the relay send for it. Delegate ${bounce.name} to the relay (best), or include ${pool.spfInclude} in the SPF record.`,
    ...(survey.status === "ok" ? { observed: shown(survey.text) } : {}),
    expected: `include:${pool.spfInclude}`,
    remedy: `${bounce.name}. IN CNAME ${pool.returnPathHost}.`,
  });
  return findings;
}

/** One record with the terms of all, each once, ended by the strictest `all`. */
function joined(texts: string[]): string {
  const terms = [...new Set(texts.flatMap((text) => text.split(/\s+/).slice(1)))].filter(
    (t) => !/^[-+~?]?all$/i.test(t),
  );
  return ["v=spf1", ...terms, "-all"].join(" ").slice(0, 1000);
}
