import type { Resolver } from "../../protocol/dns/index.ts";
import { lookupDmarc, mailtoDomain, reportsAccepted, type DmarcFound } from "../../protocol/dmarc/index.ts";
import type { CheckInput } from "../types.ts";
import { noAnswer, result, seen, shown, txtRecord, type Check, type Observation } from "./result.ts";
import { lookAtBounceName } from "./spf-senders.ts";

/**
 * Does a DMARC record govern the domain (RFC 9989), do its reports arrive (RFC 9990 section 4), and does relayed mail
 * align? Signatures carry the domain itself, so DKIM aligns in either mode; SPF aligns when the bounce name is
 * delegated, which is a subdomain, so only in the relaxed one.
 */
export const checkDmarc: Check = async (input, { resolver, at }) => {
  const { domain } = input;
  const name = `_dmarc.${domain}`;
  const suggestion = txtRecord(name, `v=DMARC1; p=quarantine; rua=mailto:dmarc@${domain}`);
  const found = await lookupDmarc(domain, resolver);
  switch (found.status) {
    case "temperror":
      return result("dmarc", [noAnswer(found.name, found)], at);
    case "none":
      return result("dmarc", [await nothingReadable(domain, name, resolver, suggestion)], at);
    case "multiple":
      return result(
        "dmarc",
        [
          {
            code: "dmarc-multiple",
            severity: "fail",
            message: `There are several DMARC records at _dmarc.${found.at}; receivers then pass over all. Leave only one.`,
            observed: shown(found.texts.map((text) => `_dmarc.${found.at} TXT: "${text}"`)),
            remedy: txtRecord(`_dmarc.${found.at}`, found.texts[0]!),
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
            observed: shown(`_dmarc.${found.at} TXT: "${found.text}"`),
            remedy: suggestion,
          },
        ],
        at,
      );
    case "found": {
      const [reports, alignment] = await Promise.all([
        judgeReports(found, resolver),
        judgeAlignment(input, found, resolver),
      ]);
      return result("dmarc", [...judgePolicy(domain, found), ...reports, ...alignment], at);
    }
  }
};

function judgePolicy(domain: string, found: DmarcFound): Observation[] {
  const { record, at, text } = found;
  const observed = shown(`_dmarc.${at} TXT: "${text}"`);
  const changed = (tag: string, value: string | undefined) =>
    txtRecord(`_dmarc.${at}`, withTag(text, tag, value));
  const findings: Observation[] = [];
  if (at !== domain) {
    findings.push({
      code: "dmarc-inherited",
      severity: "info",
      message: `${domain} has no DMARC record of its own; that of ${at} applies, by its ${found.tag}=.`,
      observed,
    });
  }
  if (!record.explicit) {
    findings.push({
      code: "dmarc-no-policy",
      severity: "warn",
      message: `The DMARC record at _dmarc.${at} has no p=. Say what receivers should do.`,
      observed,
      remedy: txtRecord(
        `_dmarc.${at}`,
        text.replace(/^(\s*v\s*=\s*DMARC1\s*;?)/, "v=DMARC1; p=quarantine; "),
      ),
    });
  } else if (found.wanted === "none") {
    findings.push({
      code: "dmarc-none",
      severity: "warn",
      message: `DMARC for ${domain} only watches (none): forged mail is delivered. Move to quarantine once your own mail passes.`,
      observed,
      remedy:
        at === domain ? changed("p", "quarantine") : txtRecord(`_dmarc.${domain}`, "v=DMARC1; p=quarantine"),
    });
  }
  if (record.testing && found.wanted !== "none") {
    findings.push({
      code: "dmarc-testing",
      severity: "warn",
      message: `DMARC for ${domain} is marked as a test (t=y): receivers apply ${found.policy}, not ${found.wanted}. Remove the tag when your mail passes.`,
      observed,
      remedy: changed("t", undefined),
    });
  }
  if (record.np === "none" && record.sp !== "none") {
    findings.push({
      code: "dmarc-np-weaker",
      severity: "info",
      message: `Names below ${at} that do not exist are let through (np=none).`,
      observed,
      remedy: changed("np", "reject"),
    });
  }
  if (record.psd === "y") {
    findings.push({
      code: "dmarc-psd",
      severity: at === domain ? "warn" : "info",
      message: `The record at _dmarc.${at} says that ${at} is a public suffix (psd=y).`,
      observed,
      remedy: changed("psd", undefined),
    });
  }
  if (record.removed.length > 0) {
    findings.push({
      code: "dmarc-removed-tag",
      severity: "info",
      message: `The record at _dmarc.${at} has tags that are no more: ${record.removed.join(", ")}.`,
      observed,
      remedy: txtRecord(
        `_dmarc.${at}`,
        record.removed.reduce((rest, tag) => withTag(rest, tag, undefined), text),
      ),
    });
  }
  return findings;
}

const MAX_DESTINATIONS = 10;

async function judgeReports(found: DmarcFound, resolver: Resolver): Promise<Observation[]> {
  const { at, text, record } = found;
  const observed = shown(`_dmarc.${at} TXT: "${text}"`);
  const uris = [...new Set([...record.rua, ...record.ruf])].slice(0, MAX_DESTINATIONS);
  const findings: Observation[] = [];
  if (record.rua.length === 0) {
    findings.push({
      code: "dmarc-no-reports",
      severity: "info",
      message: `The record at _dmarc.${at} asks for no reports. Name an address for them.`,
      observed,
      remedy: txtRecord(`_dmarc.${at}`, withTag(text, "rua", `mailto:dmarc@${at}`)),
    });
  }
  const wrong = uris.filter((uri) => mailtoDomain(uri) === undefined);
  if (wrong.length > 0) {
    findings.push({
      code: "dmarc-report-syntax",
      severity: "warn",
      message: `Reports cannot be sent to ${shown(wrong.join(", "))}. Write mailto: and an address.`,
      observed,
      remedy: txtRecord(`_dmarc.${at}`, withTag(text, "rua", `mailto:dmarc@${at}`)),
    });
  }
  const hosts = [...new Set(uris.flatMap((uri) => mailtoDomain(uri) ?? []))];
  const answers = await Promise.all(hosts.map((host) => reportsAccepted(at, host, resolver)));
  for (const [i, answer] of answers.entries()) {
    if (answer.status === "temperror") {
      // A stranger's name servers do not decide about the domain: their silence leaves the check as it is.
      findings.push({
        code: "dmarc-report-unknown",
        severity: "info",
        message: `Whether ${hosts[i]} wants reports about ${at} could not be seen: its DNS gave no answer.`,
        observed: shown(`${answer.name}: ${answer.detail}`),
      });
    }
    if (answer.status !== "refused") continue;
    findings.push({
      code: "dmarc-report-unauthorized",
      severity: "warn",
      message: `${hosts[i]} has not said that it wants reports about ${at}, so nobody sends them there. Ask its owner to publish the record.`,
      observed: `${answer.name} TXT: ${{ nxdomain: "NXDOMAIN", nodata: "no data", other: "no v=DMARC1" }[answer.absent]}`,
      remedy: txtRecord(answer.name, "v=DMARC1"),
    });
  }
  return findings;
}

async function judgeAlignment(
  { domain, attestation, pool }: CheckInput,
  found: DmarcFound,
  resolver: Resolver,
): Promise<Observation[]> {
  if (!attestation?.relay) return [];
  const observed = shown(`_dmarc.${found.at} TXT: "${found.text}"`);
  if (found.record.aspf === "s") {
    return [
      {
        code: "dmarc-strict-spf",
        severity: "info",
        message: `With aspf=s, SPF of the bounce name does not align with ${domain}.`,
        observed,
        remedy: txtRecord(`_dmarc.${found.at}`, withTag(found.text, "aspf", undefined)),
      },
    ];
  }
  const bounce = pool && (await lookAtBounceName(domain, pool, resolver));
  if (!pool || !bounce || bounce.delegated || bounce.silent) return [];
  return [
    {
      code: "dmarc-spf-unaligned",
      severity: "info",
      message: `${bounce.name} is not delegated to the relay, so SPF of relayed mail does not align with ${domain}.`,
      observed: `${bounce.name} CNAME: ${shown(bounce.target ?? "none")}`,
      remedy: `${bounce.name}. IN CNAME ${pool.returnPathHost}.`,
    },
  ];
}

/** The record with one tag set, or taken out. */
function withTag(text: string, tag: string, value: string | undefined): string {
  const parts = text.split(";").map((part) => part.trim());
  const is = (part: string) => part.split("=")[0]!.trim().toLowerCase() === tag;
  if (value === undefined || !parts.some(is)) {
    const kept = parts.filter((part) => part !== "" && !is(part));
    return [...kept, ...(value === undefined ? [] : [`${tag}=${value}`])].join("; ");
  }
  return parts
    .filter((part) => part !== "")
    .map((part) => (is(part) ? `${tag}=${value}` : part))
    .join("; ");
}

/** Whether nothing stands there, or something that receivers pass over. */
async function nothingReadable(
  domain: string,
  name: string,
  resolver: Resolver,
  remedy: string,
): Promise<Observation> {
  const there = await resolver.resolve(name, "TXT");
  const observed = seen(name, "TXT", there);
  return there.status === "ok"
    ? {
        code: "dmarc-syntax",
        severity: "fail",
        message: `Receivers pass over what stands at ${name}: a DMARC record begins with "v=DMARC1;".`,
        observed,
        remedy,
      }
    : {
        code: "dmarc-missing",
        severity: "fail",
        message: `${domain} has no DMARC record. Publish one.`,
        observed,
        remedy,
      };
}
