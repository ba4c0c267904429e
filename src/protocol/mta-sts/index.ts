import { parseTags } from "../dns/index.ts";

export type MtaStsRecord = { status: "record"; id: string } | Unreadable;
export type MtaStsPolicy = {
  mode: "enforce" | "testing" | "none";
  /** Host names, or `*.` and a parent: lower case. */
  mx: string[];
  /** Seconds for which senders keep the policy. */
  maxAge: number;
};
type Unreadable = { status: "not-mta-sts" } | { status: "syntax"; detail: string };

export const MAX_POLICY_BYTES = 64 * 1024;
const MAX_AGE = 31_557_600;
const MAX_PATTERNS = 100;
const MAX_PATTERN = 255;
/** `[*.]` and a Domain (section 3.2), with the underscores that some have. */
const PATTERN = /^(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/;

/** Parses the TXT record at `_mta-sts.<domain>` (RFC 8461 section 3.1). */
export function parseMtaStsRecord(text: string): MtaStsRecord {
  if (!/^v=STSv1\s*;/.test(text)) return { status: "not-mta-sts" };
  const tags = parseTags(text);
  if (typeof tags === "string") return { status: "syntax", detail: tags };
  const id = tags.get("id") ?? "";
  return /^[a-z0-9]{1,32}$/i.test(id)
    ? { status: "record", id }
    : { status: "syntax", detail: "id= must be 1 to 32 letters and digits" };
}

/** Where senders fetch the policy of a domain (section 3.3). */
export function policyUrl(domain: string): string {
  return `https://mta-sts.${domain}/.well-known/mta-sts.txt`;
}

/** Parses the policy file (section 3.2). Unknown keys are passed over; of a key that is there twice the first counts. */
export function parseMtaStsPolicy(
  text: string,
): { status: "policy"; policy: MtaStsPolicy } | { status: "syntax"; detail: string } {
  if (text.length > MAX_POLICY_BYTES) return syntax("the policy is too long");
  const pairs = text.split(/\r?\n/).flatMap((line) => {
    const match = /^([a-z0-9][a-z0-9_.-]*)\s*:\s*(.*?)\s*$/i.exec(line);
    return match ? [[match[1]!, match[2]!] as const] : [];
  });
  const first = (key: string) => pairs.find(([name]) => name === key)?.[1];
  if (first("version") !== "STSv1") return syntax("there is no line version: STSv1");
  const mode = (["enforce", "testing", "none"] as const).find((m) => m === first("mode"));
  if (!mode) return syntax("mode must be enforce, testing or none");
  const age = first("max_age") ?? "";
  if (!/^\d{1,10}$/.test(age)) return syntax("max_age must be a number of seconds");
  const mx = pairs.filter(([name]) => name === "mx").map(([, value]) => value.toLowerCase());
  const faulty = mx.find((pattern) => pattern.length > MAX_PATTERN || !PATTERN.test(pattern));
  if (faulty !== undefined)
    return syntax(`mx: ${faulty.slice(0, 100)} is not a host name, or *. and a host name`);
  if (mx.length > MAX_PATTERNS) return syntax(`there are more than ${MAX_PATTERNS} mx lines`);
  if (mode !== "none" && mx.length === 0) return syntax("there is no mx line");
  return { status: "policy", policy: { mode, mx, maxAge: Math.min(Number(age), MAX_AGE) } };
}

/** The policy as lines of its file, for reports (RFC 8460 section 4.4). */
export function policyLines({ mode, mx, maxAge }: MtaStsPolicy): string[] {
  return ["version: STSv1", `mode: ${mode}`, ...mx.map((host) => `mx: ${host}`), `max_age: ${maxAge}`];
}

/** Whether a pattern of the policy covers an MX host; `*.` stands for exactly one label (section 4.1). */
export function covers(pattern: string, host: string): boolean {
  if (!pattern.startsWith("*.")) return pattern === host;
  const dot = host.indexOf(".");
  return dot > 0 && host.slice(dot) === pattern.slice(1);
}

function syntax(detail: string): { status: "syntax"; detail: string } {
  return { status: "syntax", detail };
}
