import {
  covers,
  MAX_POLICY_BYTES,
  parseMtaStsPolicy,
  parseMtaStsRecord,
  policyUrl,
  type MtaStsPolicy,
} from "../../protocol/mta-sts/index.ts";
import type { Transport } from "../types.ts";
import { mxHosts } from "./mx-hosts.ts";
import {
  noAnswer,
  result,
  seen,
  shown,
  txtRecord,
  type Check,
  type Observation,
  type Surroundings,
} from "./result.ts";

const DAY_SECONDS = 86_400;
const ID = "20260101";

/** Is there an MTA-STS record and, where it may be fetched, a policy that names the MX hosts (RFC 8461)? */
export const checkMtaSts: Check = async ({ domain }, { resolver, at, transport }) => {
  const name = `_mta-sts.${domain}`;
  const answer = await resolver.resolve(name, "TXT");
  if (answer.status === "temperror") return result("mta-sts", [noAnswer(name, answer)], at);
  const observed = seen(name, "TXT", answer);
  const remedy = txtRecord(name, `v=STSv1; id=${ID}`);
  const texts = answer.status === "ok" ? answer.records.map((r) => r.text) : [];
  const records = texts.map(parseMtaStsRecord).filter((r) => r.status !== "not-mta-sts");
  const [record] = records;
  if (!record) {
    return result(
      "mta-sts",
      [
        {
          code: "mta-sts-missing",
          severity: "info",
          message: `${domain} has no MTA-STS policy. Serve one at ${policyUrl(domain)}, then publish the record.`,
          observed,
          remedy,
        },
      ],
      at,
    );
  }
  if (records.length > 1 || record.status === "syntax") {
    const several = records.length > 1;
    return result(
      "mta-sts",
      [
        {
          code: several ? "mta-sts-multiple" : "mta-sts-syntax",
          severity: "warn",
          message: several
            ? `There are several MTA-STS records at ${name}. Leave only one.`
            : `Senders cannot read the MTA-STS record at ${name}${record.status === "syntax" ? `: ${record.detail}` : ""}.`,
          observed,
          remedy,
        },
      ],
      at,
    );
  }
  if (!transport) return result("mta-sts", [], at);
  return result("mta-sts", await judgePolicy(domain, observed, { resolver, at, transport }), at);
};

async function judgePolicy(
  domain: string,
  observed: string,
  { resolver, transport }: Surroundings & { transport: Transport },
): Promise<Observation[]> {
  const url = policyUrl(domain);
  const [fetched, mx] = await Promise.all([fetchPolicy(url, transport), mxHosts(domain, resolver)]);
  if ("fault" in fetched) {
    return [
      {
        code: "mta-sts-unreachable",
        severity: "warn",
        message: `The policy at ${url} cannot be fetched. Serve it there as text/plain, with a certificate for mta-sts.${domain} and without redirects.`,
        observed: shown([observed, `${url}: ${fetched.fault}`]),
        remedy: `mta-sts.${domain}. IN CNAME <the host that serves the policy>.`,
      },
    ];
  }
  const parsed = parseMtaStsPolicy(fetched.text);
  if (parsed.status === "syntax") {
    return [
      {
        code: "mta-sts-syntax",
        severity: "warn",
        message: `Senders cannot read the policy at ${url}: ${parsed.detail}.`,
        observed: shown(fetched.text),
        expected: policyFor(mx.hosts, "testing"),
      },
    ];
  }
  return compare(parsed.policy, mx.hosts, fetched.text, url);
}

function compare(policy: MtaStsPolicy, hosts: string[], text: string, url: string): Observation[] {
  const findings: Observation[] = [];
  const observed = shown(text);
  if (policy.mode !== "enforce") {
    findings.push({
      code: "mta-sts-not-enforced",
      severity: "info",
      message: `The policy is in mode ${policy.mode}. Move to enforce once the reports are quiet.`,
      observed,
      expected: policyFor(hosts, "enforce"),
    });
  }
  const uncovered =
    policy.mode === "none" ? [] : hosts.filter((host) => !policy.mx.some((p) => covers(p, host)));
  if (uncovered.length > 0) {
    findings.push({
      code: "mta-sts-mx-mismatch",
      severity: "warn",
      message: `The policy at ${url} does not name ${shown(uncovered.join(", "))}${policy.mode === "enforce" ? ", so mail to it is not delivered" : ""}. Add it, and change the id of the record.`,
      observed,
      expected: policyFor(hosts, policy.mode),
    });
  }
  if (policy.mode !== "none" && policy.maxAge < DAY_SECONDS) {
    findings.push({
      code: "mta-sts-short",
      severity: "warn",
      message: `The policy lasts ${policy.maxAge} seconds only. Let it last weeks.`,
      observed,
      expected: policyFor(hosts, policy.mode),
    });
  }
  return findings;
}

function policyFor(hosts: string[], mode: string): string {
  return ["version: STSv1", `mode: ${mode}`, ...hosts.map((host) => `mx: ${host}`), "max_age: 604800"].join(
    "\n",
  );
}

async function fetchPolicy(url: string, { fetch }: Transport): Promise<{ text: string } | { fault: string }> {
  try {
    const response = await fetch(url, { redirect: "error" });
    if (response.status !== 200) return { fault: `HTTP status ${response.status}` };
    const type = response.headers.get("content-type") ?? "none";
    if (!/^text\/plain\b/i.test(type)) return { fault: `content type ${type}` };
    const text = await response.text();
    return text.length > MAX_POLICY_BYTES ? { fault: "longer than 64 KiB" } : { text };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return { fault: cause instanceof Error ? cause.message : "no answer" };
  }
}
