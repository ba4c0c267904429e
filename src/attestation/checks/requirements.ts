import type { CheckName, CheckResult } from "../types.ts";

export type SenderProvider = "gmail" | "yahoo" | "microsoft";

/** One requirement of a provider for senders, as far as the checks can see it. */
export type Requirement = {
  provider: SenderProvider;
  need: string;
  /** `unknown`: the checks had no answer, or nothing to look at. */
  status: "pass" | "fail" | "unknown";
  /** Codes of the findings that decide it. */
  because: string[];
};

type Judgement = Pick<Requirement, "status" | "because">;
type Seen = ReadonlyMap<CheckName, CheckResult>;

const REPLIES_FAIL = ["mx-null", "mx-null-mixed", "mx-missing", "mx-no-address", "mx-is-address"];

/**
 * What each provider asks of senders to it, and whether the checks find it met. Gmail and Yahoo ask it of all for
 * authentication and of those above some 5,000 mails a day for the whole; Microsoft of those above 5,000 a day.
 * Spam rate, one-click unsubscription and TLS in sending are not in the DNS.
 * Sources: support.google.com/a/answer/81126, senders.yahooinc.com/best-practices, Microsoft's requirements for
 * high-volume senders to Outlook.com (`550 5.7.515`).
 */
const NEEDS: [need: string, providers: SenderProvider[], judge: (seen: Seen) => Judgement][] = [
  ["SPF passes", ["gmail", "yahoo", "microsoft"], (seen) => whole(seen, "spf")],
  ["DKIM passes, with a key of 1024 bits or more", ["gmail", "yahoo", "microsoft"], dkim],
  ["DMARC record, at least p=none", ["gmail", "yahoo", "microsoft"], dmarc],
  ["From: aligns with SPF or DKIM", ["gmail", "yahoo"], alignment],
  ["From: aligns with SPF or DKIM, best with both", ["microsoft"], alignment],
  ["Names of the sending addresses, forward and back", ["gmail", "yahoo"], (seen) => whole(seen, "ptr")],
  ["The sender's domain has MX or address records", ["yahoo"], mailHosts],
  ["The sender's address can receive replies", ["microsoft"], replies],
];

/** The requirements of Gmail, Yahoo and Microsoft, derived from the checks of one domain. */
export function senderRequirements(results: readonly CheckResult[]): Requirement[] {
  const seen = new Map(results.map((result) => [result.check, result]));
  return NEEDS.flatMap(([need, providers, judge]) =>
    providers.map((provider) => ({ provider, need, ...judge(seen) })),
  );
}

/** Fails as the check does. */
function whole(seen: Seen, check: CheckName): Judgement {
  const result = seen.get(check);
  if (!result || result.status === "temperror")
    return { status: "unknown", because: codesOf(result, "warn") };
  return result.status === "fail"
    ? { status: "fail", because: codesOf(result, "fail") }
    : { status: "pass", because: [] };
}

function dkim(seen: Seen): Judgement {
  const unseen = has(seen, "dkim", ["dkim-not-checked"]);
  return unseen.length > 0 ? { status: "unknown", because: unseen } : whole(seen, "dkim");
}

function dmarc(seen: Seen): Judgement {
  const noPolicy = has(seen, "dmarc", ["dmarc-no-policy"]);
  return noPolicy.length > 0 ? { status: "fail", because: noPolicy } : whole(seen, "dmarc");
}

/** Signatures carry the domain itself, so a good key aligns; SPF aligns unless the envelope is another's. */
function alignment(seen: Seen): Judgement {
  const record = dmarc(seen);
  if (record.status !== "pass") return record;
  const byKey = dkim(seen);
  if (byKey.status === "pass") return byKey;
  const apart = has(seen, "dmarc", ["dmarc-spf-unaligned", "dmarc-strict-spf"]);
  const bySpf = whole(seen, "spf");
  if (bySpf.status === "pass" && apart.length === 0) return bySpf;
  return { status: byKey.status, because: [...byKey.because, ...apart] };
}

function mailHosts(seen: Seen): Judgement {
  return lacking(seen, ["mx-missing"]);
}

function replies(seen: Seen): Judgement {
  return lacking(seen, REPLIES_FAIL);
}

function lacking(seen: Seen, codes: readonly string[]): Judgement {
  const because = has(seen, "mx", codes);
  if (because.length > 0) return { status: "fail", because };
  const result = seen.get("mx");
  const known = result !== undefined && result.status !== "temperror";
  return { status: known ? "pass" : "unknown", because: [] };
}

function has(seen: Seen, check: CheckName, codes: readonly string[]): string[] {
  return (
    seen
      .get(check)
      ?.findings.map((f) => f.code)
      .filter((code) => codes.includes(code)) ?? []
  );
}

function codesOf(result: CheckResult | undefined, severity: "fail" | "warn"): string[] {
  return result?.findings.filter((f) => f.severity === severity).map((f) => f.code) ?? [];
}
