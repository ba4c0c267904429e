import {
  MAX_SPF_LOOKUPS,
  MAX_SPF_VOIDS,
  mergeSpf,
  surveySpf,
  type SpfSurvey,
} from "../../protocol/spf/index.ts";
import type { Pool } from "../types.ts";
import { noAnswer, result, shown, txtRecord, type Check, type Observation } from "./result.ts";
import { judgeEgress, judgePool, lookAtBounceName } from "./spf-senders.ts";

/**
 * Is there exactly one SPF record that a receiver can evaluate (RFC 7208 sections 3.2 and 4.6.4), and does it pass
 * for those who send: the pool, unless the bounce name is delegated to it (SPF is judged on the envelope sender), and
 * the addresses that the record attests?
 */
export const checkSpf: Check = async (input, { resolver, at }) => {
  const { domain, attestation, pool } = input;
  const [survey, bounce] = await Promise.all([
    surveySpf(domain, resolver),
    pool ? lookAtBounceName(domain, pool, resolver) : undefined,
  ]);
  if (survey.status === "temperror") return result("spf", [noAnswer(survey.name, survey)], at);
  const findings = judge(domain, survey, pool, bounce?.delegated ?? false);
  const [ofPool, ofEgress] = await Promise.all([
    pool && bounce
      ? judgePool({ domain, survey, pool, bounce, relayed: attestation?.relay !== undefined }, resolver)
      : [],
    judgeEgress(domain, survey, attestation?.egress ?? [], resolver),
  ]);
  return result("spf", [...findings, ...ofPool, ...ofEgress], at);
};

type Readable = Exclude<SpfSurvey, { status: "temperror" }>;

function judge(domain: string, survey: Readable, pool: Pool | undefined, delegated: boolean): Observation[] {
  const include = pool && !delegated ? [`include:${pool.spfInclude}`] : [];
  const suggestion = txtRecord(domain, mergeSpf(["v=spf1 mx"], include));
  const observed = "text" in survey ? `${domain} TXT: "${shown(survey.text)}"` : "";
  switch (survey.status) {
    case "none":
      return [
        {
          code: "spf-missing",
          severity: delegated ? "warn" : "fail",
          message: `${domain} has no SPF record. Publish one.`,
          observed: `${domain} TXT: ${survey.absent === "nxdomain" ? "NXDOMAIN" : "no record that begins with v=spf1"}`,
          remedy: suggestion,
        },
      ];
    case "multiple":
      return [
        {
          code: "spf-multiple",
          severity: "fail",
          message: `${domain} has several SPF records. Remove them, and publish one that joins their terms.`,
          observed: shown(survey.texts.map((text) => `${domain} TXT: "${text}"`)),
          remedy: txtRecord(domain, mergeSpf(survey.texts, include).slice(0, 1500)),
        },
      ];
    case "syntax":
      return [
        {
          code: "spf-syntax",
          severity: "fail",
          message: `Receivers cannot read the SPF record of ${domain}: ${shown(survey.detail)}.`,
          observed,
          remedy: txtRecord(domain, mergeSpf([survey.text], include).slice(0, 1500)),
        },
      ];
    case "too-many-lookups": {
      const [dearest] = survey.costs.toSorted((a, b) => b.lookups - a.lookups);
      const rest = survey.text
        .split(" ")
        .filter((word) => word.toLowerCase() !== dearest?.term.toLowerCase());
      return [
        {
          code: "spf-too-many-lookups",
          severity: "fail",
          message: `The SPF record of ${domain} needs more than ${MAX_SPF_LOOKUPS} DNS lookups. Remove what you no longer use, or send such mail from a subdomain with a record of its own: ${shown(survey.costs.map((c) => `${c.term} takes ${c.lookups}`).join(", "))}.`,
          observed,
          expected: `at most ${MAX_SPF_LOOKUPS} lookups`,
          remedy: txtRecord(domain, rest.join(" ")),
        },
      ];
    }
    case "broken":
      return [
        {
          code: "spf-include-broken",
          severity: "fail",
          message: `The SPF record of ${domain} refers to ${shown(survey.name)}, which ${survey.detail}. Remove or correct it.`,
          observed,
          remedy: txtRecord(domain, without(survey.text, survey.name)),
        },
      ];
    case "ok":
      return judgeQuality(domain, survey, observed);
  }
}

function judgeQuality(
  domain: string,
  survey: Extract<SpfSurvey, { status: "ok" }>,
  observed: string,
): Observation[] {
  const { text, all, voids, unread, usesPtr } = survey;
  const findings: Observation[] = [];
  const bare = text.replace(/\s+[+?]?all\b/gi, "").trim();
  if (all === "+") {
    findings.push({
      code: "spf-allows-all",
      severity: "fail",
      message: `The SPF record of ${domain} lets every host on the internet send for it. End it with -all.`,
      observed,
      remedy: txtRecord(domain, `${bare} -all`),
    });
  }
  if (all === "?" || all === undefined) {
    findings.push({
      code: "spf-no-ending",
      severity: "warn",
      message: `The SPF record of ${domain} says nothing about other hosts. End it with -all or ~all.`,
      observed,
      remedy: txtRecord(domain, `${bare} -all`),
    });
  }
  if (voids.length > 0) {
    const many = voids.length > MAX_SPF_VOIDS;
    findings.push({
      code: many ? "spf-too-many-voids" : "spf-void-lookup",
      severity: many ? "fail" : "info",
      message: `The SPF record of ${domain} asks for names that have nothing: ${shown(voids.join(", "))}. Remove them.`,
      observed,
      expected: `at most ${MAX_SPF_VOIDS} such lookups`,
      remedy: txtRecord(domain, voids.reduce(without, text)),
    });
  }
  if (unread.length > 0) {
    findings.push({
      code: "spf-unread",
      severity: "warn",
      message: `Receivers do not read ${shown(unread.join(", "))} in the SPF record of ${domain}: all ends it. Move all to the end.`,
      observed,
      remedy: txtRecord(domain, mergeSpf([text])),
    });
  }
  if (usesPtr) {
    findings.push({
      code: "spf-ptr",
      severity: "warn",
      message: `The SPF record of ${domain} uses ptr. Name the addresses instead.`,
      observed,
      remedy: txtRecord(domain, text.replace(/\s+[+~?-]?ptr(:\S*)?(?=\s|$)/gi, "")),
    });
  }
  return findings;
}

const NAMING = /^[+~?-]?(?:a|mx|include|exists|redirect)[:=]([^/]+)/i;

/** The record without the terms that name `name`; `a` and `mx` without a name stand for the domain itself. */
function without(text: string, name: string): string {
  const [version, ...words] = text.split(/\s+/);
  const kept = words.filter((word) => NAMING.exec(word)?.[1]?.toLowerCase().replace(/\.$/, "") !== name);
  return [version, ...kept].join(" ");
}
